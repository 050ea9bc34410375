"""What is summed over polygons, per cell: for the table (rekenregels section 7) and for the Kompas (section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import KompasRules, any_case
from waterbodem.definitions.models import Functie
from waterbodem.engine.burden import futures_of
from waterbodem.engine.evaluation import Result
from waterbodem.engine.layer_set import LayerSet
from waterbodem.engine.plan import raised_height
from waterbodem.engine.reference import present_use, references
from waterbodem.engine.scoring import parts_of, score_arrays
from waterbodem.engine.sums import SCORE
from waterbodem.engine.table import SCORED, THRESHOLD, VOLUMES
from waterbodem.kernels import quantities as kernel

Array = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Measures:
    """Measures of n cells: ``rows`` is float32 (M, n), NaN = unknown."""

    names: tuple[str, ...]
    rows: Floats

    def __getitem__(self, name: str) -> Floats:
        row: Floats = self.rows[self.names.index(name)]
        return row


#: Components that the kernel looks at, by its name for them.
_COMPONENTS = {
    "afvoer": "afvoer",
    "verdrongen": "verdrongen_berging",
    "kwelafvoer": "kwelafvoer",
    "veenoxidatie": "veenoxidatie",
    "verlaging": "grondwaterverlaging",
    "aanvulling": "aanvullingsverlies",
    "zetting": "zetting",
}
#: Measures that a kernel makes, by the name of the row there.
_MADE = {
    "high": "risico_hoog",
    "very_high": "risico_zeer_hoog",
    "water": "water",
    "kwelafvoer": "kwelafvoer",
    "veenoxidatie": "veenoxidatie",
    "verlaging": "grondwaterverlaging",
    "grondwater": "grondwater",
    "vastlegging": "vastlegging",
    "bodemlast": "bodemlast",
}


def measures_of(
    cells: LayerSet, result: Result, reference: Functie | Array | None, rules: KompasRules, chance: Array | None = None
) -> Measures:
    """Return per cell what the table and the principles look at; NaN = unknown.

    ``chance`` is that of :func:`chance_of` where it is known already: it does not depend on the functie.
    """
    ground = chance_of(cells.present, rules) if chance is None else chance
    parts = dict(zip((c.id for c in registry.burden_rules().components), result.burden.components, strict=True))
    plain = {
        **{n: result.scores[n] for n in ("score_min", "score_max", "dekking")},
        "risico": result.burden.risico,
        **{n: parts[n] for n in VOLUMES},
        "kans": ground,
    }
    other = against(result.functie, present_use(reference, cells.present), rules)
    bits, sets = fired_by(cells, result.functie, rules), layers_of_extremes(cells, result.functie, rules)
    losses = [f"{SCORED}{n}" for n in (*result.criteria, THRESHOLD)]
    names = (SCORE, *losses, *_MADE.values(), *plain, "verharding", "onttrekking", *bits, *sets)
    rows = np.empty((len(names), ground.size), np.float32)
    out = Measures(names, rows)
    _make(cells, result, parts, other, rules, out, len(losses))
    for name, values in plain.items():
        out[name][:] = values.reshape(-1)
    out["verharding"][:], out["onttrekking"][:] = other["verharding"], other["onttrekking"]
    for name, some in bits.items():
        layer = cells.present[name.removeprefix("drempel_")].reshape(-1)
        kernel.flag_bits(result.scores["flags"].reshape(-1), np.uint16(some), layer, out[name])
    for name, layers in sets.items():
        fill_lowest(layers, result.functie, out[name])
    return out


def _make(
    cells: LayerSet,
    result: Result,
    parts: Mapping[str, Array],
    other: Mapping[str, Array],
    rules: KompasRules,
    out: Measures,
    losses: int,
) -> None:
    """Fill what is more than a copy."""
    f, s, b = result.functie, result.scores, result.burden
    found = kernel.Found(
        s["score"].reshape(-1),
        s["klasse"].reshape(-1),
        b.risico.reshape(-1),
        b.tijd.reshape(-1),
        _lowest(cells, result).reshape(-1),
        verharding=other["verharding"],
        more_fill=other["more_fill"],
        **{field: parts[n].reshape(-1) for field, n in _COMPONENTS.items()},
    )
    made = {row: out[name] for row, name in _MADE.items()}
    rows = kernel.Rows(score=out[SCORE], loss=out.rows[1 : 1 + losses], **made)
    rows.loss[:] = s["loss"]
    kernel.fill_measures(found, borders_of(f, rules), rows)


def borders_of(f: Functie, rules: KompasRules) -> kernel.Borders:
    """Return the numbers that measures of a functie are compared to."""
    steps = registry.answer_scale().values()
    years = min(1.0, f.value("levensduur_jr") / rules.levensduur_vol_jr)
    return kernel.Borders(
        high=np.float32(registry.scoring_rules().risico_hoog),
        very_high=np.float32(rules.risico_zeer_hoog),
        margin=np.float32(rules.marge),
        relief=np.int64(sum(1 << s.code for s in steps if s.letter in rules.ontlasting_klassen)),
        fixed=np.float32((1 - f.value("omkeerbaarheid")) * years),
        fill=np.float32(raised_height(f) / rules.ophoging_vol_m),
        zetting_full=np.float32(rules.zetting_vol_m),
        peat_full=np.float32(rules.veen_vol_m),
    )


def _lowest(cells: LayerSet, result: Result) -> Array:
    """Return the lowest score over the scenarios that the plan will see, else the present one."""
    lowest = lowest_of(futures_of(cells, result.functie))
    return result.scores["score"] if lowest is None else lowest


def lowest_of(futures: Sequence[Mapping[str, Array]]) -> Array | None:
    """Return the lowest score of every cell over :func:`waterbodem.engine.burden.futures_of`; None: none."""
    return np.asarray(np.fmin.reduce([f["score"] for f in futures])) if futures else None


def chance_of(layers: Mapping[str, Array], rules: KompasRules) -> Array:
    """Return 1 where wet nature would do well and water or soil invite it, 0 elsewhere; NaN = unknown."""
    nature = registry.load_functies()[rules.kans.functie]
    klasse = score_arrays(layers, nature, wanted=("klasse",))["klasse"]
    codes = [s.code for s in registry.answer_scale().values() if s.letter in rules.kans.klassen]
    fits = np.logical_or.reduce([klasse == c for c in codes])
    chance = (fits & any_case(rules.kans.als, layers, rules.marge)).astype(np.float32)
    return np.where(klasse == 0, np.float32(np.nan), chance)


def against(f: Functie, reference: Functie | Array, rules: KompasRules) -> dict[str, Array]:
    """Return more paving, more fill and more abstraction than the reference: one value, or one per cell."""
    paved = np.float32(f.value("verhardingsgraad")) - _of_reference(reference, lambda r: r.value("verhardingsgraad"))
    return {
        "verharding": paved,
        "more_fill": raised_height(f) > _of_reference(reference, raised_height) + rules.marge,
        "onttrekking": f.value("onttrekking") - _of_reference(reference, lambda r: r.value("onttrekking")),
    }


def _of_reference(reference: Functie | Array, value: Any) -> Array:
    """Return a number of the reference functie, one or per cell; NaN where the reference is unknown."""
    if isinstance(reference, Functie):
        return np.full(1, value(reference), np.float32)
    out = np.full(reference.size, np.nan, np.float32)
    for code, functie in references(reference).items():
        out[reference.reshape(-1) == code] = value(functie)
    return out


def fired_by(cells: LayerSet, f: Functie, rules: KompasRules) -> dict[str, int]:
    """Return per layer the bits of the thresholds on it that count."""
    return {
        f"drempel_{layer}": sum(1 << i for i, t in enumerate(f.drempels) if t.laag == layer and t.gevolg in effects)
        for layer, effects in rules.drempels.items()
        if layer in cells.present
    }


def layers_of_extremes(cells: LayerSet, f: Functie, rules: KompasRules) -> dict[str, dict[str, Array | None]]:
    """Return the layers of extremes that weigh enough (None: missing), now and per scenario that changes them."""
    parts = [p for p in parts_of(f, list(cells.present)) if p.share + rules.marge >= rules.extremen_gewicht]
    names = [n for n in rules.extremen_lagen if any(n in p.members for p in parts)]
    found = {"extremen": {n: cells.present.get(n) for n in names}}
    for s in cells.scenarios:
        if set(s.layers) & set(names):
            found[f"extremen@{s.name}"] = {n: cells.with_scenario(s).get(n) for n in names}
    return found


def fill_lowest(layers: Mapping[str, Array | None], f: Functie, out: Array) -> None:
    """Fill in the lowest score on some layers; NaN where one is unknown, or there is none."""
    score = np.empty(kernel.BLOCK, np.float64)
    out[:] = np.inf if layers else np.nan
    for name, values in layers.items():
        x, y = np.array(f.all_criteria[name].curve, np.float64).T
        if values is None:
            out[:] = np.nan
        else:
            kernel.lower_by_curve(values.reshape(-1), np.ascontiguousarray(x), np.ascontiguousarray(y), score, out)
