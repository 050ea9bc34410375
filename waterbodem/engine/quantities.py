"""What is summed over polygons, per cell: for the table (rekenregels section 7) and for the Kompas (section 8).

The order of the rows is told once, by :func:`names_of`: a quantity that the kernel makes of others stands in its list
``MADE``, one that is summed as it is in ``BOUNDS``, ``SUMMED`` or ``MAPPED``, and one of layers alone in
:class:`waterbodem.engine.site.Site`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.kompas_rules import FiredThresholds, KompasRules
from waterbodem.definitions.models import Functie
from waterbodem.engine.burden import futures_of
from waterbodem.engine.coverage import Footprints
from waterbodem.engine.evaluation import Result
from waterbodem.engine.plan import raised_height, settles_more
from waterbodem.engine.scoring import criterion_shares, layers_of
from waterbodem.engine.site import Site
from waterbodem.engine.sums import CLASSES, SCORE, Tally, no_sums, runs_of, with_bins
from waterbodem.engine.table import SCORED, THRESHOLD
from waterbodem.kernels import quantities as kernel
from waterbodem.kernels import zonal

Array = NDArray[Any]
Floats = NDArray[np.float32]


#: Ends the name of a measure over all cells, where the one itself is over those with another present use.
EVERYWHERE = "_overal"


@dataclass(frozen=True)
class Quantities:
    """Measures of n cells: ``rows`` is float32 (M, n), NaN = unknown."""

    names: tuple[str, ...]
    rows: Floats

    def __getitem__(self, name: str) -> Floats:
        row: Floats = self.rows[self.names.index(name)]
        return row

    def __contains__(self, name: str) -> bool:
        return name in self.names


@dataclass(frozen=True)
class Alarm:
    """Thresholds of a functie that are looked at together: their bits, the layers they are on, and what it is about.

    ``of_change``: it counts only where the present use is another.
    """

    bits: int
    layers: tuple[str, ...]
    of_change: bool


def names_of(criteria: Iterable[str], alarms: Iterable[str], given: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all rows, in order."""
    losses = (f"{SCORED}{n}" for n in (*criteria, THRESHOLD))
    return (SCORE, *losses, *kernel.MADE, *alarms, *kernel.BOUNDS, *kernel.SUMMED, *kernel.MAPPED, *given)


def quantities_of(site: Site, result: Result) -> Quantities:
    """Return per cell what the table and the principles look at; NaN = unknown."""
    functie, s, b = result.functie, result.scores, result.burden
    alarms, given = alarms_of(functie, site.layers, site.rules), given_of(site, functie)
    names = names_of(result.criteria, alarms, given)
    out = Quantities(names, np.empty((len(names), site.use.size), np.float32))
    _make(site, result, out)
    for name, alarm in alarms.items():
        _sound(site, functie, alarm, s["flags"].reshape(-1), out[name])
    copied = {n: s[n] for n in (*kernel.BOUNDS, "dekking")} | {n: b.components[k] for n, k in kernel.SUMMED.items()}
    copied |= {"risico": b.risico, "risico_zonder_compensatie": b.zonder}
    for name, values in (copied | given).items():
        out[name][:] = values.reshape(-1)
    return out


def tally_of(prints: Footprints, site: Site, result: Result, polygons: NDArray[np.int64] | None = None) -> Tally:
    """Sum measures, classes, causes and present use over the cells of polygons, on the block they lie on.

    ``polygons`` are their numbers, ascending; else 0, 1, ..
    """
    measures, runs, size = quantities_of(site, result), runs_of(prints), max(1, prints.grid.rows)
    sums, bands = no_sums(runs, measures.names, len(site.present_use.functies)), runs.bands(size)
    for row, total in zip(measures.rows, sums.sums, strict=True):
        zonal.add_row(bands, 0, 0, row, total)
    for name, classes in zip(CLASSES, sums.classes, strict=True):
        zonal.add_codes(bands, 0, 0, result.scores[name].reshape(-1), classes)
    zonal.add_codes(bands, 0, 0, site.use.reshape(-1), sums.uses)
    risico, cause = result.burden.risico.reshape(-1), result.burden.oorzaak.reshape(-1)
    zonal.add_by_code(bands, 0, 0, risico, cause, sums.causes, np.empty_like(risico))
    return with_bins(sums, runs, measures[SCORE], polygons)


def _make(site: Site, result: Result, out: Quantities) -> None:
    """Fill score, losses and what is made of others."""
    s, b, losses = result.scores, result.burden, len(result.criteria) + 1
    found = kernel.FoundCells(
        s["score"].reshape(-1),
        s["klasse"].reshape(-1),
        b.risico.reshape(-1),
        b.tijd.reshape(-1),
        _lowest(site, result).reshape(-1),
        b.components.reshape(len(b.components), -1),
        site.use.reshape(-1),
    )
    loss, made = out.rows[1 : 1 + losses], out.rows[1 + losses : 1 + losses + len(kernel.MADE)]
    loss[:] = s["loss"]
    against = excess_over_references(result.functie, site.present_use.functies, site.rules)
    kernel.fill_quantities(found, borders_of(result.functie, site.rules), against, loss, out[SCORE], made)


def _lowest(site: Site, result: Result) -> Array:
    """Return the lowest score over the scenarios that the plan will see, else the present one."""
    lowest = lowest_of(futures_of(site.cells, result.functie))
    return result.scores["score"] if lowest is None else lowest


