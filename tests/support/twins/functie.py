"""A functie as a plain mapping, shaped as its data file."""

from __future__ import annotations

from collections.abc import Mapping

#: Section 5: parameters that no functie of the library sets.
UNSET = {
    "bodemberging_factor": 1.0,
    "vulling_kn_m3": 16.0,
    "restzetting_aandeel": 1.0,
    "glg_verhouding": 2.0,
    "rijzing_hoogstens_m": 0.5,
    "onttrekking": 0.0,
    "ontwatering_blijft": 0.0,
    "herstelt_mee": 0.0,
    "uitspoeling": 0.0,
}


def plain(functie):
    """The mapping of a functie: itself, or the fields of the library's object."""
    return functie if isinstance(functie, Mapping) else functie.model_dump(exclude_none=True)


def plain_functies(mapping):
    """Mappings by id, each with its id."""
    return {id_: {"id": id_, **plain(functie)} for id_, functie in mapping.items()}


def by_code(functies):
    return {f["code"]: f for f in functies.values()}


def parameter(functie, name):
    """The value of a parameter; None where it has none and the rules give none."""
    found = functie["parameters"].get(name)
    return UNSET.get(name) if found is None else found["waarde"]


def with_parameters(functie, **values):
    """The functie with other values of parameters."""
    return {**functie, "parameters": {**functie["parameters"], **{n: {"waarde": v} for n, v in values.items()}}}


def all_criteria(functie):
    return {**functie["criteria"], **(functie.get("optionele_criteria") or {})}


def basic_weight(functie):
    return sum(c["gewicht"] for c in functie["criteria"].values())
