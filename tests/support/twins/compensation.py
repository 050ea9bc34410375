"""Sections 5 and 9: the storage that is asked and built, and what a water board sets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.support.twins.functie import parameter, with_parameters
from tests.support.twins.numbers import COARSE_NOISE, NOISE, at_least

ROOM_MM = 400.0
LEVEL_RISE_M = 0.40


def norm_mm(board):
    """Eis of a board in mm over new paving."""
    if "eis_mm" in board:
        return board["eis_mm"]
    return 1000 * board["eis_aandeel"] * board["peilstijging_m"]


def of_board(functie, board):
    """The functie with the ontwatering that the board asks of it."""
    asked = (board or {}).get("ontwatering_m", {}).get(functie["id"])
    return functie if asked is None else with_parameters(functie, ontwatering_m=asked)


def plan_of(functie, parameters=None, board=None):
    """The functie as planned: a parameter of the caller goes before the board's, the board's before its own."""
    return with_parameters(of_board(functie, board), **(parameters or {}))


@dataclass(frozen=True)
class PlanSize:
    """Size of a whole plan, for the limits of a board; a grid without polygons has none."""

    hectares: float = math.nan
    new_paving_m2: float = math.nan


def board_computes(board, plan):
    """Whether the plan is larger than the rule of the board holds for."""
    return board is not None and plan.hectares - NOISE > board.get("tot_ha", math.inf)


def new_paving(f, r):
    return max(0.0, parameter(f, "verhardingsgraad") - parameter(r, "verhardingsgraad"))


def asked_mm(f, r, board=None, plan=None):
    """A_gevraagd: storage that the board asks, in mm over the whole plan."""
    if board is None:
        return 0.0
    plan = plan or PlanSize()
    small = not math.isnan(plan.new_paving_m2) and not at_least(plan.new_paving_m2, board.get("vanaf_m2", 0))
    return 0.0 if small or board_computes(board, plan) else norm_mm(board) * new_paving(f, r)


def built_mm(f, asked, given=None):
    """A: built storage in mm, at most what there is room for."""
    return min(asked if given is None else given, ROOM_MM * (1 - parameter(f, "verhardingsgraad")))


def room(asked, board=None):
    """Room of the task as a share of the plan."""
    return asked / (1000 * ((board or {}).get("peilstijging_m") or LEVEL_RISE_M))


def told_without(built, afvoer):
    """Whether the answer says that without compensation the plan is not neutral to water."""
    return built <= NOISE and afvoer > COARSE_NOISE