def lowest_of(futures: Sequence[Mapping[str, Array]]) -> Array | None:
    """Return the lowest score of every cell over :func:`waterbodem.engine.burden.futures_of`; None: none."""
    return np.asarray(np.fmin.reduce([f["score"] for f in futures])) if futures else None


def borders_of(f: Functie, rules: KompasRules) -> kernel.Borders:
    """Return the numbers that measures of a functie are compared to."""
    years = min(1.0, f.value("levensduur_jr") / rules.levensduur_vol_jr)
    return kernel.Borders(
        high=np.float32(registry.scoring_rules().risico_hoog),
        very_high=np.float32(rules.risico_zeer_hoog),
        margin=np.float32(rules.marge),
        fixed=np.float32((1 - f.value("omkeerbaarheid")) * years),
        zetting_full=np.float32(rules.zetting_vol_m),
        peat_full=np.float32(rules.veen_vol_mm_jr),
        sure=np.float32(rules.bodemlast_zeker),
    )


def excess_over_references(f: Functie, references: Sequence[Functie], rules: KompasRules) -> kernel.ReferenceExcess:
    """Return what a functie does more than each of the references, after a row for an unknown one."""
    paved = [f.value("verhardingsgraad") - r.value("verhardingsgraad") for r in references]
    fill = [max(0.0, raised_height(f) - raised_height(r)) / rules.ophoging_vol_m for r in references]
    return kernel.ReferenceExcess(
        np.array([np.nan, *paved], np.float32),
        np.array([np.nan, *fill], np.float32),
        np.array([True, *(settles_more(f, r) for r in references)]),
        np.array([0, *(_relief(f, r, rules) for r in references)]),
    )


def _relief(f: Functie, reference: Functie, rules: KompasRules) -> int:
    """Return the classes, as bits, in which relief counts: that of storage or of a level only where the plan fits."""
    stored = f.value("berging_m") - reference.value("berging_m") > rules.marge
    fits = stored or not np.isnan(f.value("streefpeil_m"))
    steps = registry.answer_scale().values()
    return sum(1 << s.code for s in steps if not fits or s.letter in rules.ontlasting_klassen)


def alarms_of(f: Functie, present: Mapping[str, Any], rules: KompasRules) -> dict[str, Alarm]:
    """Return by measure the thresholds that principles look at, as far as the functie has them on layers present."""
    return {n: _alarm(f, some, present, n in rules.of_change) for n, some in rules.drempels.items()}


def _alarm(f: Functie, some: FiredThresholds, present: Mapping[str, Any], of_change: bool) -> Alarm:
    counts = [t.laag in some.lagen and t.gevolg in some.gevolgen and t.laag in present for t in f.drempels]
    bits = sum(1 << i for i, one in enumerate(counts) if one)
    return Alarm(
        bits, tuple(dict.fromkeys(t.laag for t, one in zip(f.drempels, counts, strict=True) if one)), of_change
    )


def _sound(site: Site, f: Functie, alarm: Alarm, flags: Array, out: Floats) -> None:
    """Fill in where thresholds fire: 1, 0, or NaN where all the layers that they are on are unknown."""
    out[:] = np.nan if alarm.layers else 0
    for name in alarm.layers:
        out[~np.isnan(site.layers[name].reshape(-1))] = 0
    kernel.flag_bits(flags, np.uint16(alarm.bits), out)
    if alarm.of_change:
        out[:] = site.of_change(out, f)


def given_of(site: Site, f: Functie) -> dict[str, Floats]:
    """Return measures that need no score, by name."""
    every = {"kans": site.chance, **site.shares}
    whole = {f"{n}{EVERYWHERE}": every[n] for n in every if n in site.rules.of_change & site.rules.needed}
    told = {"onaannemelijk": site.implausible, **site.differences(layers_of(f, present=site.layers))}
    return {**site.shares_of_change(f), **whole, **_extremes(site, f), **told}


def _extremes(site: Site, f: Functie) -> dict[str, Floats]:
    """Return the lowest score on layers of extremes, now and per scenario that changes one."""
    names, found = extreme_layers(f, list(site.layers), site.rules), {"extremen": site.layers}
    for s in site.futures:
        if set(s.layers) & set(names):
            found[f"extremen@{s.name}"] = site.cells.with_scenario(s)
    return {n: _lowest_on(names, layers, f, site.use.size) for n, layers in found.items()}


def extreme_layers(f: Functie, present: Sequence[str], rules: KompasRules) -> tuple[str, ...]:
    """Return the layers of extremes that count: they weigh enough, and more of them is worse."""
    parts = [p for p in criterion_shares(f, present) if p.share + rules.marge >= rules.extremen.gewicht]
    weighty = [n for n in rules.extremen.lagen if any(n in p.members for p in parts)]
    return tuple(n for n in weighty if f.all_criteria[n].curve[-1][1] < f.all_criteria[n].curve[0][1])


def _lowest_on(names: Sequence[str], layers: Mapping[str, Array], f: Functie, size: int) -> Floats:
    """Return the lowest score on some layers; NaN where one is unknown, or there is none."""
    out = np.full(size, np.inf if names else np.nan, np.float32)
    score = np.empty(kernel.BLOCK, np.float64)
    for name in names:
        x, y = np.array(f.all_criteria[name].curve, np.float64).T
        if name not in layers:
            out[:] = np.nan
        else:
            top = int(y.argmax())  # left of its top the top counts
            kernel.lower_by_curve(layers[name].reshape(-1), x[top:].copy(), y[top:].copy(), score, out)
    return out
