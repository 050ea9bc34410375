"""What a planner is told of packages of measures, in a sentence: keuze 5 to 7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waterbodem.definitions.labels import name_of, risk_class, texts
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.notation import localised
from waterbodem.definitions.registry import answer_scale
from waterbodem.measures.standing import PERCENT, Standing, whole


@dataclass(frozen=True)
class Told:
    """A package as it is told.

    Parameters
    ----------
    place, neighbours : tuple of Maatregel
    before, after : Standing
    room : float
        Share of the plan that it takes.
    doubts : tuple of str
        Groups whose error can take it away.
    numbers : tuple of float
        Height of the raising after the package [m], and hectares that stay free.
    swap : str
        Id of another functie; empty if there is none.
    """

    place: tuple[Maatregel, ...]
    neighbours: tuple[Maatregel, ...]
    before: Standing
    after: Standing
    room: float
    doubts: tuple[str, ...]
    numbers: tuple[float, float]
    swap: str = ""


def sentence(told: Told, taal: str) -> str:
    """Return what a package does, in one sentence: for the place, for the neighbours, and what is left."""
    words = measure_rules().zin[taal]
    lifts = told.after.rank < told.before.rank
    end = words["twijfel"].format(groepen=listed_groups(told.doubts, taal)) if told.doubts else ""
    return (_better(told, taal) if lifts else _lighter(told, taal)) + end


def _better(told: Told, taal: str) -> str:
    words = measure_rules().zin[taal]
    what = _clauses(told.place, told, taal)
    if told.neighbours:
        beside = _clauses(told.neighbours, told, taal)
        what += words["en_voor_de_buren"].format(wat=beside) if what else beside
    opening = words["tenzij" if told.after.unless else "ja"].format(mits=_condition(told, taal), wat=what)
    after = words["dan"].format(klasse=klasse_name(told.after.klasse, taal), risico=_risk_and_cause(told, taal))
    return opening + _room(told, taal) + after


def _lighter(told: Told, taal: str) -> str:
    words = measure_rules().zin[taal]
    what = _clauses((*told.place, *told.neighbours), told, taal)
    opening = words["voor_de_buren"].format(mits=_condition(told, taal), wat=what)
    before, after = risk_name(told.before.risico, taal), risk_name(told.after.risico, taal)
    falls = words["daalt_binnen" if before == after else "daalt"].format(voor=before, na=after)
    stays = words["blijft"].format(klasse=klasse_name(told.before.klasse, taal))
    return opening + _room(told, taal) + stays + falls + _cause(told, taal)


def _condition(told: Told, taal: str) -> str:
    others = any(m.hangt_af_van for m in (*told.place, *told.neighbours))
    return measure_rules().zin[taal]["als" if others else "mits"]


def _clauses(measures: Sequence[Maatregel], told: Told, taal: str) -> str:
    return measure_rules().zin[taal]["en"].join(_clause(m, told, taal) for m in measures)


def _clause(measure: Maatregel, told: Told, taal: str) -> str:
    """Return the clause of one measure; without sand where the package raises nothing."""
    raised, free = told.numbers
    tail = "" if taal == "nl" else "_en"
    without_sand = getattr(measure, f"zin_zonder_zand{tail}") if raised == 0 else ""
    text: str = without_sand or getattr(measure, f"zin{tail}") or measure.zin
    numbers = {"ophoging": localised(f"{raised:.1f}", taal), "ha": localised(f"{free:.1f}", taal)}
    return text.format(functie=functie_name(told.swap, taal) if told.swap else "", **numbers)


def _room(told: Told, taal: str) -> str:
    percent = whole(PERCENT * told.room)
    return measure_rules().zin[taal]["ruimte"].format(ruimte=percent) if told.room > 0 else ""


def _risk_and_cause(told: Told, taal: str) -> str:
    return risk_name(told.after.risico, taal) + _cause(told, taal)


def _cause(told: Told, taal: str) -> str:
    """Return the cause in brackets; none of a burden of the least class, nor where none is known."""
    if told.after.risk == 0 or not told.after.oorzaak:
        return ""
    name = measure_rules().oorzaaknamen[told.after.oorzaak][taal]
    return measure_rules().zin[taal]["oorzaak"].format(oorzaak=name)


def headline(before: Standing, first: str, doubts: Sequence[str] | None, due_to: Sequence[str], taal: str) -> str:
    """Return what is said of a plan first.

    Parameters
    ----------
    before : Standing
        As it is.
    first : str
        Sentence of the first package that lifts the class without doubt; empty if there is none.
    doubts : sequence of str, optional
        Groups that the first package that lifts the class depends on; None: none lifts it.
    due_to : sequence of str
        Layers that the answer is due to.
    taal : str
    """
    words, name = measure_rules().zin[taal], klasse_name(before.klasse, taal)
    if not before.antwoord or first:
        return first or name
    if doubts is not None:
        return words["kop_twijfel"].format(klasse=name, groepen=listed_groups(doubts, taal))
    if before.antwoord == min(code for code in answer_scale() if code):
        return words["kop_ja"]
    layers = [measure_rules().laagnamen[n][taal] for n in due_to]
    because = words["ligt_aan"].format(lagen=listed(layers, taal)) if layers else ""
    return words["kop_nee" if before.is_no else "kop_geen"].format(klasse=name) + because


def fits(functies: Sequence[str], taal: str) -> str:
    """Return which other functies fit a place; empty if there is none."""
    names = measure_rules().zin[taal]["komma"].join(functie_name(f, taal) for f in functies)
    return measure_rules().zin[taal]["past_wel"].format(functies=names) if functies else ""


def listed(names: Sequence[str], taal: str) -> str:
    """Return names in a sentence.

    Examples
    --------
    >>> listed(["het veen", "de kwel", "de droogte"], "nl")
    'het veen, de kwel en de droogte'
    """
    words = measure_rules().zin[taal]
    *most, last = names or [""]
    return words["komma"].join(most) + (words["en"] if most else "") + last


def listed_groups(groups: Sequence[str], taal: str) -> str:
    """Return groups of layers in a sentence."""
    return listed([measure_rules().groepnamen[g][taal] for g in groups], taal)


def klasse_name(code: int, taal: str) -> str:
    """Return the name of a class in a sentence."""
    return measure_rules().klassenamen[answer_scale()[code].letter][taal]


def functie_name(functie: str, taal: str) -> str:
    """Return the name of a functie in a sentence."""
    known = measure_rules().functienamen
    return known[functie][taal] if functie in known else functie


def risk_name(risico: float, taal: str) -> str:
    """Return the name of a risk class.

    Examples
    --------
    >>> risk_name(0.5, "nl"), risk_name(0.5, "en")
    ('verhoogd', 'raised')
    """
    found = risk_class(risico)
    return str(texts(taal)["onbekend"]) if found is None else name_of(found, taal)
