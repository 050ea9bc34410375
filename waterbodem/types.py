"""Every type that public functions take or return, for annotations; loading it loads what they are made of.

Examples
--------
>>> import waterbodem as wb
>>> def dry(answer: wb.Assessment, receivers: wb.types.Ledger) -> bool: ...
"""

from __future__ import annotations

from waterbodem.answers.answer import Answer
from waterbodem.answers.question import Plans
from waterbodem.assessment.assessment import Assessment, AssessSettings
from waterbodem.assessment.comparison import Comparison
from waterbodem.assessment.differences import Difference
from waterbodem.assessment.live import LiveMap
from waterbodem.assessment.mits import Mits
from waterbodem.batch.outputs import Outcome
from waterbodem.batch.state import RunState
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import Digest
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.boards import Board, Boards
from waterbodem.definitions.kinds import Lagen
from waterbodem.definitions.kompas_rules import KompasRules
from waterbodem.definitions.measures.catalogue import Maatregelen
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.models import Criterion, Functie, LayerKind
from waterbodem.definitions.receiving import Reach
from waterbodem.definitions.registry import Functies
from waterbodem.doubt.gevoeligheid import Gevoeligheid
from waterbodem.engine.explanation import Explanation
from waterbodem.receivers.flow import Flow
from waterbodem.receivers.land import Land
from waterbodem.receivers.ledger import Ledger
from waterbodem.views.pace import Progress
from waterbodem.views.webmap.page import MapPage

__all__ = [
    "Answer",
    "AssessSettings",
    "Assessment",
    "Board",
    "Boards",
    "Comparison",
    "Criterion",
    "Difference",
    "Digest",
    "Explanation",
    "Flow",
    "Functie",
    "Functies",
    "Gevoeligheid",
    "Grid",
    "KompasRules",
    "Lagen",
    "Land",
    "LayerKind",
    "Ledger",
    "LiveMap",
    "Maatregel",
    "Maatregelen",
    "MapPage",
    "Mits",
    "Outcome",
    "Plans",
    "Progress",
    "Reach",
    "RunState",
    "Well",
]
