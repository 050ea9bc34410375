"""A call says what it would hold, and refuses before it makes anything, where that is more than what is free."""

import pytest
from shapely import box

import waterbodem as wb
from waterbodem.core import memory
from waterbodem.core.errors import ArgumentError

FUNCTIES = ["woningbouw", "natte_natuur", "grasland_veeteelt"]


@pytest.fixture(scope="module")
def layers():
    return wb.example(size=300, resolution=10)


def whole(layers):
    """A plan over all cells."""
    x, y = layers.x.values, layers.y.values
    return box(float(x[0]), float(y[-1]), float(x[-1]), float(y[0]))


CALLS = {
    "geschiktheid": lambda layers: wb.geschiktheid(layers, FUNCTIES),
    "afwenteling": lambda layers: wb.afwenteling(layers, FUNCTIES),
    "assess": lambda layers: wb.assess(layers, FUNCTIES, whole(layers)),
    "example": lambda layers: wb.example(size=300, resolution=10),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_refuses_what_does_not_fit(call, layers, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 376_000_000)  # 0.8 of it less what is taken to work: 0.8 MB
    with pytest.raises(ArgumentError, match="not enough memory; got '300 x 300 cells x .*GB"):
        CALLS[call](layers)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_does_what_fits(call, layers, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 500_000_000)
    CALLS[call](layers)


def test_a_plan_on_a_part_of_much_land_is_counted_by_its_own_cells(layers, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 380_000_000)
    x, y = float(layers.x[50]), float(layers.y[50])
    wb.assess(layers, "woningbouw", box(x, y, x + 100, y + 100))
