"""What is said of an answer of an earlier edition of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waterbodem.definitions.editions import EDITION
from waterbodem.definitions.labels import name_of, reference_text, short_name, texts
from waterbodem.definitions.models import Functie
from waterbodem.definitions.present_use import assumed

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Letters of a version that anyone may have written.
LENGTH = 40


def edition_text(assessment: Answer, taal: str = "nl") -> str:
    """Return which earlier edition made an answer, and what that means for its reader; empty if none did."""
    made, t = assessment.making, texts(taal)["editie"]
    if not made.is_earlier:
        return ""
    versions = {"bibliotheek": short_name(made.library, LENGTH), "regels": short_name(made.rules, LENGTH)}
    return str(t["eerder"]).format(nr=made.edition, nu=EDITION, **versions)


def compared_text(assessment: Answer, taal: str) -> str:
    """Return what an answer is compared with; an earlier edition did not keep whether its default was given."""
    q = assessment.question
    use = q.settings.reference
    if assessment.making.is_earlier and isinstance(use, Functie) and use.id == assumed().id:
        return str(texts(taal)["editie"]["vergeleken"]).format(naam=name_of(use, taal))
    return reference_text(use, q.cells.present, taal)


def remake_text(assessment: Answer, taal: str) -> str:
    """Return what the command under an answer gives."""
    t = texts(taal)
    if assessment.making.is_earlier:
        return str(t["editie"]["opnieuw"]).format(nr=assessment.making.edition, nu=EDITION)
    return str(t["rapport"]["opnieuw_uitleg"])
