"""Sums of plans with a group moved: the same, bit for bit, as scoring layers that were moved, however cells are cut."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

import waterbodem as wb
from tests.support import grids, random_cells
from tests.support.twins import bandbreedte as twin
from waterbodem.core.dataset import grid_of
from waterbodem.core.threads import single_threaded
from waterbodem.doubt import varying
from waterbodem.doubt.moving import DOWN, UP, moved
from waterbodem.engine.coverage import covered
from waterbodem.engine.layer_set import layer_set
from waterbodem.engine.scoring import score_arrays
from waterbodem.engine.sums import mean_of
from waterbodem.kernels.zonal import COVERAGE_ONE

FUNCTIES = random_cells.FUNCTIES
ROWS, COLS, STEP = 61, 83, 40.0
METHODS = [("meetkundig", None), ("gemiddelde", None), ("minimum", None), ("owa", 0.3)]


@pytest.fixture(scope="module")
def layers():
    """Cells that look for trouble, of two functies, without gvg."""
    rng = np.random.default_rng(21)
    names = [n for n in random_cells.LAYERS if n != "gvg"]
    some = [random_cells.columns(rng, FUNCTIES[f], names, ROWS * COLS) for f in ("woningbouw", "natte_natuur")]
    take = rng.random(ROWS * COLS) < 0.5
    return grids.layers({n: np.where(take, some[0][n], some[1][n]).reshape(ROWS, COLS) for n in names}, STEP)


@pytest.fixture(scope="module")
def plans(layers):
    """A large plan, some small ones, one that is a sliver, one that overlaps and one outside the data."""
    g = grid_of(layers)
    x, y = g.left, g.top
    shapes = [
        shapely.box(x + 100, y - 2300, x + 3000, y - 100),
        *(shapely.box(x + 200 + 130 * i, y - 1800 - 17 * i, x + 310 + 130 * i, y - 1660 - 11 * i) for i in range(12)),
        shapely.box(x + 1000, y - 1001, x + 1003, y - 1000),
        shapely.Point(x + 1500, y - 1200).buffer(600),
        shapely.box(x - 900, y, x - 500, y + 300),
    ]
    prints = covered(shapes, g)
    return prints, np.array([s.area / 1e4 for s in shapes])


def by_hand(cells, prints, p, hectares, functie, method, group, direction):
    """Mean score and covered cells per class of one plan, from layers moved as a whole and scored as a whole."""
    layers = moved(cells, group, direction, hectares).present
    names = ("score", "klasse", "score_min", "klasse_min", "score_max", "klasse_max")
    found = score_arrays(layers, functie, *method, wanted=names)
    some = slice(prints.start[p], prints.start[p + 1])
    cell, cover = prints.cell[some], prints.cover[some]
    for score, klasse in zip(names[::2], names[1::2], strict=True):
        s, k = found[score].reshape(-1)[cell].astype(np.float64), found[klasse].reshape(-1)[cell]
        counts = ~np.isnan(s) & (k != 0)
        total = (np.rint(s[counts] * 2**20).astype(np.int64) * cover[counts]).sum() / 2**20
        yield total, cover[counts].sum(), [cover[k == code].sum() for code in range(6)]


def check(layers, plans, functie, method):
    cells, (prints, hectares) = layer_set(layers), plans
    asked = varying.Asked.of(functie, list(cells.present), method)
    found = varying.variants_of(cells, prints, hectares, [asked])[0]
    for group in twin.GROUPS:
        for side, direction in enumerate((DOWN, UP)):
            for p in range(len(hectares)):
                want = by_hand(cells, prints, p, hectares[p], functie, method, group, direction)
                compare(found, want, group, side, p)


def compare(found, want, group, side, p):
    if group not in found.groups:
        return
    v = 2 * found.groups.index(group) + side
    for e, (total, known, classes) in enumerate(want):
        mean, cells = mean_of(found.sums[v, e])
        assert cells[p] * COVERAGE_ONE == known
        assert found.classes[v, e, p].tolist() == classes
        assert np.isnan(mean[p]) if known == 0 else mean[p] * known == pytest.approx(total, rel=1e-6)
        if e == 0 and known:
            assert mean[p] == total / known


@pytest.mark.parametrize("name", FUNCTIES)
def test_sums_are_those_of_layers_that_were_moved(layers, plans, name):
    check(layers, plans, FUNCTIES[name], METHODS[0])


@pytest.mark.parametrize("method", METHODS[1:])
def test_sums_are_those_of_every_method(layers, plans, method):
    check(layers, plans, FUNCTIES["natte_natuur"], method)


def test_groups_that_reach_nothing_are_left_out(layers):
    cells = layer_set(layers)
    functie = FUNCTIES["waterberging"]
    asked = varying.Asked.of(functie, list(cells.present), METHODS[0])
    base = score_arrays(cells.present, functie)
    for group in set(twin.GROUPS) - set(asked.groups):
        for direction in (DOWN, UP):
            got = score_arrays(moved(cells, group, direction, 1.0).present, functie)
            assert all(got[n].tobytes() == base[n].tobytes() for n in base)


def same(one, other):
    return one.sums.tobytes() == other.sums.tobytes() and one.classes.tobytes() == other.classes.tobytes()


def all_of(cells, plans, names=("woningbouw", "natte_natuur", "waterberging")):
    asked = [varying.Asked.of(FUNCTIES[n], list(cells.present), METHODS[0]) for n in names]
    return varying.variants_of(cells, *plans, asked)


def normal(v):
    """The same number in one form: the parts of a sum depend on where it was cut."""
    sums = v.sums.copy()
    sums[:, :, 0] += sums[:, :, 1] >> 30
    sums[:, :, 1] &= (1 << 30) - 1
    return varying.Variants(v.groups, sums, v.classes)


@pytest.mark.parametrize("piece", [7, 100, 1024, 5000])
def test_sums_do_not_depend_on_how_cells_are_cut(layers, plans, monkeypatch, piece):
    cells = layer_set(layers)
    whole = all_of(cells, plans)
    monkeypatch.setattr(varying, "PIECE", piece)
    threads = all_of(cells, plans)
    with single_threaded():
        one = all_of(cells, plans)
    for a, b, c in zip(whole, threads, one, strict=True):
        assert same(normal(a), normal(b))
        assert same(b, c)


def test_sums_of_parts_of_the_grid_add_up(layers, plans):
    g, cells = grid_of(layers), layer_set(layers)
    prints, hectares = plans
    whole = all_of(cells, plans)
    shapes_of = np.repeat(np.arange(len(hectares)), np.diff(prints.start))
    parts = [varying.Variants.none(v.groups, len(hectares)) for v in whole]
    for rows in (slice(0, 20), slice(20, 21), slice(21, ROWS)):
        block = g.part(rows, slice(0, COLS))
        mine = (prints.cell // COLS >= rows.start) & (prints.cell // COLS < rows.stop)
        start = np.concatenate([[0], np.cumsum(np.bincount(shapes_of[mine], minlength=len(hectares)))])
        some = type(prints)(block, start, prints.cell[mine] - rows.start * COLS, prints.cover[mine])
        held = layer_set(layers.isel(y=rows))
        for one, out in zip(all_of(held, (some, hectares)), parts, strict=True):
            out.add(one, slice(None))
    assert all(same(normal(a), normal(b)) for a, b in zip(whole, parts, strict=True))


def test_functies_asked_together_are_those_asked_alone(layers, plans):
    cells = layer_set(layers)
    for name, together in zip(("woningbouw", "natte_natuur"), all_of(cells, plans), strict=False):
        assert same(all_of(cells, plans, (name,))[0], together)


def test_nothing_moves_where_nothing_can():
    layers = wb.example(size=50)[["beekdal", "natuur"]]
    cells = layer_set(layers)
    assert varying.Asked.of(FUNCTIES["woningbouw"], list(cells.present), METHODS[0]).groups == ()
