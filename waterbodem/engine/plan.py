"""What a plan changes against its reference, and what is agreed beside it, as numbers: rekenregels section 5."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Storage
from waterbodem.kernels._compile.records import record_of
from waterbodem.kernels.components import CHANGE

MM_TO_M3_HA = 10.0
M2_PER_HA = 1e4


def drains(functie: Functie) -> float:
    """Return how deep new drains lie below the original maaiveld [m]; raising replaces them."""
    return max(0.0, functie.value("ontwatering_m") - functie.value("ophoging_m"))


def effective_drains(plan: Functie, reference: Functie) -> float:
    """Return the drainage depth with the plan [m]: raising does not lift the drains that lie there."""
    return max(drains(plan), min(drains(reference), plan.value("ontwatering_m")))


def _peat_loss(depth: float, years: float, k: Mapping[str, float]) -> float:
    rate = k["veen_helling_mm_jr_m"] * k["veen_glg_factor"] * depth - k["veen_afslag_mm_jr"]
    return 0.001 * max(0.0, rate) * min(years, k["veen_jaren_max"])


def _target(functie: Functie) -> float:
    level = functie.value("streefpeil_m")
    return math.inf if math.isnan(level) else level


def _could(f: Functie, r: Functie, kwel_share: float, norm: float, margin: float) -> list[bool]:
    """Tell per component whether it could be a burden, whatever the layers hold."""
    more = {name: f.value(name) - r.value(name) > margin for name in f.parameters if name in r.parameters}
    fill = raised_height(f) - raised_height(r) > margin
    spread = more["opgehoogd_aandeel"] and f.value("ophoging_m") > 0
    less_storage = r.value("berging_m") - f.value("berging_m") > margin
    less_recharge = r.value("grondwateraanvulling_mm_jr") - f.value("grondwateraanvulling_mm_jr") > margin
    return [
        more["verhardingsgraad"] and norm > margin,
        fill or spread or less_storage,
        more["onttrekking"],
        kwel_share > margin,
        less_recharge,
        more["watervraag_mm_jr"],
        fill,
        False,
        False,
        False,
    ]


def raised_height(functie: Functie) -> float:
    """Return the height of the raising, mean over the plan [m]."""
    return functie.value("opgehoogd_aandeel") * functie.value("ophoging_m")


def change_of(plan: Functie, reference: Functie, storage: Storage) -> np.void:
    """Return what a plan changes against a reference, as the numbers the kernel needs."""
    rules = registry.burden_rules()
    k, f, r = rules.constants, plan.value, reference.value
    norm = max(f("bergingseis_mm"), r("bergingseis_mm")) if storage.norm_mm is None else storage.norm_mm
    task = MM_TO_M3_HA * norm * (f("verhardingsgraad") - r("verhardingsgraad"))
    deep_f, deep_r = effective_drains(plan, reference), drains(reference)
    kwel_share = min(1, deep_f / k["kwel_ontwatering_m"]) - min(1, deep_r / k["kwel_ontwatering_m"])
    recharge = r("grondwateraanvulling_mm_jr") - f("grondwateraanvulling_mm_jr")
    return record_of(
        CHANGE,
        task=task,
        room=M2_PER_HA * k["porositeit"] * (1 - f("verhardingsgraad")),
        room_depth=k["bergingsdiepte_max_m"],
        drain_new=drains(plan),
        kwel_full=k["kwel_zonder_berging_mm_d"],
        built=MM_TO_M3_HA * storage.built_mm,
        raised_f=M2_PER_HA * f("opgehoogd_aandeel"),
        raised_r=M2_PER_HA * r("opgehoogd_aandeel"),
        raise_f=f("ophoging_m"),
        raise_r=r("ophoging_m"),
        storage=M2_PER_HA * (r("berging_m") - f("berging_m")),
        drain_f=deep_f,
        drain_r=deep_r,
        target_f=_target(plan),
        target_r=_target(reference),
        rise_max=k["stijging_max_m"],
        abstracts=f("onttrekking") > r("onttrekking"),
        kwel_days=365 * kwel_share,
        recharge=recharge,
        soaks=recharge > 0 and task > 0,
        kwel_top=k["kwel_infiltratie_mm_d"],
        kwel_width=k["kwel_infiltratie_breedte_mm_d"],
        demand=f("watervraag_mm_jr") - r("watervraag_mm_jr"),
        drought_full=k["droogte_vol_pct"],
        fill=raised_height(plan) - raised_height(reference),
        softness_max=k["zetting_max_m_m"],
        peat_f=_peat_loss(deep_f, f("levensduur_jr"), k),
        peat_r=_peat_loss(deep_r, f("levensduur_jr"), k),
        lasting=1 - f("omkeerbaarheid"),
        cost_settling=k["zetting_kosten_eur"] * f("verhardingsgraad") / k["zetting_kosten_m"],
        cost_water=k["water_kosten_eur_m3"],
        cost_demand=MM_TO_M3_HA * k["watervraag_kosten_eur_m3"],
        show_from=k["toon_vanaf"],
        margin=k["marge"],
        could=np.array(_could(plan, reference, kwel_share, norm, k["marge"])),
        anchor=np.array([c.anker for c in rules.components], dtype=np.float64),
    )
