"""One functie or several, one gebied or several: both spellings are taken, and "all" wherever functies are."""

from __future__ import annotations

import doctest
import inspect
import pickle

import pytest
from click.testing import CliRunner

import waterbodem as wb
from tests.assessment.test_cli import plan, world
from tests.contract.test_names import UNDER_WAY
from tests.support.grids import box, even
from waterbodem.cli import cli
from waterbodem.core.spellings import OTHER
from waterbodem.definitions.registry import builtin_functies

DATA, PLAN = even(6, 8, ghg=0.9, maaiveld=1.0), box(0, 0, 2, 2)
#: What is asked of every public function that takes a functie or a gebied, beside these.
BESIDE = {"waarom": {"x": float(DATA.x[0]), "y": float(DATA.y[0])}, "bovenstrooms": {"ontvanger": PLAN}}
#: Takes no functies but the collection that codes of a layer come from.
OTHERWISE = {"maatregelen", "open_layers"}


def takers():
    """Public functions with an argument of two spellings, and its names."""
    for name in sorted({*wb.__all__} - UNDER_WAY):
        function = getattr(wb, name)
        if inspect.isfunction(function) and name not in OTHERWISE:
            own = [n for n in inspect.signature(function).parameters if n in OTHER]
            if own:
                yield name, own


def test_these_are_all_that_take_a_functie_or_a_gebied():
    assert {name for name, _ in takers()} == {
        *("afwenteling", "assess", "benedenstrooms", "bovenstrooms", "compare"),
        *("geschiktheid", "gevoeligheid", "grootboek", "live_map", "mits", "per_gebied", "waarom"),
    }


@pytest.mark.parametrize("name, own", list(takers()))
def test_every_public_function_takes_both_spellings_and_not_both_at_once(name, own, monkeypatch):
    function = getattr(wb, name)
    values = {"functie": "woningbouw", "functies": "woningbouw", "gebied": PLAN, "gebieden": PLAN}
    given = {n: values[n] for n in own}
    monkeypatch.setattr("waterbodem.assessment.live.LiveMap", lambda *asked: asked[:2])
    beside = BESIDE.get(name, {})
    first, second = (function(DATA, **beside, **g) for g in (given, {OTHER[n]: v for n, v in given.items()}))
    assert repr(first) == repr(second)
    for one in own:
        with pytest.raises(wb.errors.ArgumentError, match="two spellings") as caught:
            function(DATA, **beside, **given, **{OTHER[one]: given[one]})
        assert caught.value.where == one


@pytest.mark.parametrize("name", [name for name, _ in takers()])
def test_what_takes_both_stays_a_function_that_tools_find(name):
    """Its examples are run, its signature is shown, another process knows it."""
    function = getattr(wb, name)
    module = inspect.getmodule(function)
    found = {test.name: test.examples for test in doctest.DocTestFinder(exclude_empty=False).find(module)}
    assert f"{module.__name__}.{name}" in found
    assert "args" not in inspect.signature(function).parameters
    assert pickle.loads(pickle.dumps(function)) is function


def test_pictures_take_both_spellings():
    answer = wb.assess(DATA, "woningbouw", PLAN)
    assert len(answer.plot(functies="woningbouw").axes) == len(answer.plot(functie="woningbouw").axes) > 0


# --- all -------------------------------------------------------------------------------------------------------------


def test_all_is_every_functie_where_a_list_may_be():
    ids = list(builtin_functies())
    for found in (wb.geschiktheid(DATA, "all"), wb.afwenteling(DATA, "all"), wb.assess(DATA, "all", PLAN).cells):
        assert found.functie.values.tolist() == ids
    assert wb.per_gebied(DATA, "all", PLAN).functie.tolist() == ids
    assert list(wb.compare(DATA, "all", PLAN).antwoorden.index) == ids
    assert wb.benedenstrooms(DATA, "all").functie.values.tolist() == ids


@pytest.mark.parametrize(
    "ask",
    [
        lambda many: wb.waarom(DATA, many, **BESIDE["waarom"]),
        lambda many: wb.bovenstrooms(DATA, PLAN, many),
        lambda many: wb.afwenteling(DATA, "woningbouw", referentie=many),
    ],
    ids=["waarom", "bovenstrooms", "referentie"],
)
@pytest.mark.parametrize("many", ["all", ["woningbouw", "natte_natuur"]], ids=["all", "list"])
def test_what_takes_one_functie_refuses_several(ask, many):
    with pytest.raises(wb.errors.ArgumentError, match="give one"):
        ask(many)


def test_a_ledger_takes_one_functie_per_plan_and_not_all():
    with pytest.raises(wb.errors.ArgumentError, match="give one functie"):
        wb.grootboek(DATA, "all", PLAN)


def test_no_functie_of_ones_own_is_called_all():
    known = builtin_functies()
    own = known["woningbouw"].model_copy(update={"id": "all", "code": 100})
    with pytest.raises(wb.errors.DefinitionError, match="eigen.toml: all.id: id means every functie"):
        known.extended([own], "eigen.toml")


def test_the_command_takes_all_and_both_spellings(tmp_path):
    layers, plans = world(tmp_path), plan(tmp_path)
    words = ["assess", "--layers", layers, "--functie", "all", "--gebieden", plans, "--output", tmp_path / "uit"]
    done = CliRunner().invoke(cli, [*map(str, words)])
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "uit").iterdir() if p.is_dir()} >= set(builtin_functies())
