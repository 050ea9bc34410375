"""The numbers of a functie for rewetting: rekenregels section 2."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie
from waterbodem.kernels.levels import GHG, GROUND, LEVELS
from waterbodem.kernels.rewetting import Rewetting, rise_of

#: Layers that the rise itself depends on.
CAUSES = (LEVELS[GHG], *GROUND)


def rewetting_of(functie: Functie) -> Rewetting:
    """Return what the kernels need to raise the groundwater as a functie does."""
    rules = registry.rewetting_rules()
    return Rewetting(
        target=functie.value("streefpeil_m"),
        rise_most=functie.value("rijzing_hoogstens_m"),
        too_deep=rules.te_diep_m,
        fade=rules.overgang_m,
        keileem_holds=np.float32(rules.keileem_m),
        peat_holds=np.float32(rules.veen_m),
        leak=rules.lek_mm_d,
        leak_fade=rules.lek_overgang_mm_d,
    )


def rewets(functie: Functie) -> bool:
    """Tell whether a functie raises the groundwater."""
    return not math.isnan(functie.value("streefpeil_m"))


def rewetted(functie: Functie, values: Mapping[str, np.float32]) -> dict[str, np.float32]:
    """Return the values of one cell in the state that a functie makes itself."""
    ghg, keileem, veen, kwel = (values.get(n, np.float32(math.nan)) for n in CAUSES)
    rise, _ = rise_of(float(ghg), keileem, veen, float(kwel), rewetting_of(functie))
    return {n: np.float32(float(v) - rise) if n in LEVELS else v for n, v in values.items()}
