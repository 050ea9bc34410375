"""Rows of the table of measures: a row per package of one plan and one functie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from waterbodem.definitions.labels import brief_number
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.registry import answer_scale
from waterbodem.measures.choice import Candidate, Numbers
from waterbodem.measures.neighbours import Neighbours
from waterbodem.measures.pareto import undominated
from waterbodem.measures.price import investment, months, step, without_land
from waterbodem.measures.search import USUAL, Search
from waterbodem.measures.standing import PERCENT, Standing

#: Columns, in order.
COLUMNS = (
    *("gebied", "functie", "maatregelen", "antwoord", "antwoord_na", "score", "score_na", "risico", "risico_na"),
    *("risico_zonder_compensatie_na", "grootste_aandeel", "grootste_aandeel_na", "water_m3_ha", "water_m3_ha_na"),
    *("gevraagd_mm", "aangelegde_berging_mm", "klasse_tenzij", "trede", "ruimte", "taak_aandeel", "plek", "buren"),
    *("hangt_af_van", "zonder_grond", "antwoord_laag_na", "antwoord_hoog_na", "twijfel", "getoond", "zin"),
    *("investering_laag", "investering_hoog", "maanden_laag", "maanden_hoog", "ontvangen_m3_na"),
    *("verlaging_buren_cm_na", "pareto", "begrenst", "reden", "ook_nodig", "vernatting_buren_cm_na", "nr"),
)
#: Columns of text; empty where there is none.
TEXTS = (
    *("gebied", "functie", "maatregelen", "antwoord", "antwoord_na", "klasse_tenzij", "plek", "buren"),
    *("hangt_af_van", "ook_nodig", "antwoord_laag_na", "antwoord_hoog_na", "twijfel", "zin", "begrenst", "reden"),
)
#: Columns of whole numbers that may be empty.
WHOLE = ("trede", "getoond", "maanden_laag", "maanden_hoog")
#: Takes numbers of measures, gives what they do to the neighbours.
Around = Callable[[Numbers], Neighbours]
JOIN, LIST = "+", ", "


def rows_of(search: Search, around: Around, taal: str) -> list[dict[str, Any]]:
    """Return the rows of a plan and functie: as it is, the usual design, other packages, and what cannot be taken."""
    packages = _ordered(search)
    best = undominated(np.array([_point(search, p) for p in packages], np.float64).reshape(-1, 3))
    shown = {c.numbers: (k, c) for k, c in enumerate(search.shown, start=1)}
    pool = {c.numbers: c for c in search.choice.pool} if search.before.antwoord else {}
    start = _before(search)
    rows = [
        {
            **start,
            **_after(search, p),
            **_halves(search, pool.get(p)),
            **(_held(search, p) if p in shown or (search.before.antwoord and not p) else {}),
            **(_shown(search, *shown[p], around(p), taal) if p in shown else {}),
            "pareto": bool(good),
        }
        for p, good in zip(packages, best, strict=True)
    ]
    return [*rows, *({**start, **row} for row in _impossible(search))]


def _ordered(search: Search) -> list[Numbers]:
    """Return as it is, the usual design, and then all other packages."""
    usual = [(i,) for i, m in enumerate(search.measures) if m.id == USUAL and search.goes((i,))]
    return list(dict.fromkeys([(), *usual, *search.packages]))


def _point(search: Search, numbers: Numbers) -> tuple[float, float, float]:
    standing = search.standing(numbers)
    return standing.antwoord or np.nan, standing.aandeel, investment(search.terrain(numbers), numbers)[1]


def _letter(code: int) -> str:
    return answer_scale()[code].letter


def _before(search: Search) -> dict[str, Any]:
    s = search.before
    return {
        "functie": search.ask.functie.id,
        "antwoord": _letter(s.antwoord),
        "score": s.score,
        "risico": s.risico,
        "grootste_aandeel": s.aandeel,
        "water_m3_ha": s.water,
        "begrenst": search.limiting if s.antwoord else "",
    }


def _after(search: Search, numbers: Numbers) -> dict[str, Any]:
    terrain, s = search.terrain(numbers), search.standing(numbers)
    low, high = investment(terrain, numbers)
    first, last = months(terrain, numbers)
    measures = [search.measures[i] for i in numbers]
    return {
        "maatregelen": JOIN.join(m.id for m in measures),
        **_standing(s),
        "trede": step(terrain, numbers),
        "ruimte": terrain.design(numbers).room,
        "hangt_af_van": LIST.join(_each(m.hangt_af_van for m in measures)),
        "ook_nodig": "; ".join(_each(_needs(search, i, numbers) for i in numbers)),
        "zonder_grond": without_land(terrain, numbers),
        "investering_laag": low,
        "investering_hoog": high,
        "maanden_laag": first,
        "maanden_hoog": last,
    }


def _standing(s: Standing) -> dict[str, Any]:
    return {
        "antwoord_na": _letter(s.antwoord),
        "score_na": s.score,
        "risico_na": s.risico,
        "risico_zonder_compensatie_na": s.zonder,
        "grootste_aandeel_na": s.aandeel,
        "water_m3_ha_na": s.water,
        "gevraagd_mm": s.gevraagd,
        "aangelegde_berging_mm": s.gebouwd,
        "klasse_tenzij": _letter(s.tenzij) if s.tenzij else "",
        "taak_aandeel": s.taak,
    }


def _each(lists: Iterable[Iterable[str]]) -> list[str]:
    """Return every text once."""
    return list(dict.fromkeys(text for some in lists for text in some))


def _needs(search: Search, number: int, numbers: Numbers) -> Iterator[str]:
    """Yield what a measure needs that no layer holds, what was not held against it, and on how much it can be taken."""
    measure, terrain = search.measures[number], search.terrain(numbers)
    words, where = measure_rules().zin["nl"], terrain.where[number]
    yield from measure.ook_nodig
    yield from (words["niet_getoetst"].format(laag=layer) for layer in where.untested)
    if measure.waar_aandeel is not None and where.possible < 1:
        ha, all_ = (brief_number(v * terrain.whole.area_ha) for v in (where.possible, 1.0))
        yield words["alleen_op"].format(maatregel=measure.id, ha=ha, totaal=all_)


def _halves(search: Search, candidate: Candidate | None) -> dict[str, str]:
    if candidate is None:
        return {"plek": "", "buren": ""}
    place, beside = search.choice.halves(candidate)
    return {"plek": _ids(search, place), "buren": _ids(search, beside)}


def _ids(search: Search, numbers: Sequence[int]) -> str:
    return JOIN.join(search.measures[i].id for i in numbers)


def _held(search: Search, numbers: Numbers) -> dict[str, str]:
    """Return the range of the answer with a package."""
    hold = search.hold(numbers)
    low, high = _letter(hold.low), _letter(hold.high)
    return {"antwoord_laag_na": low, "antwoord_hoog_na": high, "twijfel": LIST.join(hold.doubts)}


def _shown(search: Search, place: int, candidate: Candidate, found: Neighbours, taal: str) -> dict[str, Any]:
    return {
        "getoond": place,
        "zin": search.sentence(candidate, taal),
        "ontvangen_m3_na": found.received,
        "verlaging_buren_cm_na": found.lowering,
        "vernatting_buren_cm_na": found.rise,
    }


def _impossible(search: Search) -> Iterator[Mapping[str, Any]]:
    """Yield the measures that are off or cannot be taken here, and packages that cannot be, each with the reason."""
    if not search.before.antwoord:
        return
    numbers = {m.id: i for i, m in enumerate(search.measures)}
    asked = [m for m in (*search.known, *search.strange) if search.may_take(m)]
    reasons = ((m.id, m.trede, _reason(search, m, numbers.get(m.id))) for m in asked)
    for ids, trede, reason in chain(reasons, _refused(search)):
        if reason:
            yield {"maatregelen": ids, "trede": trede, "pareto": False, "reden": reason}


def _reason(search: Search, measure: Maatregel, number: int | None) -> str:
    """Return why a measure is not offered; empty where it is, or where that is not known."""
    if not measure.aan:
        return measure.reden
    if number is None:
        return _cannot("functie")
    refused = search.refused((number,))
    if refused or search.offered(number) or measure.id == USUAL or search.where[number].doubtful:
        return refused and _cannot(refused)
    return _cannot(search.where[number].failing or _too_few_or_too_many(search, measure))


def _too_few_or_too_many(search: Search, measure: Maatregel) -> str:
    """Return why no hectares are left free."""
    rule = measure.gebied_zonder
    if rule is None:
        return ""
    low, high = (brief_number(PERCENT * share) for share in rule.aandeel)
    what = f"risico >= {brief_number(rule.risico_vanaf)}" if search.free_by_risk else rule.klasse
    return measure_rules().zin["nl"]["geen_vrij"].format(van=low, tot=high, wat=what)


def _refused(search: Search) -> Iterator[tuple[str, int, str]]:
    """Yield packages of named measures that contradict themselves, though all that is in them does not."""
    for numbers in search.contradictions:
        ids = JOIN.join(search.measures[i].id for i in numbers)
        yield ids, step(search.whole, numbers), _cannot(search.refused(numbers))


def _cannot(why: str) -> str:
    return measure_rules().zin["nl"]["kan_niet"].format(waar=why)


def unknown_rows(search: Search) -> Iterator[dict[str, Any]]:
    """Yield the measures of which it is unknown whether they can be taken, with the layers that are missing."""
    for measure, where in zip(search.measures, search.where, strict=True):
        if where.doubtful and search.may_take(measure):
            yield {
                "functie": search.ask.functie.id,
                "maatregel": measure.id,
                "laag": where.unknown,
                "aandeel_kan": where.possible,
                "aandeel_onbekend": where.perhaps,
            }
