"""What a map shows: answers, their reasons and input layers, each as a coloured image with its legend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap, to_rgb

from waterbodem.core.lazy import xr
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    answer_steps,
    answer_text,
    colour_of,
    criterion_label,
    layer_label,
    name_of,
    plain_number,
    texts,
    unknown_class,
)
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.legends import FULL, functie_colours, legend, nodata, ramp_colours
from waterbodem.definitions.models import RGB, Functie, LayerKind
from waterbodem.definitions.units import unit_text
from waterbodem.engine.scoring import criterion_shares
from waterbodem.formats.output_names import SHARES
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.layers.encoding import values_of
from waterbodem.views.figures.sheet import PALE, STRIPE, Array, Entry, Panel, mapped, paint, striped, thin, thinning

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

VALUE_MAP, SIGNED_MAP, CODE_MAP = "viridis", "RdBu", "YlGnBu"


def _score_map() -> Colormap:
    return ListedColormap(ramp_colours("geschiktheid"))


def criterion_colour(name: str) -> RGB:
    """Return the colour of a criterion, the same in every map and bar; grey for a threshold that excludes."""
    if name.partition("+")[0] not in registry.layer_kinds():
        return STRIPE
    return legend("bepalend", [name]).colours[0][:3]


def _bytes(colour: Any) -> RGB:
    red, green, blue = (round(255 * c) for c in to_rgb(colour))
    return red, green, blue


# --- panels of an assessment -----------------------------------------------------------------------------------------


def answer_panels(assessment: Answer, functie: Functie, kleuren: str, taal: str) -> list[Panel]:
    """Return the four maps of one functie: score, class, risk, what limits."""
    cells = assessment.of(functie)
    step = thinning(assessment.question.grid)
    wanted = ("geschiktheid", "klasse", "risico", "bepalend", "vlaggen")
    v = {n: thin(np.asarray(cells[n].values), step) for n in wanted}
    names = _criteria(assessment, functie)
    return [
        _score_panel(v, taal),
        _class_panel(v, kleuren, taal),
        _risk_panel(v, taal),
        _limit_panel(v, names, taal),
    ]


def _criteria(assessment: Answer, functie: Functie) -> list[str]:
    return [p.name for p in criterion_shares(functie, list(assessment.question.cells.present))]


def _unknown_entry(taal: str) -> Entry:
    return str(texts(taal)["onbekend"]), unknown_class().kleur, True


def _score_panel(v: dict[str, Array], taal: str) -> Panel:
    t = texts(taal)["kaart"]
    inside = v["klasse"] != NO_CRITERION
    gap = inside & (np.isnan(v["geschiktheid"]) | (v["klasse"] == unknown_class().code))
    image = striped(mapped(v["geschiktheid"], _score_map(), 0, 1), gap)
    entries = (_unknown_entry(taal),) if gap.any() else ()
    return Panel(t["score"], image, entries, (_score_map(), 0.0, 1.0, t["score_as"]))


def _class_panel(v: dict[str, Array], kleuren: str, taal: str) -> Panel:
    klasse = v["klasse"]
    image = paint(klasse.shape, [(klasse == s.code, colour_of(s, kleuren)) for s in answer_steps().values()])
    rows = [
        (f"{s.letter}  {answer_text(s.letter, taal)}", colour_of(s, kleuren), s is unknown_class())
        for s in answer_steps().values()
    ]
    return Panel(texts(taal)["kaart"]["klasse"], striped(image, klasse == unknown_class().code), tuple(rows))


def _risk_panel(v: dict[str, Array], taal: str) -> Panel:
    rules, risk = registry.burden_rules(), v["risico"]
    edge = rules.constants["marge"]
    gap = (v["klasse"] != NO_CRITERION) & np.isnan(risk)
    image = striped(paint(risk.shape, [(risk + edge >= c.vanaf, c.kleur) for c in rules.risk_classes]), gap)
    t = texts(taal)["kaart"]
    rows = [
        (f"{name_of(c, taal)} ({t['vanaf'].format(plain_number(c.vanaf, taal))})", c.kleur, False)
        for c in rules.risk_classes
    ]
    return Panel(t["risico"], image, (*rows, _unknown_entry(taal)))


def _limit_panel(v: dict[str, Array], names: Sequence[str], taal: str) -> Panel:
    """Draw which criterion costs most; unknown cells are striped, those that lose nothing pale."""
    t, code = texts(taal)["kaart"], v["bepalend"]
    gap = v["klasse"] == unknown_class().code
    graded_cells = (v["klasse"] != NO_CRITERION) & ~gap
    layers = [(criterion_label(n, taal), graded_cells & (code == k), criterion_colour(n)) for k, n in enumerate(names)]
    layers += _without_criterion(graded_cells & (code == NO_CRITERION), v.get("vlaggen"), taal)
    return _named_panel(t["bepalend"], layers, gap, taal)


def _without_criterion(blank: Array, flags: Array | None, taal: str) -> list[tuple[str, Array, RGB]]:
    """Return the cells where no criterion costs anything: by a threshold or not, where flags tell."""
    t = texts(taal)["kaart"]
    if flags is None:
        return [(t["geen_criterium"], blank, PALE)]
    return [(t["niets_drukt"], blank & (flags == 0), PALE), (t["drempel"], blank & (flags != 0), STRIPE)]


def _named_panel(title: str, layers: Sequence[tuple[str, Array, RGB]], gap: Array, taal: str) -> Panel:
    """Draw named masks; only those that occur stand in the legend."""
    shown = [(label, mask, colour) for label, mask, colour in layers if mask.any()]
    image = striped(paint(gap.shape, [(m, c) for _, m, c in shown]), gap)
    entries = [(label, colour, False) for label, _, colour in shown]
    return Panel(title, image, (*entries, *([_unknown_entry(taal)] if gap.any() else [])))


# --- panels of finished maps -----------------------------------------------------------------------------------------


def map_panels(codes: Mapping[str, Array], names: Sequence[str], taal: str) -> list[Panel]:
    """Return the maps of a functie from the bytes that its files hold.

    Parameters
    ----------
    codes : mapping of map to uint8 array (rows, cols)
        Some of the six, on the same cells.
    names : sequence of str
        Criteria that ``bepalend`` counts in.
    """
    v = {n: _shares(a) if n in SHARES else a for n, a in codes.items()}
    v.setdefault("klasse", _inside(codes))
    panels: dict[str, Callable[[], Panel]] = {
        "klasse": lambda: _class_panel(v, "landelijk", taal),
        "geschiktheid": lambda: _score_panel(v, taal),
        "bepalend": lambda: _limit_panel(v, names, taal),
        "risico": lambda: _risk_panel(v, taal),
        "oorzaak": lambda: _cause_panel(v, taal),
    }
    others = [_share_panel(name, v[name], taal) for name in SHARES if name in codes and name not in panels]
    return [*(draw() for name, draw in panels.items() if name in codes), *others]


def _inside(codes: Mapping[str, Array]) -> Array:
    """Return the best class where any map knows something: a stand-in for classes that were not asked for."""
    known = np.any([a != nodata() for a in codes.values()], axis=0)
    return np.where(known, next(iter(answer_steps().values())).code, NO_CRITERION)


def _shares(codes: Array) -> Array:
    return np.where(codes == nodata(), np.nan, codes / np.float32(FULL)).astype(np.float32)


def _cause_panel(v: dict[str, Array], taal: str) -> Panel:
    """Draw the component that weighs most in the risk; an unknown risk has no cause."""
    found, code = legend("oorzaak"), v["oorzaak"]
    t, components = texts(taal)["kaart"], {c.nr: name_of(c, taal) for c in registry.burden_rules().components}
    gap = (v["klasse"] != NO_CRITERION) & (np.isnan(v["risico"]) if "risico" in v else code == found.nodata)
    known = {k: c[:3] for k, c in found.colours.items() if c[3]}
    layers = [(components.get(k, t["geen_oorzaak"]), (code == k) & ~gap, c) for k, c in known.items()]
    return _named_panel(t["oorzaak"], layers, gap, taal)


def _share_panel(name: str, values: Array, taal: str) -> Panel:
    """Draw a share that needs no words of its own beside a title and what its scale means."""
    t, colours = texts(taal)["kaart"], ListedColormap(ramp_colours(name))
    return Panel(t[name], mapped(values, colours, 0, 1), (), (colours, 0.0, 1.0, t[f"{name}_as"]))


def layer_panel(layer: xr.DataArray, name: str, step: int, taal: str) -> Panel:
    """Return the map of one input layer, with its unit."""
    kind = registry.layer_kinds()[LayerName.of(name).layer]
    values = thin(values_of(layer.variable, name), step)
    gap = np.isnan(values)
    rest = (_unknown_entry(taal),) if gap.any() else ()
    if codes := registry.layer_codes(kind):
        own = [int(c) for c in np.unique(values[~gap]) if c not in codes]
        known = _functies(taal) if kind.codes_van else codes
        return _coded_panel(layer_label(name, taal), values, {**known, **dict.fromkeys(own, "")}, rest, kind)
    finite = values[np.isfinite(values)]
    low, high = (float(v) for v in (finite.min(), finite.max())) if finite.size else (0.0, 1.0)
    low, high = (low - 0.5, low + 0.5) if low == high else (low, high)
    signed = min(-low, high) > 0.1 * max(-low, high)
    low, high = (-max(-low, high), max(-low, high)) if signed else (low, high)
    colours = SIGNED_MAP if signed else VALUE_MAP
    image = mapped(values, colours, low, high)
    absent = np.isposinf(values)
    image[absent] = (*PALE, 255)
    rest = ((texts(taal)["kaart"]["afwezig"], PALE, False), *rest) if absent.any() else rest
    label = f"{unit_text(kind.unit) or '-'}; {kind.richting}" if taal == "nl" else unit_text(kind.unit, taal)
    return Panel(layer_label(name, taal), striped(image, gap), rest, (colours, low, high, label))


def _functies(taal: str) -> dict[int, str]:
    """Return the names of functies by code."""
    return {code: name_of(functie, taal) for code, functie in registry.builtin_functies().by_code().items()}


def _coded_panel(
    title: str, values: Array, codes: Mapping[int, str], rest: tuple[Entry, ...], kind: LayerKind
) -> Panel:
    """Draw a layer of codes; only codes that occur stand in the legend."""
    last = max(max(codes), 1)
    colours = {c: _bytes(colormaps[CODE_MAP](0.08 + 0.85 * c / last)) for c in codes}
    colours |= functie_colours() if kind.codes_van else {}
    image = paint(values.shape, [(values == c, colour) for c, colour in colours.items()])
    entries = [(f"{c}  {text}", colours[c], False) for c, text in codes.items() if (values == c).any()]
    return Panel(title, striped(image, np.isnan(values)), (*entries, *rest))
