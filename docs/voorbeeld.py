"""The worked example: cells by hand with the numbers of the live rules, the program's answers beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment
from stukken import chip, table

import waterbodem as wb
from waterbodem.definitions import registry
from waterbodem.definitions.labels import layer_label, plain_number
from waterbodem.definitions.models import Criterion, Functie
from waterbodem.definitions.receiving import builtin_reach, reception_rules
from waterbodem.definitions.units import unit_text

#: A dry cell to build on and a wet one; values that make every step visible. Absent keileem is infinitely deep.
BUILT = {"zettingsgevoeligheid": 0.1, "wateroverlast": 0.15, "droogte": 10.0, "keileemdiepte": 0.8, "kwel": 0.05}
WORSE = {"wateroverlast": 0.30}
WET = {"zettingsgevoeligheid": 0.3, "wateroverlast": 0.1, "droogte": 8.0, "keileemdiepte": math.inf, "kwel": 0.4}
WET |= {"ghg": 0.5, "glg": 1.1, "veendikte": 0.8}
SCENARIO = "2050Hd"


class Number(float):
    """A number that is written as on paper, with a decimal comma."""

    def __format__(self, spec: str) -> str:
        return number(self, int(spec)) if spec else plain_number(float(self))


def number(value: float, digits: int) -> str:
    """A number in so many decimals."""
    return f"{value:.{digits}f}".replace(".", ",").replace("-", "−")


class Calculator:
    """A pocket calculator: every line is worked out from what stands in it, and its rounded outcome is kept."""

    def __init__(self, **known: Any) -> None:
        self.known = {name: _written(value) for name, value in known.items()}

    def __call__(self, name: str, formula: str, digits: int, unit: str = "") -> str:
        """Write a line and keep its outcome as it is written."""
        text = formula.format(**self.known)
        outcome = round(worked_out(text), digits)
        self.known[name.replace(" ", "_")] = Number(outcome)
        return f"{name} = {text} = {number(outcome, digits)} {unit}".rstrip()


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: Number(v) for name, v in value.items()}
    return Number(value)


def worked_out(text: str) -> float:
    """The outcome of a line: decimals have a comma, arguments are parted by a semicolon."""
    plain_text = text.replace(",", ".").replace(";", ",").replace("·", "*").replace("−", "-").replace("e^", "exp")
    return float(eval(plain_text, {"__builtins__": {}}, {"max": max, "min": min, "exp": math.exp}))


def cell(values: Mapping[str, float]) -> xr.Dataset:
    """One cell with these layers."""
    arrays = {name: (("y", "x"), np.array([[value]])) for name, value in values.items()}
    return xr.Dataset(arrays, coords={"y": [0.5], "x": [0.5]})


def burden(values: Mapping[str, float], functie: str) -> dict[str, float]:
    """What the program makes of the burden of a functie on a cell, against grassland that is there."""
    found = wb.afwenteling(cell(values), functie, referentie=registry.burden_rules().reference).squeeze()
    return {str(name): float(value) for name, value in found.items()}


def decline() -> dict[str, float]:
    """Score now and in the scenario, and the difference that the program finds."""
    layers = cell(BUILT)
    for name, value in WORSE.items():
        layers[f"{name}@{SCENARIO}"] = (("y", "x"), np.array([[value]]), {"horizon": 2050})
    now, then = (
        float(wb.geschiktheid(cell(v), "woningbouw").squeeze().geschiktheid) for v in (BUILT, {**BUILT, **WORSE})
    )
    found = wb.afwenteling(layers, "woningbouw", referentie=registry.burden_rules().reference)
    return {"nu": round(now, 4), "straks": round(then, 4), "achteruitgang": float(found.squeeze().achteruitgang)}


def parameters(functie: str) -> dict[str, float]:
    """Parameters of a functie, also those that it leaves to their default."""
    f = wb.functies()[functie]
    return {name: f.value(name) for name in (*f.parameters, "ontwatering_groen_m", "rijzing_hoogstens_m")}


def anchors() -> dict[str, float]:
    """Amounts at which the share of a component is 1."""
    return {c.id: c.anker for c in registry.burden_rules().components if c.anker is not None}


def situation(name: str) -> float:
    """Length over which the groundwater effect fades in a situation [m]."""
    return next(s.lambda_m for s in builtin_reach().situaties if s.id == name)


def calculator(functie: str, values: Mapping[str, float]) -> Calculator:
    """A calculator that knows the functie, the present use, the cell and the constants."""
    rules = registry.burden_rules()
    return Calculator(
        f=parameters(functie), r=parameters(rules.reference), cel=values, c=rules.constants, anker=anchors(),
        peil=registry.rewetting_rules().model_dump(include={"te_diep_m", "overgang_m"}), scores=decline(),
        lengte=situation("zand_met_sloten"), demping=reception_rules().constanten["demping_m"].waarde,
    )  # fmt: skip


def example_page(env: Environment) -> str:
    """The page."""
    f = wb.functies()["woningbouw"]
    k = wb.geschiktheid(cell(BUILT), f).squeeze()
    step = registry.answer_scale()[int(k.klasse)]
    total = sum(weighted for *_, weighted in (_hand(f, name, value) for name, value in BUILT.items()))
    return env.from_string((Path(__file__).parent / "rekenvoorbeeld.md").read_text("utf-8")).render(
        rijen=table(["laag", "waarde", "score s", "gewicht w", "w · ln s"], [_row(f, *item) for item in BUILT.items()]),
        som=number(total, 5), score=number(float(k.geschiktheid), 4), score_hand=number(math.exp(total), 4),
        klasse=chip(step.letter, step.kleur), antwoord=step.antwoord,
        laagste=number(min(_score(f.criteria[n], v) for n, v in BUILT.items()), 2),
        bepalend=layer_label(k.attrs["criteria"][int(k.bepalend)]),
        bouwen=calculator("woningbouw", BUILT), natuur=calculator("natte_natuur", WET),
        akker=calculator("akkerbouw", WET), getal=number, nat=WET, droog=BUILT, erger=WORSE, verval=decline(),
        a=burden(BUILT, "woningbouw"), n=burden(WET, "natte_natuur"), b=burden(WET, "akkerbouw"), oorzaak=_cause,
    )  # fmt: skip


def _cause(nr: float) -> str:
    return next(c.naam for c in registry.burden_rules().components if c.nr == int(nr))


def _score(criterion: Criterion, value: float) -> float:
    return float(np.interp(value, *zip(*criterion.curve, strict=True)))


def _hand(f: Functie, name: str, value: float) -> tuple[float, float, float]:
    score, weight = _score(f.criteria[name], value), f.criteria[name].gewicht
    return score, weight, weight * math.log(score)


def _row(f: Functie, name: str, value: float) -> tuple[str, ...]:
    score, weight, weighted = _hand(f, name, value)
    unit = unit_text(registry.layer_kinds()[name].unit)
    return (
        layer_label(name),
        f"{plain_number(value)} {unit}",
        number(score, 4),
        plain_number(weight),
        number(weighted, 5),
    )
