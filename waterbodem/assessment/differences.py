"""What changed between two answers: other data, other parameters, or a plan against the present use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from waterbodem.answers.answer import Answer
from waterbodem.answers.command import command_of, own_values
from waterbodem.assessment.answer_changes import ChangeCauses, ComparedAnswer, change_causes, hectares_of
from waterbodem.assessment.reported import Reported
from waterbodem.core import dataset
from waterbodem.core.crs import same_crs
from waterbodem.core.errors import ArgumentError, GridMismatch
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    answer_text,
    decimal,
    functies_of,
    is_fictitious,
    isolated,
    layer_label,
    name_of,
    number_label,
    plain_number,
    reference_name,
    short_name,
    texts,
    unknown_class,
)
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.legends import change_colours
from waterbodem.definitions.models import Functie
from waterbodem.definitions.setting_list import all_settings
from waterbodem.formats.setting_forms import compared
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.views.editions import edition_text
from waterbodem.views.figures.svg import Drawing, class_picture, coded_picture, sketch
from waterbodem.views.names import distinct_names, name_in_sentence
from waterbodem.views.notebook import chip
from waterbodem.views.pages import policy, render

NAME = 80
MAX_TOLD, MAX_DRAWN, MAX_CAUSES = 20, 1000, 6
CELL = "padding:3px 12px 3px 0;text-align:left;border-bottom:1px solid #d5dbe1;white-space:nowrap"
Pair = tuple[Functie, Functie]
Array = NDArray[Any]


@dataclass(frozen=True)
class Difference(Reported):
    """The second answer minus the first.

    Attributes
    ----------
    cells : xr.Dataset
        ``geschiktheid`` and ``risico`` (after - before, NaN where either is unknown), ``stappen`` (classes gained,
        negative = lost, NaN where either is unknown), ``klasse_voor`` and ``klasse_na``; a leading dimension
        ``functie`` where several were asked.
    table : geopandas.GeoDataFrame
        A row per polygon and functie: answers, scores and risks before and after, and ha better, equal, worse and
        unknown. ``antwoord_door`` and ``risico_door`` name what turned the answer and the class of the risk.
    before, after : Answer
    turned : mapping of polygon number and functie (of the second answer) to Turned
    """

    cells: xr.Dataset
    table: gpd.GeoDataFrame
    before: Answer = field(repr=False)
    after: Answer = field(repr=False)
    turned: Mapping[tuple[int, str], ChangeCauses] = field(default_factory=dict, repr=False)

    def sentences(self, taal: str = "nl") -> list[str]:
        """Return what changed, a sentence per polygon and functie, other answers first; and how many stayed the same.

        At most twenty, and how many more there are.
        """
        rows = _records(self)
        changed = sorted((r for r in rows if _changes(r)), key=lambda r: r["antwoord_voor"] == r["antwoord_na"])
        told = [_sentence(row, self, taal) for row in changed[:MAX_TOLD]]
        left, same = len(changed) - MAX_TOLD, len(rows) - len(changed)
        told += [texts(taal)["meer"].format(n=left)] if left > 0 else []
        key = f"{'rest' if changed else 'alles_gelijk'}{'_een' if same == 1 else ''}"
        return [*told, *([texts(taal)["vergelijking"][key].format(n=same)] if same else [])]

    def html(self, taal: str = "nl", *, kleuren: str = "landelijk") -> str:
        """Return the page as text: what :meth:`report` writes."""
        return render("verschil.html.j2", taal, **_context(self, taal, kleuren))

    def __repr__(self) -> str:
        return "\n".join(["<Difference>", *self.sentences(), _why(self)])

    def _repr_html_(self) -> str:
        """Return sentences and a table that fit one screen; every name escaped."""
        told = "".join(f"<li>{escape(zin)}</li>" for zin in self.sentences())
        return f"<ul>{told}</ul><p>{escape(_why(self))}</p>{_html_table(self)}"


def difference(before: Answer, after: Answer) -> Difference:
    """Return what changed from one answer to another on the same polygons.

    Parameters
    ----------
    before, after : Answer
        On the same grid and polygons. Functies are paired by id, or one by one in the order asked.

    Returns
    -------
    Difference

    Raises
    ------
    GridMismatch
        If the cells differ.
    ArgumentError
        If polygons, or the number of functies, differ.

    Examples
    --------
    >>> import waterbodem as wb
    >>> layers, plans = wb.example(size=100, resolution=20), wb.example_plans()
    >>> drained = wb.functies()["woningbouw"].replace(ontwatering_m=1.0)
    >>> d = wb.difference(wb.assess(layers, "woningbouw", plans), wb.assess(layers, drained, plans))
    >>> bool(d.table.verschil_score.abs().max() < 1e-6)
    True
    """
    _check_same_place(before, after)
    pairs = _pairs(before, after)
    grids = [_grids(before.of(a), after.of(b)) for a, b in pairs]
    many = "functie" in after.cells.dims
    joined = xr.concat(grids, dim=pd.Index([b.id for _, b in pairs], name="functie")) if many else grids[0]
    causes = [change_causes(ComparedAnswer(before, a), ComparedAnswer(after, b)) for a, b in pairs]
    frames = [_rows(before, after, *some) for some in zip(pairs, grids, causes, strict=True)]
    table = pd.concat(frames).sort_values("nr", kind="stable").reset_index(drop=True)
    geometry = [after.question.areas[nr - 1].geometry for nr in table["nr"]]
    told = {(nr, b.id): t for (_, b), of in zip(pairs, causes, strict=True) for nr, t in enumerate(of, 1)}
    rows = gpd.GeoDataFrame(table, geometry=geometry, crs=after.question.grid.crs)
    return Difference(joined, rows, before, after, told)


def _check_same_place(before: Answer, after: Answer) -> None:
    a, b = before.question, after.question
    where = (a.grid.bounds, a.grid.shape), (b.grid.bounds, b.grid.shape)
    if where[0] != where[1] or not _same_crs(a.grid.crs, b.grid.crs):
        raise GridMismatch("answers lie on other cells", value=where[1], allowed=str(where[0]), where="after")
    same = len(a.areas) == len(b.areas) and all(
        x.name == y.name and x.geometry.equals(y.geometry) for x, y in zip(a.areas, b.areas, strict=True)
    )
    if not same:
        raise ArgumentError("answers are about other polygons", value=len(b.areas), allowed="the same", where="after")


def _same_crs(a: str | None, b: str | None) -> bool:
    return a is b if a is None or b is None else same_crs(a, b)


def _pairs(before: Answer, after: Answer) -> list[Pair]:
    first, second = functies_of(before), functies_of(after)
    if set(first) == set(second):
        return [(first[id_], f) for id_, f in second.items()]
    if len(first) != len(second):
        raise ArgumentError(
            "functies cannot be paired",
            value=", ".join(second),
            allowed=f"as many as {', '.join(first)}",
            where="after",
        )
    return list(zip(first.values(), second.values(), strict=True))


def _grids(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """Return the grids of a pair; without attributes that would be of one of the two."""
    classes = {k: d["klasse"].values for k, d in (("klasse_voor", before), ("klasse_na", after))}
    numbers = {n: after[n].values - before[n].values for n in ("geschiktheid", "risico")}
    found = {**numbers, "stappen": _steps(*classes.values()), **classes}
    return (
        after[["geschiktheid"]]
        .drop_vars("geschiktheid")
        .assign({n: (("y", "x"), v) for n, v in found.items()})
        .drop_attrs()
    )


def _steps(before: Array, after: Array) -> NDArray[np.float32]:
    """Return the classes gained; codes rise from A to D."""
    known = ~np.isin(before, (unknown_class().code, NO_CRITERION)) & ~np.isin(
        after, (unknown_class().code, NO_CRITERION)
    )
    return np.where(known, before.astype(np.float32) - after, np.float32(np.nan))


def _rows(before: Answer, after: Answer, pair: Pair, cells: xr.Dataset, causes: list[ChangeCauses]) -> pd.DataFrame:
    a, b = (_table(x, f) for x, f in zip((before, after), pair, strict=True))
    found: dict[str, Any] = {"nr": b.nr, "gebied": b.gebied, "functie_voor": pair[0].id, "functie_na": pair[1].id}
    for name in ("antwoord", "score", "risico"):
        found |= {f"{name}_voor": a[name], f"{name}_na": b[name]}
    found |= {f"verschil_{n}": b[n] - a[n] for n in ("score", "risico")}
    for name, of in (("antwoord", [t.answer for t in causes]), ("risico", [t.risk for t in causes])):
        found[f"{name}_door"] = [", ".join(t.id for t in turns) for turns in of]
    return pd.DataFrame({**found, **_hectares(after, cells["stappen"].values)})


def _table(assessment: Answer, functie: Functie) -> pd.DataFrame:
    table = pd.DataFrame(assessment.rows)
    return table[table.functie == functie.id].reset_index(drop=True)


def _hectares(assessment: Answer, gained: Array) -> dict[str, Array]:
    """Return per polygon the ha that became better, stayed equal, became worse, or are unknown in either answer."""
    known = ~np.isnan(gained)
    masks = {"beter_ha": gained > 0, "gelijk_ha": gained == 0, "slechter_ha": gained < 0, "onbekend_ha": ~known}
    return {name: hectares_of(mask, assessment.question) for name, mask in masks.items()}


# --- words and pages -------------------------------------------------------------------------------------------------


def _records(d: Difference) -> list[dict[Any, Any]]:
    """Return the rows of the table with names that are short and apart."""
    names = distinct_names(dict(zip(d.table["nr"], d.table["gebied"], strict=True)), NAME)
    return [{**row, "gebied": names[row["nr"]]} for row in d.table.drop(columns="geometry").to_dict("records")]


def _changes(row: dict[Any, Any]) -> bool:
    """Tell whether anything changes that two decimals show."""
    pairs = [(row[f"{name}_voor"], row[f"{name}_na"]) for name in ("score", "risico")]
    return row["antwoord_voor"] != row["antwoord_na"] or any(decimal(a) != decimal(b) for a, b in pairs)


def _sentence(row: dict[Any, Any], found: Difference, taal: str) -> str:
    t, names = texts(taal)["vergelijking"], {**functies_of(found.before), **functies_of(found.after)}
    first, second = (name_of(names[row[k]], taal) for k in ("functie_voor", "functie_na"))
    subject = first if first == second else t["functies"].format(voor=second, na=first)
    text = t["zin_gelijk"] if row["antwoord_voor"] == row["antwoord_na"] else t["zin"]
    return str(
        text.format(
            gebied=f"{isolated(short_name(subject, NAME))}, {name_in_sentence(row['gebied'], taal)}",
            voor=row["antwoord_voor"],
            na=row["antwoord_na"],
            door=_by(row, found, "answer", taal),
            score=_moved("score", row, taal),
            risico=_moved("risico", row, taal) + _by(row, found, "risk", taal),
        )
    )


def _by(row: dict[Any, Any], found: Difference, what: str, taal: str) -> str:
    """Return what turned an answer or a risk, as a part of a sentence; empty where nothing did."""
    turns = getattr(found.turned[row["nr"], row["functie_na"]], what)
    told = ", ".join(turn.text(taal) for turn in turns)
    return str(texts(taal)["vergelijking"]["door"]).format(wat=told) if told else ""


def _moved(name: str, row: dict[Any, Any], taal: str) -> str:
    """Return how a number went from one answer to the other, as far as two decimals show it."""
    before, after, change = (
        decimal(row[which], 2, taal) for which in (f"{name}_voor", f"{name}_na", f"verschil_{name}")
    )
    kind = "gelijk" if before == after else "anders"
    sign = "+" if row[f"verschil_{name}"] > 0 else ""
    return str(texts(taal)["vergelijking"][f"{name}_{kind}"].format(voor=before, na=after, verschil=sign + change))


def _why(d: Difference) -> str:
    """Return the first causes in one line."""
    found, t = list(causes(d)), texts("nl")
    more = [t["meer"].format(n=len(found) - MAX_CAUSES)] if len(found) > MAX_CAUSES else []
    return f"{t['vergelijking']['wat']}: {'; '.join([*found[:MAX_CAUSES], *more]) or t['vergelijking']['niets']}"


def _html_table(d: Difference) -> str:
    t, names = texts("nl"), {**functies_of(d.before), **functies_of(d.after)}
    heads = [t["tabel"][k] for k in ("gebied", "functie", "antwoord", "score")] + [t["kaart"]["risico"]]
    head = "".join(f"<th scope='col' style='{CELL}'>{escape(h)}</th>" for h in heads)
    body = "".join(_html_row(_named(r, names, "nl")) for r in _records(d)[:MAX_TOLD])
    mark = f" <strong>{escape(t['verzonnen'])}</strong>" if _made_up(d) else ""
    caption = f"<caption style='text-align:left'>{escape(t['vergelijking']['verschil'])}{mark}</caption>"
    table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f"<table style='border-collapse:collapse'>{table}</table>"


def _made_up(d: Difference) -> bool:
    return any(is_fictitious(x.question.layers) for x in (d.before, d.after))


def _html_row(row: dict[Any, Any]) -> str:
    answers = (chip(s, answer_steps()[s].kleur, answer_text(s)) for s in (row["antwoord_voor"], row["antwoord_na"]))
    pairs = ((decimal(row[f"{n}_voor"]), decimal(row[f"{n}_na"])) for n in ("score", "risico"))
    cells = [f"<bdi>{escape(row['functie'])}</bdi>", " → ".join(answers), *(" → ".join(p) for p in pairs)]
    first = f"<th scope='row' style='{CELL}'><bdi>{escape(row['gebied'])}</bdi></th>"
    rest = "".join(f"<td style='{CELL}'>{cell}</td>" for cell in cells)
    return f"<tr>{first}{rest}</tr>"


def _context(d: Difference, taal: str, kleuren: str) -> dict[str, Any]:
    names = {**functies_of(d.before), **functies_of(d.after)}
    t = texts(taal)
    words = {k: t["vergelijking"].get(k, t["onbekend"]) for k in change_colours()}
    return {
        "policy": policy(),
        "kleuren": kleuren,
        "made_up": _made_up(d),
        "sentences": d.sentences(taal),
        "drawings": list(_drawings(d, taal, kleuren)),
        "changes": [(words[k], colour) for k, colour in change_colours().items()],
        "rows": [_named(r, names, taal) for r in _records(d)],
        "turned": d.turned,
        "editions": [text for x in (d.before, d.after) if (text := edition_text(x, taal))],
        "causes": list(causes(d, taal)),
        "commands": [(t["vergelijking"][k], _command(x, f"uitvoer-{k}")) for k, x in _answers(d).items()],
    }


def _command(x: Answer, output: str) -> str:
    return command_of(x.question, output, own_values(x.question) if x.making.is_earlier else None)


def _answers(d: Difference) -> dict[str, Answer]:
    return {"voor": d.before, "na": d.after}


def _named(row: dict[Any, Any], names: dict[str, Functie], taal: str) -> dict[Any, Any]:
    return {**row, "functie": name_of(names[row["functie_na"]], taal)}


def _drawings(d: Difference, taal: str, kleuren: str) -> Iterator[tuple[str, Drawing]]:
    """Yield before, after and change of every functie."""
    t, q = texts(taal)["vergelijking"], d.after.question
    areas = q.areas[:MAX_DRAWN]
    names = [a.name for a in areas]
    for first, second in _pairs(d.before, d.after):
        cells = dataset.of_functie(d.cells, second.id)
        for key, f in (("voor", first), ("na", second)):
            title = f"{t[key]}: {name_of(f, taal)}"
            yield title, sketch(class_picture(cells[f"klasse_{key}"].values, kleuren), q.grid, areas, names, taal)
        codes = _change_codes(cells["stappen"].values, cells["klasse_na"].values)
        picture = coded_picture(codes, dict(enumerate(change_colours().values())))
        yield f"{t['verandering']}: {name_of(second, taal)}", sketch(picture, q.grid, areas, names, taal)


def _change_codes(gained: Array, klasse: Array) -> Array:
    """Return the place of every cell in the colours of change; 255 outside the polygons."""
    codes = np.select([gained > 0, gained == 0, gained < 0], [0, 1, 2], 3)
    return np.where(klasse == NO_CRITERION, NO_CRITERION, codes)


def causes(d: Difference, taal: str = "nl") -> Iterator[str]:
    """Yield what differs between the two questions: edition of the rules, layers, parameters, settings."""
    t, made = texts(taal)["vergelijking"]["instelling"], (d.before.making.edition, d.after.making.edition)
    if made[0] != made[1]:
        yield t.format(naam=texts(taal)["editie"]["editie"], voor=made[0], na=made[1])
    yield from _layer_causes(d, taal)
    for name, (a, b) in {**_parameters(d, taal), **_settings(d, taal)}.items():
        if a != b:
            yield t.format(naam=name, voor=a, na=b)


def _layer_causes(d: Difference, taal: str) -> Iterator[str]:
    t = texts(taal)["vergelijking"]
    a, b = (x.question.layers for x in (d.before, d.after))
    for name in [str(n) for n in {**a.data_vars, **b.data_vars} if LayerName.of(n).layer in registry.layer_kinds()]:
        if name not in a or name not in b:
            what = t["laag_nieuw"] if name in b else t["laag_weg"]
        elif dataset.sha256_of_cells(a[name]) != dataset.sha256_of_cells(b[name]):
            what = t["laag_anders"].format(voor=_vintage(a[name], taal), na=_vintage(b[name], taal))
        else:
            continue
        yield t["laag"].format(naam=layer_label(name, taal), wat=what)


def _vintage(layer: xr.DataArray, taal: str) -> str:
    return short_name(str(layer.attrs.get("vintage", texts(taal)["onbekend"])), NAME)


def _parameters(d: Difference, taal: str) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for a, b in _pairs(d.before, d.after):
        one, other = name_of(a, taal), name_of(b, taal)
        if a.id == b.id:
            names = dict.fromkeys([*a.parameters, *b.parameters])
            values = {n: tuple(plain_number(f.value(n), taal) for f in (a, b)) for n in names}
            found |= {f"{other}, {number_label(n, taal)}": (v[0], v[1]) for n, v in values.items()}
        else:
            found[texts(taal)["vergelijking"]["functie"]] = (one, other)
    return found


def _settings(d: Difference, taal: str) -> dict[str, tuple[Any, Any]]:
    """Return the values of settings; of the present use, what holds on the layers."""
    asked = [x.question for x in (d.before, d.after)]
    uses = [reference_name(q.settings.reference, q.cells.present, taal) for q in asked]
    named = {s.label(taal): (uses[0], uses[1]) for s in all_settings() if s.soort == "functie"}
    return {**compared(asked[0].settings, asked[1].settings, taal), **named}
