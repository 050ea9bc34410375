"""The twin of the closed forms against the worked cell of the fact sheet (section 3.4): published numbers."""

import math

import pytest

from tests.support.design import functies
from tests.support.twins import gevoeligheid as twin

VALUES = {"zettingsgevoeligheid": 0.03, "wateroverlast": 0.18, "droogte": 14, "keileemdiepte": 0.9, "kwel": -0.2,
          "ghg": 0.55, "veendikte": 0.0}  # fmt: skip
#: Errors that section 3.4 (8) gives, each drawn value clipped to its plausible range.
ERRORS = {
    "ghg": lambda z: 0.55 + 0.30 * z,
    "wateroverlast": lambda z: max(0.0, 0.18 + 0.075 * z),
    "keileemdiepte": lambda z: max(0.0, 0.9 + 0.45 * z),
    "kwel": lambda z: -0.2 + 0.20 * z,
    "droogte": lambda z: max(0.0, 14 + 5 * z),
    "veendikte": lambda z: max(0.0, 0.25 * z),
    "zettingsgevoeligheid": lambda z: 0.03 * math.exp(0.47 * z - 0.11),
}


@pytest.fixture(scope="module")
def cell():
    return twin.Cell(functies()["woningbouw"], VALUES)


def test_score_and_class(cell):
    assert math.exp(cell.log_s) == pytest.approx(0.67167, abs=5e-6)
    assert twin.klasse(cell.log_s, cell.s, cell.g) == 1


@pytest.mark.parametrize(
    ("name", "border", "want"),
    [("ghg", 0.6, 0.3738), ("keileemdiepte", 0.6, 0.5795), ("wateroverlast", 0.6, 0.6066), ("veendikte", 0.8, 0.4809),
     ("zettingsgevoeligheid", 0.8, 0.5961), ("kwel", 0.8, 0.6279), ("droogte", 0.8, 0.6352)],
)  # fmt: skip
def test_one_weight(cell, name, border, want):
    assert twin.weight_of_border(cell, name, border) == pytest.approx(want, abs=5e-5)


def test_one_layer(cell):
    found = {n: sorted(twin.layer_borders(cell, n)) for n in cell.names}
    for name, value in {"ghg": 0.54, "wateroverlast": 0.2333, "keileemdiepte": 0.5333, "veendikte": 0.80,
                        "zettingsgevoeligheid": 0.1626, "kwel": 0.654}.items():  # fmt: skip
        assert any(abs(x - value) < 5e-4 for x in found[name]), (name, found[name])


def test_shares(cell):
    found = twin.sobol(cell, ERRORS)
    want = {"ghg": (0.805, 0.812), "wateroverlast": (0.143, 0.149), "keileemdiepte": (0.035, 0.036),
            "zettingsgevoeligheid": (0.004, 0.004), "veendikte": (0.004, 0.004), "kwel": (0.002, 0.002),
            "droogte": (0.000, 0.000)}  # fmt: skip
    for name, shares in want.items():
        assert found[name] == pytest.approx(shares, abs=6e-4), name
    assert twin.maps_or_weights(cell, ERRORS, 50) == pytest.approx((0.866, 0.059, 0.076), abs=6e-4)


def test_radius(cell):
    errors = {**ERRORS, "zettingsgevoeligheid": lambda z: 0.03 * (1 + 0.5 * z)}

    def of_class(scores):
        log_s = sum(cell.w[n] * math.log(max(s, 0.01)) for n, s in scores.items())
        return twin.klasse(log_s, scores, cell.g) <= 1

    def of_s(scores):
        return sum(cell.w[n] * math.log(max(s, 0.01)) for n, s in scores.items()) >= math.log(0.6)

    assert twin.radius(cell, errors, of_class) == pytest.approx(0.033, abs=5e-4)
    assert twin.radius(cell, errors, of_s) == pytest.approx(0.32, abs=5e-3)
