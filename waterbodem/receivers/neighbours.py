"""Who lies beside a plan that raises the groundwater: the strip that becomes wetter (rekenregels sections 6 and 8)."""

from __future__ import annotations

import numpy as np

from waterbodem.definitions.kompas_rules import Neighbours
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import USE
from waterbodem.definitions.registry import noise
from waterbodem.engine.kompas import Strip
from waterbodem.engine.rewetting import rewets
from waterbodem.receivers.groundwater import spread
from waterbodem.receivers.land import Land
from waterbodem.receivers.reach import Ground
from waterbodem.receivers.released import PlanLand


def strip_of(land: Land, ground: Ground, plot: PlanLand | None, functie: Functie, rules: Neighbours) -> Strip:
    """Return what lies where the land around one plan, by itself, rises by as much as the rules name.

    Parameters
    ----------
    land : Land
    ground : Ground
        Of that land.
    plot : Plot or None
        The plan; None: it lies wholly outside the data.
    functie : Functie
    rules : Neighbours
    """
    source = plot.source(functie) if plot is not None and rewets(functie) else None
    if source is None or not (source.head < 0).any():
        return Strip(0.0, float(USE not in land), 0.0)
    effect = spread(source.head, source.grid, land.grid, ground, source.plan)
    wetter = ~effect.own & (effect.verlaging <= noise() - rules.rise_m)
    if USE not in land:
        return Strip(0.0, 1.0, effect.natter_tot_m)
    codes = land.read(effect.grid, [USE])[USE][wetter] if wetter.any() else np.empty(0)
    return Strip(float(np.isin(codes, rules.gebruik).any()), float(np.isnan(codes).any()), effect.natter_tot_m)
