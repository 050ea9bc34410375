"""What a map shows: score, class, risk, what limits, and input layers, each as a coloured image with its legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap, to_rgb

from waterbodem import dataset, registry
from waterbodem.colours import legend, ramp_colours
from waterbodem.definitions import RGB, Functie
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.map_sheet import PALE, STRIPE, Array, Entry, Panel, mapped, paint, striped, thin, thinning
from waterbodem.scoring import parts_of
from waterbodem.wording import (
    answer_text,
    colour_of,
    criterion_label,
    layer_label,
    name_of,
    plain,
    steps,
    texts,
    unit_text,
    unknown,
)

if TYPE_CHECKING:
    from waterbodem.assessment import Assessment

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


def _cells_of(assessment: Assessment, functie: Functie) -> xr.Dataset:
    cells = assessment.cells
    return cells.sel(functie=functie.id) if "functie" in cells.dims else cells


def answer_panels(assessment: Assessment, functie: Functie, kleuren: str, taal: str) -> list[Panel]:
    """Return the four maps of one functie: score, class, risk, what limits."""
    cells = _cells_of(assessment, functie)
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


def _criteria(assessment: Assessment, functie: Functie) -> list[str]:
    return [p.name for p in parts_of(functie, list(assessment.question.cells.present))]


def _unknown_entry(taal: str) -> Entry:
    return str(texts(taal)["onbekend"]), unknown().kleur, True


def _score_panel(v: dict[str, Array], taal: str) -> Panel:
    t = texts(taal)["kaart"]
    inside = v["klasse"] != NO_CRITERION
    gap = inside & (np.isnan(v["geschiktheid"]) | (v["klasse"] == unknown().code))
    image = striped(mapped(v["geschiktheid"], _score_map(), 0, 1), gap)
    entries = (_unknown_entry(taal),) if gap.any() else ()
    return Panel(t["score"], image, entries, (_score_map(), 0.0, 1.0, t["score_as"]))


def _class_panel(v: dict[str, Array], kleuren: str, taal: str) -> Panel:
    klasse = v["klasse"]
    image = paint(klasse.shape, [(klasse == s.code, colour_of(s, kleuren)) for s in steps().values()])
    rows = [
        (f"{s.letter}  {answer_text(s.letter, taal)}", colour_of(s, kleuren), s is unknown()) for s in steps().values()
    ]
    return Panel(texts(taal)["kaart"]["klasse"], striped(image, klasse == unknown().code), tuple(rows))


def _risk_panel(v: dict[str, Array], taal: str) -> Panel:
    rules, risk = registry.burden_rules(), v["risico"]
    edge = rules.constants["marge"]
    gap = (v["klasse"] != NO_CRITERION) & np.isnan(risk)
    image = striped(paint(risk.shape, [(risk + edge >= c.vanaf, c.kleur) for c in rules.risk_classes]), gap)
    t = texts(taal)["kaart"]
    rows = [
        (f"{name_of(c, taal)} ({t['vanaf'].format(plain(c.vanaf, taal))})", c.kleur, False) for c in rules.risk_classes
    ]
    return Panel(t["risico"], image, (*rows, _unknown_entry(taal)))


def _limit_panel(v: dict[str, Array], names: Sequence[str], taal: str) -> Panel:
    """Draw which criterion costs most; unknown cells are striped, those that lose nothing pale."""
    t, code = texts(taal)["kaart"], v["bepalend"]
    gap = v["klasse"] == unknown().code
    graded_cells = (v["klasse"] != NO_CRITERION) & ~gap
    shown = {n: graded_cells & (code == k) for k, n in enumerate(names)}
    blank = graded_cells & (code == NO_CRITERION)
    extra = {t["niets_drukt"]: (blank & (v["vlaggen"] == 0), PALE), t["drempel"]: (blank & (v["vlaggen"] != 0), STRIPE)}
    layers = [(criterion_label(n, taal), m, criterion_colour(n)) for n, m in shown.items() if m.any()]
    layers += [(label, mask, colour) for label, (mask, colour) in extra.items() if mask.any()]
    image = striped(paint(code.shape, [(m, c) for _, m, c in layers]), gap)
    entries = [(label, colour, False) for label, _, colour in layers]
    return Panel(t["bepalend"], image, (*entries, *([_unknown_entry(taal)] if gap.any() else [])))


def layer_panel(layer: xr.DataArray, name: str, step: int, taal: str) -> Panel:
    """Return the map of one input layer, with its unit."""
    kind = registry.layer_kinds()[name.partition("@")[0]]
    values = thin(dataset.float32_of(layer.transpose("y", "x"), name), step)
    gap = np.isnan(values)
    rest = (_unknown_entry(taal),) if gap.any() else ()
    if kind.codes:
        return _coded_panel(layer_label(name, taal), values, kind.codes, rest)
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
    label = f"{unit_text(kind.unit) or '-'}; {kind.richting}" if taal == "nl" else unit_text(kind.unit)
    return Panel(layer_label(name, taal), striped(image, gap), rest, (colours, low, high, label))


def _coded_panel(title: str, values: Array, codes: Mapping[int, str], rest: tuple[Entry, ...]) -> Panel:
    """Draw a layer of codes; only codes that occur stand in the legend."""
    last = max(max(codes), 1)
    colours = {c: _bytes(colormaps[CODE_MAP](0.08 + 0.85 * c / last)) for c in codes}
    image = paint(values.shape, [(values == c, colour) for c, colour in colours.items()])
    entries = [(f"{c}  {text}", colours[c], False) for c, text in codes.items() if (values == c).any()]
    return Panel(title, striped(image, np.isnan(values)), (*entries, *rest))
