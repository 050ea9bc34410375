"""Scores, burden, measures and sums over polygons of a block, band by band: what is between stays in the cache."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels import burden, quantities, scoring, zonal
from waterbodem.kernels._compile.decorators import inlined, kernel
from waterbodem.kernels._compile.records import cells_at

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class FusedQuestion(NamedTuple):
    """What is asked of a functie, besides the numbers of its score and burden."""

    borders: quantities.Borders
    against: quantities.ReferenceExcess
    bits: NDArray[np.uint16]  # (T,) thresholds that are looked at together
    layer: Ints  # (T + 1,) first layer that those are on
    layers: Ints  # indices of layers
    of_change: NDArray[np.bool_]  # (T,) a measure of the change
    own: int  # present use that the functie itself is; 0: none


class Cells(NamedTuple):
    """What is known of the n cells of a block, apart from the layers; rows of M measures that need no score."""

    lowest: Floats  # (n,) lowest score over the scenarios; empty: the score
    use: Bytes  # (n,) present use, 0 = unknown
    given: Ints  # (G,) where their cells are
    shifted: burden.Burden  # where every cell has its own reference; else its arrays are empty


class Maps(NamedTuple):
    """Where the maps of a block go (n,); cells of bands without polygons are left as they are."""

    score: Floats
    klasse: Bytes
    bepalend: Bytes
    dekking: Floats
    risico: Floats
    oorzaak: Bytes
    assessed: Floats  # score, NaN where the cell is not assessed


class Band(NamedTuple):
    """Buffers for a band."""

    loss: Floats  # (K + 1, size)
    made: Floats  # (MADE + T, size)
    bounds: Floats  # (2, size)
    components: Floats  # (10, size)
    indices: Floats  # (3, size)
    beside: Floats  # (2, size) risico without built storage, rise of the groundwater
    flags: NDArray[np.uint16]
    classes: Bytes  # (2, size)
    known: NDArray[np.uint16]  # empty: not asked
    score: np.void  # of type scoring.BUFFERS
    burden: np.void  # of type burden.BUFFERS


class Totals(NamedTuple):
    """Where the sums over polygons go."""

    sums: Ints  # (M, 3, P)
    classes: Ints  # (3, P, C)
    causes: Ints  # (P, 11)
    uses: Ints  # (P, R + 1)


MADE = len(quantities.MADE)
SUMMED = tuple(quantities.SUMMED.values())


@kernel
def gather_cells(
    layers: Any, model: Any, order: Any, land: Any, change: Any, bare: Any, asked: Any, cells: Any, bands: Any,
    size: int, maps: Any, band: Any, totals: Any,
) -> None:  # fmt: skip
    """Score the cells of a block, find what they shift to others, and add both up per polygon.

    Parameters
    ----------
    layers, model, order
        As :func:`waterbodem.kernels.scoring.score_from` takes them.
    land, change, bare
        As :func:`waterbodem.kernels.burden.shift_from` takes them.
    asked : Asked
    cells : Cells
    bands : waterbodem.kernels.zonal.Bands
        Of ``size`` cells.
    maps, totals : Maps and Totals
        Filled, and added to: in the order that :func:`waterbodem.engine.quantities.names_of` tells.
    band : Band
    """
    for b in range(bands.group.size - 1):
        if bands.group[b] < bands.group[b + 1]:
            a = b * size
            _gather_band(
                layers, model, order, land, change, bare, asked, cells, a, min(size, maps.score.size - a), maps, band
            )
            _add_band(bands, b, a, min(size, maps.score.size - a), cells, maps, band, totals)


@inlined
def _gather_band(
    layers: Any, model: Any, order: Any, land: Any, change: Any, bare: Any, asked: Any, cells: Any, a: int, n: int,
    maps: Any, band: Any,
) -> None:  # fmt: skip
    e = a + n
    found = scoring.Scores(
        maps.score[a:e], maps.klasse[a:e], maps.bepalend[a:e], maps.dekking[a:e], band.flags[:n], band.known,
        band.bounds[0, :n], band.bounds[1, :n], band.classes[0, :n], band.classes[1, :n], band.loss,
    )  # fmt: skip
    scoring.score_from(layers, a, model, found, band.score, order, found)
    i, beside = band.indices, band.beside
    shifted = burden.Burden(
        band.components, i[0, :n], i[1, :n], i[2, :n], maps.risico[a:e], maps.oorzaak[a:e], beside[0, :n],
        beside[1, :n], beside[0, :0],
    )  # fmt: skip
    if cells.shifted.risico.size:
        _take_band(cells.shifted, a, shifted)
    else:
        burden.shift_from(land, a, change, bare, shifted, band.burden)
    measured = quantities.FoundCells(
        maps.score[a:e], maps.klasse[a:e], maps.risico[a:e], shifted.tijd,
        cells.lowest[a:e] if cells.lowest.size else maps.score[a:e], band.components, cells.use[a:e],
    )  # fmt: skip
    quantities.fill_quantities(measured, asked.borders, asked.against, band.loss, maps.assessed[a:e], band.made)
    for t in range(asked.bits.size):
        _alarm(layers, a, t, asked, band.flags[:n], cells.use[a:e], band.made[MADE + t, :n])


@inlined
def _alarm(layers: Any, a: int, t: int, asked: Any, flags: Any, use: Any, out: Any) -> None:
    """Fill in where thresholds fire: 1, 0, or NaN where all the layers that they are on are unknown."""
    nothing = np.float32(0) if asked.layer[t] == asked.layer[t + 1] else np.float32(np.nan)
    for i in range(out.size):
        out[i] = nothing
    for k in range(asked.layer[t], asked.layer[t + 1]):
        quantities.known_where(cells_at(layers[asked.layers[k]], a, out.size), out)
    quantities.flag_bits(flags, asked.bits[t], out)
    if asked.of_change[t]:
        quantities.of_change(use, asked.own, out)


@inlined
def _take(values: Any, a: int, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[a + i]


@inlined
def _take_band(given: Any, a: int, out: Any) -> None:
    """Take the burden of a band that is known already."""
    for k in range(out.components.shape[0]):
        _take(given.components[k], a, out.components[k, : out.risico.size])
    _take(given.ruimte, a, out.ruimte)
    _take(given.tijd, a, out.tijd)
    _take(given.geld, a, out.geld)
    _take(given.risico, a, out.risico)
    _take(given.oorzaak, a, out.oorzaak)
    _take(given.zonder, a, out.zonder)
    _take(given.stijging, a, out.stijging)


@inlined
def _add_rows(bands: Any, b: int, a: int, n: int, rows: Any, sums: Any) -> None:
    for m in range(rows.shape[0]):
        zonal.add_row(bands, b, a, rows[m, :n], sums[m])


@inlined
def _add_band(bands: Any, b: int, a: int, n: int, cells: Any, maps: Any, band: Any, totals: Any) -> None:
    e, sums, m = a + n, totals.sums, 1
    zonal.add_row(bands, b, a, maps.assessed[a:e], sums[0])
    for rows in (band.loss, band.made, band.bounds):
        _add_rows(bands, b, a, n, rows, sums[m : m + rows.shape[0]])
        m += rows.shape[0]
    for k in SUMMED:
        zonal.add_row(bands, b, a, band.components[k, :n], sums[m])
        m += 1
    zonal.add_row(bands, b, a, maps.dekking[a:e], sums[m])
    zonal.add_row(bands, b, a, maps.risico[a:e], sums[m + 1])
    zonal.add_row(bands, b, a, band.beside[0, :n], sums[m + 2])
    for g in range(cells.given.shape[0]):
        zonal.add_row(bands, b, a, cells_at(cells.given[g], a, n), sums[m + 3 + g])
    zonal.add_codes(bands, b, a, maps.klasse[a:e], totals.classes[0])
    zonal.add_codes(bands, b, a, band.classes[0, :n], totals.classes[1])
    zonal.add_codes(bands, b, a, band.classes[1, :n], totals.classes[2])
    zonal.add_codes(bands, b, a, cells.use[a:e], totals.uses)
    zonal.add_by_code(bands, b, a, maps.risico[a:e], maps.oorzaak[a:e], totals.causes, band.loss[0, :n])
