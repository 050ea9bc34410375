"""Scores, burden, measures and sums over polygons of a block, band by band: what is between stays in the cache."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from waterbodem.kernels import burden, components, quantities, scoring, zonal
from waterbodem.kernels._compile.decorators import kernel, part
from waterbodem.kernels._compile.records import cells_at

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Asked(NamedTuple):
    """What is asked of a functie, besides the numbers of its score and burden."""

    borders: quantities.Borders
    verharding: Floats  # more paving than the reference; (1,) or (n,)
    more_fill: NDArray[np.bool_]  # more fill than the reference; (1,) or (n,)
    bits: NDArray[np.uint16]  # (T,) thresholds that count, per layer
    bit_layer: Ints  # (T,) index of that layer


class Cells(NamedTuple):
    """What is known of the n cells of a block, apart from the layers; rows of M measures that need no functie."""

    lowest: Floats  # (n,) lowest score over the scenarios; empty: the score
    given: Floats  # (G, n)
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


#: Rows that are made of others, in the order of ``measures.Rows`` after score and loss; components that are summed.
MADE = (
    "risico_hoog",
    "risico_zeer_hoog",
    "water",
    "kwelafvoer",
    "veenoxidatie",
    "grondwaterverlaging",
    "grondwater",
    "vastlegging",
    "bodemlast",
)
SUMMED = (components.AFVOER, components.VERDRONGEN)


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
        Filled, and added to: per measure score, loss, made, bounds, components, dekking, risico and given.
    band : Band
    """
    for b in range(bands.group.size - 1):
        if bands.group[b] < bands.group[b + 1]:
            a = b * size
            _gather_band(
                layers, model, order, land, change, bare, asked, cells, a, min(size, maps.score.size - a), maps, band
            )
            _add_band(bands, b, a, min(size, maps.score.size - a), cells, maps, band, totals)


@part
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
        beside[1, :n],
    )  # fmt: skip
    if cells.shifted.risico.size:
        _take_band(cells.shifted, a, shifted)
    else:
        burden.shift_from(land, a, change, bare, shifted, band.burden)
    lowest = cells.lowest[a:e] if cells.lowest.size else maps.score[a:e]
    _measure(a, n, lowest, asked, maps, band)
    for t in range(asked.bits.size):
        known = cells_at(layers[asked.bit_layer[t]], a, n)
        quantities.flag_bits(band.flags[:n], asked.bits[t], known, band.made[len(MADE) + t, :n])


@part
def _take(values: Any, a: int, out: Any) -> None:
    for i in range(out.size):
        out[i] = values[a + i]


@part
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


@part
def _measure(a: int, n: int, lowest: Any, asked: Any, maps: Any, band: Any) -> None:
    e, p, m = a + n, band.components, band.made
    each = asked.verharding.size > 1
    verharding = asked.verharding[a:e] if each else asked.verharding[:1]
    more_fill = asked.more_fill[a:e] if each else asked.more_fill[:1]
    found = quantities.Found(
        maps.score[a:e], maps.klasse[a:e], maps.risico[a:e], band.indices[1, :n], lowest,
        p[components.AFVOER, :n], p[components.VERDRONGEN, :n], p[components.KWELAFVOER, :n], p[components.VEEN, :n],
        p[components.VERLAGING, :n], p[components.AANVULLING, :n], p[components.ZETTING, :n],
        verharding, more_fill,
    )  # fmt: skip
    rows = quantities.Rows(
        maps.assessed[a:e], band.loss, m[0, :n], m[1, :n], m[2, :n], m[3, :n], m[4, :n], m[5, :n], m[6, :n], m[7, :n],
        m[8, :n],
    )  # fmt: skip
    quantities.fill_measures(found, asked.borders, rows)


@part
def _add_rows(bands: Any, b: int, a: int, n: int, rows: Any, sums: Any) -> None:
    for m in range(rows.shape[0]):
        zonal.add_row(bands, b, a, rows[m, :n], sums[m])


@part
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
    for g in range(cells.given.shape[0]):
        zonal.add_row(bands, b, a, cells.given[g, a:e], sums[m + 2 + g])
    zonal.add_codes(bands, b, a, maps.klasse[a:e], totals.classes[0])
    zonal.add_codes(bands, b, a, band.classes[0, :n], totals.classes[1])
    zonal.add_codes(bands, b, a, band.classes[1, :n], totals.classes[2])
    zonal.add_by_code(bands, b, a, maps.risico[a:e], maps.oorzaak[a:e], totals.causes, band.loss[0, :n])
