"""What a plan changes against its reference, and what is agreed beside it, as numbers: rekenregels section 5."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from waterbodem.core.grid import M2_PER_HA
from waterbodem.definitions import registry
from waterbodem.definitions.boards import Board
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Storage
from waterbodem.engine.reference import believed_from
from waterbodem.engine.rewetting import rewetting_of
from waterbodem.kernels._compile.records import record_of
from waterbodem.kernels.components import CHANGE

MM_TO_M3_HA = 10.0


@dataclass(frozen=True)
class Drains:
    """How deep drains lie below the original maaiveld [m], and on which share of the plan they lie in raised ground.

    Parameters
    ----------
    share : float
        Of the plan that is raised.
    raised, green : float
        In the raised part, where raising replaces them, and in the rest.
    """

    share: float
    raised: float
    green: float

    def mean_over(self, other: Drains) -> list[tuple[float, float, float]]:
        """Parts of both laid over each other, raised on raised first: share, drains of one and of the other."""
        both, one, more = min(self.share, other.share), max(self.share, other.share), self.share > other.share
        parts = [
            (both, self.raised, other.raised),
            (one - both, self.raised if more else self.green, other.green if more else other.raised),
            (1 - one, self.green, other.green),
        ]
        return [part for part in parts if part[0] > 0]


def drains_of(functie: Functie, depth: float | None = None) -> Drains:
    """Return the drains of a functie; ``depth`` [m] replaces its own where somebody asks another."""
    value = functie.value
    asked = value("ontwatering_m") if depth is None else depth
    green = value("ontwatering_groen_m")
    return Drains(
        value("opgehoogd_aandeel"), max(0.0, asked - value("ophoging_m")), asked if math.isnan(green) else green
    )


def asked_depth(plan: Functie, board: Board | None) -> float:
    """Return the drainage that holds for a plan [m]: of the caller, else of the board, else of the functie."""
    own = plan.value("ontwatering_m")
    return own if board is None or is_own(plan, "ontwatering_m") else board.ontwatering_m.get(plan.id, own)


def is_own(functie: Functie, parameter: str) -> bool:
    """Tell whether a caller gave a parameter its value."""
    known = registry.builtin_functies()
    given = functie.parameters.get(parameter)
    return functie.id not in known or given != known[functie.id].parameters.get(parameter)


def laid_parts(plan: Functie, reference: Functie, depth: float) -> list[tuple[float, float, float]]:
    """Return parts of a plan and its reference laid over each other: share, drains of the one and of the other [m].

    Drains that a plan does not lay count as 0 deep; ``depth`` [m] is what is asked of it.
    """
    new = drains_of(plan, depth)
    laid = replace(new, raised=0.0, green=0.0) if plan.value("ontwatering_blijft") else new
    return laid.mean_over(drains_of(reference))


def raised_height(functie: Functie) -> float:
    """Return the height of the raising, mean over the plan [m]."""
    return functie.value("opgehoogd_aandeel") * functie.value("ophoging_m")


def asked_mm(plan: Functie, reference: Functie, board: Board | None) -> float:
    """Return the storage that a board asks for the new paving [mm over the plan]."""
    paving = plan.value("verhardingsgraad") - reference.value("verhardingsgraad")
    return 0.0 if board is None else board.storage_mm * max(0.0, paving)


def built_mm(plan: Functie, reference: Functie, storage: Storage) -> float:
    """Return the storage that is built [mm over the plan]: given, else what is asked; as far as there is room.

    What measures build is added to what is given, and counts towards what is asked.
    """
    if storage.built_mm is None:
        wanted = max(asked_mm(plan, reference, storage.board), storage.counted_mm)
    else:
        wanted = storage.built_mm + storage.counted_mm
    most = registry.burden_rules().constants["berging_hoogstens_mm"] * (1 - plan.value("verhardingsgraad"))
    return min(wanted + storage.beside_mm, most)


def norm_mm(plan: Functie, reference: Functie, storage: Storage) -> float:
    """Return the storm that a plan has to keep [mm over what is paved more]."""
    if storage.norm_mm is not None:
        return storage.norm_mm
    return max(plan.value("bergingseis_mm"), reference.value("bergingseis_mm"))


def task_m3_ha(plan: Functie, reference: Functie, storage: Storage) -> float:
    """Return the rain of that storm on the paving that a plan adds [m3/ha of the plan]."""
    paving = plan.value("verhardingsgraad") - reference.value("verhardingsgraad")
    return MM_TO_M3_HA * norm_mm(plan, reference, storage) * paving


def cost_rates(plan: Functie) -> dict[str, float]:
    """Return what others pay a year and a hectare: per m of settlement, per m3 of water, per mm of demand [EUR]."""
    k = registry.burden_rules().constants
    return {
        "zetting": k["zetting_kosten_eur"] * plan.value("verhardingsgraad") / k["zetting_kosten_m"],
        "water": k["water_kosten_eur_m3"],
        "watervraag": MM_TO_M3_HA * k["watervraag_kosten_eur_m3"],
    }


def changes_of(plan: Functie, reference: Functie, storage: Storage, doubted: bool = True) -> tuple[np.void, np.void]:
    """Return what a plan changes against a reference, as the numbers the kernel needs: with built storage and without.

    Parameters
    ----------
    plan, reference : Functie
    storage : Storage
    doubted : bool
        Whether the reference is unknown where it is implausible: one for all cells is, one that was mapped is not.
    """
    numbers = _numbers(plan, reference, storage, doubted)
    built = built_mm(plan, reference, storage)
    spare = max(0.0, built - asked_mm(plan, reference, storage.board))
    return _change(numbers, plan, built, spare), _change(numbers, plan, 0.0, 0.0)


def _numbers(plan: Functie, reference: Functie, storage: Storage, doubted: bool) -> dict[str, Any]:
    """Numbers of a plan whatever storage it builds."""
    k = registry.burden_rules().constants
    return {
        "same": plan == reference,
        "believed_from": np.float32(believed_from(reference)) if doubted else np.float32(-np.inf),
        "abstracts": abstracts_more(plan, reference),
        "demand": plan.value("watervraag_mm_jr") - reference.value("watervraag_mm_jr"),
        "drought_full": k["droogte_vol_pct"],
        "could": _could(plan, reference, k["marge"]),
        **_water(plan, reference, storage),
        **_drainage(plan, reference, asked_depth(plan, storage.board)),
        **_level(plan, reference),
        **_recharge(plan, reference),
        **_soil(plan, reference),
        **_judgement(plan),
    }


def _change(numbers: Mapping[str, Any], plan: Functie, built: float, spare: float) -> np.void:
    """Return the record of a plan that builds so much storage [mm], of which so much no board asks."""
    built, spare, margin = MM_TO_M3_HA * built, MM_TO_M3_HA * spare, numbers["margin"]
    could = {**numbers["could"], "afvoer": numbers["task"] - built > margin}
    flags = {"could": _flags(could), "could_cost": _flags(_could_cost(plan, could, margin))}
    return record_of(CHANGE, **{**numbers, **flags, "built": built, "spare": spare})


def _water(plan: Functie, reference: Functie, storage: Storage) -> dict[str, float]:
    """Numbers of afvoer and verdrongen berging."""
    k, f, r = registry.burden_rules().constants, plan.value, reference.value
    per_metre = M2_PER_HA * k["porositeit"]
    return {
        "task": task_m3_ha(plan, reference, storage),
        "no_task": k["marge_m3_ha"],
        "own_rain": MM_TO_M3_HA * norm_mm(plan, reference, storage) * (1 - f("verhardingsgraad")),
        "room": per_metre * f("bodemberging_factor") * (1 - f("verhardingsgraad")),
        "room_depth": k["bergingsdiepte_max_m"],
        "kwel_full": k["kwel_zonder_berging_mm_d"],
        "own_water": k["eigen_regen_m"],
        "raised_f": M2_PER_HA * f("opgehoogd_aandeel"),
        "raised_r": M2_PER_HA * r("opgehoogd_aandeel"),
        "raise_f": f("ophoging_m"),
        "raise_r": r("ophoging_m"),
        "storage": M2_PER_HA * (r("berging_m") - f("berging_m")),
        "pores": per_metre,
    }


def _drainage(plan: Functie, reference: Functie, depth: float) -> dict[str, Any]:
    """Numbers of drains: those that a plan lays for its soil, and those of both in every part."""
    new, parts = drains_of(plan, depth), np.array(laid_parts(plan, reference, depth)).T
    return {
        "raised": new.share,
        "drain_raised": new.raised,
        "drain_green": new.green,
        "parts": parts.shape[1],
        "share": parts[0],
        "drain_f": parts[1],
        "drain_r": parts[2],
        "kwel_drains": registry.burden_rules().constants["kwel_ontwatering_m"],
    }


def _level(plan: Functie, reference: Functie) -> dict[str, Any]:
    """Numbers of a level that the plan keeps."""
    k, level = registry.burden_rules().constants, plan.value("streefpeil_m")
    return {
        "rewets": not math.isnan(level),
        "holds": reference.value("streefpeil_m") <= level + k["marge"],
        "wet_ghg": np.float32(k["nat_ghg_m"]),
        "wet_rise": k["nat_stijging_m"],
        **rewetting_of(plan)._asdict(),
    }


def _recharge(plan: Functie, reference: Functie) -> dict[str, float]:
    """Numbers of aanvullingsverlies."""
    k, f, r = registry.burden_rules().constants, plan.value, reference.value
    paving = (f("verhardingsgraad") - r("verhardingsgraad")) / k["verharding_zonder_infiltratie"]
    return {
        "recharge": r("grondwateraanvulling_mm_jr") - f("grondwateraanvulling_mm_jr"),
        "soaks": min(max(paving, 0.0), 1.0),
        "leak_top": k["wegzijging_top_mm_d"],
    }


def _soil(plan: Functie, reference: Functie) -> dict[str, float]:
    """Numbers of zetting and veenoxidatie."""
    k = registry.burden_rules().constants
    return {
        "fill_f": raised_height(plan),
        "fill_r": raised_height(reference),
        "load_f": _load(plan) / k["zand_kn_m3"],
        "load_r": _load(reference) / k["zand_kn_m3"],
        "softness_max": k["zetting_max_m_m"],
        "peat_full": k["veen_dun_m"],
        "peat_fringe": k["veen_capillair_m"],
        "peat_slope": k["veen_helling_mm_jr_m"],
        "peat_base": k["veen_afslag_mm_jr"],
        "peat_deep_f": plan.value("glg_verhouding"),
        "peat_deep_r": reference.value("glg_verhouding"),
        "peat_norm": k["veen_glg_verhouding"],
    }


def _load(functie: Functie) -> float:
    """Return the unit weight of the fill, as far as it settles after delivery [kN/m3]."""
    return functie.value("vulling_kn_m3") * functie.value("restzetting_aandeel")


def _judgement(plan: Functie) -> dict[str, Any]:
    """Numbers that turn components into shares and money."""
    rules, rates = registry.burden_rules(), cost_rates(plan)
    k = rules.constants
    return {
        "lasting": 1 - plan.value("omkeerbaarheid"),
        "cost_settling": rates["zetting"],
        "cost_water": rates["water"],
        "cost_demand": rates["watervraag"],
        "show_from": k["toon_vanaf"],
        "margin": k["marge"],
        "anchor": np.array([c.anker for c in rules.components], dtype=np.float64),
    }


def _could(plan: Functie, reference: Functie, margin: float) -> dict[str, bool]:
    """Tell which components could be a burden whatever layers hold; cells tell of kwelafvoer and aanvullingsverlies."""
    f, r = plan.value, reference.value
    shared = min(f("ophoging_m"), r("ophoging_m"))
    water = max(0.0, raised_height(plan) - r("opgehoogd_aandeel") * shared) + r("berging_m") - f("berging_m")
    if not math.isnan(f("streefpeil_m")):
        water += registry.burden_rules().constants["porositeit"] * f("rijzing_hoogstens_m")
    return {
        "verdrongen_berging": water > margin,
        "grondwaterverlaging": abstracts_more(plan, reference),
        "watervraag": f("watervraag_mm_jr") - r("watervraag_mm_jr") > margin,
        "zetting": settles_more(plan, reference),
    }


def abstracts_more(plan: Functie, reference: Functie) -> bool:
    """Tell whether a plan takes groundwater that the present use leaves: a test of its own tells how far."""
    more = plan.value("onttrekking") - reference.value("onttrekking")
    return more > registry.burden_rules().constants["marge"]


def settles_more(plan: Functie, reference: Functie) -> bool:
    """Tell whether settlement could be a burden: more fill than the present use has, or heavier."""
    fill, margin = raised_height(plan), registry.burden_rules().constants["marge"]
    heavier = fill > margin and _load(plan) - _load(reference) > margin
    return fill - raised_height(reference) > margin or heavier


def _could_cost(plan: Functie, could: Mapping[str, bool], margin: float) -> dict[str, bool]:
    """Tell which terms of kosten could be a burden."""
    terms = {name: could[name] for name in ("afvoer", "verdrongen_berging", "watervraag")}
    return {**terms, "zetting": could["zetting"] and plan.value("verhardingsgraad") > margin}


def _flags(could: Mapping[str, bool]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([could.get(c.id, False) for c in registry.burden_rules().components])
