"""Section 4: the class of a cell, what decides it, and how the loss is shared."""

from __future__ import annotations

import math

from tests.support.twins.functie import plain
from tests.support.twins.layers import layer, meets, with_gvg
from tests.support.twins.numbers import NAN, NOISE, at_least, below, f32, first_largest, unknown
from tests.support.twins.rewetting import rewetted
from tests.support.twins.score import FLOOR, HEAVY, best_score, combine, criterion_score, taking_part

A, B, C1, C2, D, X, NONE = 1, 2, 3, 4, 5, 0, 255
BORDERS = {A: 0.80, B: 0.60, C1: 0.40, C2: 0.20}
CODE = {"A": A, "B": B, "C1": C1, "C2": C2, "D": D}
LETTER = {X: "X", **{code: letter for letter, code in CODE.items()}}
BASIS = 0.60
FATAL = 0.05


def class_of(score):
    """Class of a score as stored."""
    return next((code for code, low in BORDERS.items() if at_least(score, low)), D)


def ceiling(functie, layers):
    """The best class that ``hoogstens`` and ``zonder`` leave."""
    caps = [functie["hoogstens"]] if functie.get("hoogstens") else []
    caps += [letter for name, letter in (functie.get("zonder") or {}).items() if name not in layers]
    return max((CODE[letter] for letter in caps), default=A)


def fired(functie, values):
    """Numbers of the thresholds that fire, on values after rewetting."""
    return [
        i
        for i, t in enumerate(functie.get("drempels") or ())
        if meets(layer(values, t["laag"]), t["operator"], t["waarde"])
    ]


def with_consequence(functie, numbers, *consequences):
    return [functie["drempels"][i] for i in numbers if functie["drempels"][i]["gevolg"] in consequences]


def worst_heavy(criteria, scores):
    """The worst score of what weighs at least 0.10 of the basic weights; NaN if there is none."""
    return min((s for c, s in zip(criteria, scores, strict=True) if at_least(c.g, HEAVY)), default=NAN)


def judged(functie, layers, score, worst):
    """Class of a score with its caps: one class better than the worst heavy criterion, ``hoogstens``, ``zonder``."""
    found = [class_of(score), ceiling(functie, layers)]
    if not unknown(worst):
        found.append(class_of(worst) - 1)
    return max(found)


def klasse(functie, values, score, worst, basis, numbers):
    """Class of the cell."""
    if with_consequence(functie, numbers, "uitsluiten", "nee_tenzij") or below(worst, FATAL):
        return D
    return X if below(basis, BASIS) else judged(functie, values, score, worst)


def losses(criteria, scores):
    return [c.weight * -math.log(max(s, FLOOR)) for c, s in zip(criteria, scores, strict=True)]


def bepalend(functie, criteria, scores, numbers):
    """Index of the criterion that decides; ``scores`` has NaN where unknown."""
    for consequence in ("uitsluiten", "nee_tenzij"):
        for threshold in with_consequence(functie, numbers, consequence):
            return next((i for i, c in enumerate(criteria) if threshold["laag"] in c.members), NONE)
    heavy = {i: s for i, (c, s) in enumerate(zip(criteria, scores, strict=True)) if at_least(c.g, HEAVY)}
    heavy = {i: s for i, s in heavy.items() if not unknown(s)}
    if heavy and below(min(heavy.values()), FATAL):
        return list(heavy)[first_largest([-s for s in heavy.values()])]
    loss = [0.0 if unknown(x) else x for x in losses(criteria, scores)]
    return NONE if max(loss) <= NOISE else first_largest(loss)


def loss_shares(score, criteria, scores, excluded):
    """Loss of every criterion, and of the threshold that excludes; together 1 - S."""
    if excluded:
        return [0.0] * len(criteria), 1.0
    loss = [0.0 if unknown(x) else x for x in losses(criteria, scores)]
    total = sum(loss)
    return [(1 - score) * x / total if total > 0 else 0.0 for x in loss], 0.0


def percentage(score):
    return math.floor(100 * score + 0.5 + 1e-4)


def bound(functie, values, criteria, scores, numbers, methode, orness):
    """Score and class where everything unknown turned out as in ``scores``: no X, thresholds on known layers only."""
    s = combine(criteria, scores, methode, orness)
    s = 0.0 if with_consequence(functie, numbers, "uitsluiten") else s
    return s, klasse(functie, values, f32(s), worst_heavy(criteria, scores), 1.0, numbers)


def score_cell(functie, values, methode="meetkundig", orness=None, also=(), lifted=()):
    """Everything of sections 2 to 4 of one cell, and its class at both ends of the interval (section 7).

    ``also`` are numbers of thresholds that fire beside those on these values, ``lifted`` of those that do not count.
    """
    functie = plain(functie)
    values = rewetted(functie, with_gvg(values))
    criteria = taking_part(functie, values)
    scores = [criterion_score(functie, c, values) for c in criteria]
    known = [i for i, s in enumerate(scores) if not unknown(s)]
    of_known = [criteria[i] for i in known], [scores[i] for i in known]
    numbers = [i for i in sorted({*fired(functie, values), *also}) if i not in lifted]
    excluded = bool(with_consequence(functie, numbers, "uitsluiten"))
    s = combine(*of_known, methode, orness)
    worst, basis = worst_heavy(*of_known), sum(c.basis for c in of_known[0])
    lowest = [0.0 if unknown(x) else x for x in scores]
    highest = [best_score(functie, c, values) for c in criteria]
    score_min, klasse_min = bound(functie, values, criteria, lowest, numbers, methode, orness)
    score_max, klasse_max = bound(functie, values, criteria, highest, numbers, methode, orness)
    shares, threshold = loss_shares(s, criteria, scores, excluded)
    return {
        "criteria": [c.name for c in criteria],
        "scores": scores,
        "geschiktheid": 0.0 if excluded else s,
        "klasse": klasse(functie, values, f32(s), worst, basis, numbers),
        "bepalend": bepalend(functie, criteria, scores, numbers),
        "dekking": sum(c.weight for c in of_known[0]),
        "vlaggen": sum(1 << i for i in numbers),
        "score_min": score_min,
        "score_max": score_max,
        "klasse_min": klasse_min,
        "klasse_max": klasse_max,
        "verlies": shares,
        "drempel": threshold,
        "bekend": tuple(known),
        "slechtste": worst,
        "basis": basis,
        "verliezen": sorted(losses(*of_known), reverse=True),
    }
