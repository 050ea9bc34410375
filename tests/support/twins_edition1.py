"""Slow, obvious twins of the rules (rekenregels sections 2 to 8): one cell, one polygon or one plan at a time.

Plain Python in double precision, written from the rules alone, in their order and with their names. ``values`` maps a
layer to its number in this cell (NaN = unknown); a layer that is not a key is not in the data.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

NAN = math.nan
NOISE = 1e-6
BORDERS = {1: 0.80, 2: 0.60, 3: 0.40, 4: 0.20}
D, X, NONE = 5, 0, 255
FLOOR = 0.01

COMPONENTS = (
    "afvoer",
    "verdrongen_berging",
    "grondwaterverlaging",
    "kwelafvoer",
    "aanvullingsverlies",
    "watervraag",
    "zetting",
    "veenoxidatie",
    "achteruitgang",
    "kosten",
)


def unknown(x):
    return x != x


def f32(x):
    return float(np.float32(x))


def clip(x, low, high):
    return NAN if unknown(x) else max(low, min(high, x))


def largest(*numbers):
    """The maximum; NaN if one is unknown."""
    return NAN if any(unknown(x) for x in numbers) else max(numbers)


def smallest(*numbers):
    return NAN if any(unknown(x) for x in numbers) else min(numbers)


def positive(x):
    return largest(0.0, x)


# --- sections 2 to 4 -------------------------------------------------------------------------------------------------


def curve(points, v):
    """Linear between points, constant outside."""
    if v <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if v <= x1:
            return y0 + (v - x0) * (y1 - y0) / (x1 - x0)
    return points[-1][1]


def layer_score(criterion, v):
    v = f32(v)
    if unknown(v):
        return NAN
    if v == math.inf and criterion.score_afwezig is not None:
        return criterion.score_afwezig
    if criterion.klassen:
        return {f32(code): s for code, s in criterion.klassen.items()}[v]
    return curve(criterion.punten, v)


def criteria_of(functie, layers):
    """Per criterion that takes part: its members, in the order of the file."""
    taking = [*functie.criteria, *(o for o in functie.optionele_criteria if o in layers)]
    found = []
    for layer in taking:
        group = next((g.leden for g in functie.groepen if layer in g.leden), (layer,))
        members = [name for name in taking if name in group]
        if members not in found:
            found.append(members)
    return found


def group_score(functie, members, values):
    """Score of one criterion, and the same with every unknown member at 1; NaN = unknown."""
    scores = [layer_score(functie.all_criteria[m], values.get(m, NAN)) for m in members]
    known = [s for s in scores if not unknown(s)]
    best = max(known, default=NAN)
    whole = len(known) == len(scores)
    return (best if whole or best + NOISE >= 0.60 else NAN), (best if whole else 1.0)


def combine(methode, orness, scores, weights, shares):
    """S of known criteria; ``shares`` are their weights as a share of the basic weights."""
    if not scores:
        return NAN
    total = sum(weights)
    if methode == "meetkundig":
        return math.exp(sum(w * math.log(max(s, FLOOR)) for s, w in zip(scores, weights, strict=True)) / total)
    if methode == "gemiddelde":
        return sum(w * s for s, w in zip(scores, weights, strict=True)) / total
    if methode == "minimum":
        heavy = [s for s, g in zip(scores, shares, strict=True) if g + NOISE >= 0.10]
        return min(heavy or scores)
    p = (1 - orness) / orness
    value = cumulative = 0.0
    for s, w in sorted(zip(scores, weights, strict=True), key=lambda pair: -pair[0]):
        before, cumulative = cumulative, cumulative + w / total
        value += (min(cumulative, 1.0) ** p - before**p) * s
    return value


def class_of(score):
    return next((code for code, low in BORDERS.items() if score + NOISE >= low), D)


def fires(threshold, values):
    v, border = np.float32(values.get(threshold.laag, NAN)), np.float32(threshold.waarde)
    if v != v:
        return False
    return {">=": v >= border, ">": v > border, "<": v < border, "<=": v <= border, "==": v == border}[
        threshold.operator
    ]


def score_cell(functie, values, methode="meetkundig", orness=None, interval=True):
    members = criteria_of(functie, values)
    basic_sum = sum(c.gewicht for c in functie.criteria.values())
    raw = [sum(functie.all_criteria[m].gewicht for m in names) for names in members]
    weights = [r / sum(raw) for r in raw]
    shares = [r / basic_sum for r in raw]
    pairs = [group_score(functie, names, values) for names in members]
    scores = [s for s, _ in pairs]
    known = [k for k, s in enumerate(scores) if not unknown(s)]

    def pick(items):
        return [items[k] for k in known]

    s = combine(methode, orness, pick(scores), pick(weights), pick(shares))
    basis = sum(functie.criteria[m].gewicht / basic_sum for k in known for m in members[k] if m in functie.criteria)
    heavy = [scores[k] for k in known if shares[k] + NOISE >= 0.10]
    klasse = class_of(f32(s))
    if heavy:
        klasse = max(klasse, class_of(min(heavy)) - 1)
    if basis + NOISE < 0.60:
        klasse = X
    fired = [i for i, t in enumerate(functie.drempels) if fires(t, values)]
    deciding = [functie.drempels[i] for i in fired if functie.drempels[i].gevolg != "aandacht"]
    excluded = any(t.gevolg == "uitsluiten" for t in deciding)
    losses = {k: weights[k] * -math.log(max(scores[k], FLOOR)) for k in known}
    top = max(losses.values(), default=0.0)
    bepalend = NONE if top <= NOISE else next(k for k, v in losses.items() if v + NOISE >= top)
    if deciding:
        klasse = D
        bepalend = next((k for k, names in enumerate(members) if deciding[0].laag in names), NONE)
    low = combine(methode, orness, [0.0 if unknown(x) else x for x in scores], weights, shares)
    high = combine(methode, orness, [1.0 if unknown(x) else b for x, b in pairs], weights, shares)
    if excluded:
        s = low = high = 0.0
    total = sum(losses.values())
    split = [(1 - s) * losses.get(k, 0.0) / total if total > 0 else 0.0 * (1 - s) for k in range(len(members))]
    return {
        "criteria": ["+".join(names) for names in members],
        "geschiktheid": s,
        "klasse": klasse,
        "bepalend": bepalend,
        "dekking": sum(pick(weights)),
        "vlaggen": sum(1 << i for i in fired),
        "score_min": low,
        "score_max": high,
        "verlies": [0.0] * len(members) if excluded else split,
        "drempel": 1.0 if excluded else 0.0,
        "bekend": tuple(known),
        "slechtste": min(heavy, default=NAN),
        "basis": basis,
        "verliezen": sorted(losses.values(), reverse=True),
    }


# --- section 5 -------------------------------------------------------------------------------------------------------


def target(functie):
    return functie.value("streefpeil_m")


def decline_cell(plan, values, scenarios):
    """Achteruitgang; scenarios = list of (horizon or None, values that take the place of the present ones)."""
    now = score_cell(plan, values)
    drops = []
    for horizon, instead in scenarios:
        future = {layer: v for layer, v in instead.items() if layer in values}
        if not future or (horizon is not None and horizon > 2025 + plan.value("levensduur_jr")):
            continue
        then = score_cell(plan, {**values, **future})
        if then["bekend"] == now["bekend"]:
            drops.append(max(0.0, now["geschiktheid"] - then["geschiktheid"]))
    return max(drops, default=NAN)


def components_cell(f, r, values, built_mm=0.0, norm_mm=None, decline=NAN):
    """The ten components by name, in the order of the table."""

    def layer(name):
        return f32(values.get(name, NAN))

    kwel, ghg, water = layer("kwel"), layer("ghg"), layer("wateroverlast")
    delta_f = max(0.0, f.value("ontwatering_m") - f.value("ophoging_m"))
    delta_r = max(0.0, r.value("ontwatering_m") - r.value("ophoging_m"))
    epsilon_r, epsilon_f = delta_r, max(delta_f, min(delta_r, f.value("ontwatering_m")))
    b = max(f.value("bergingseis_mm"), r.value("bergingseis_mm")) if norm_mm is None else norm_mm
    opgave = 10 * b * (f.value("verhardingsgraad") - r.value("verhardingsgraad"))
    if unknown(ghg):
        nat, depth = clip(1 - kwel / 0.5, 0, 1), smallest(layer("keileemdiepte"), 1.5)
    else:
        nat, depth = 1.0, smallest(layer("keileemdiepte"), ghg, 1.5)
    vermogen = 1e4 * 0.15 * (1 - f.value("verhardingsgraad")) * nat * positive(depth - delta_f)

    afvoer = opgave if opgave <= 0 else positive(opgave - vermogen - 10 * built_mm)

    displaced = displaced_cell(f, r, water, built_mm, opgave, vermogen)

    def need(epsilon):
        return positive(epsilon - ghg)

    def rise(functie):
        return 0.0 if unknown(target(functie)) else clip(ghg - target(functie), 0, 0.5)

    lowering = positive(need(epsilon_f) - need(epsilon_r)) - rise(f) + rise(r)
    if unknown(ghg) or f.value("onttrekking") > r.value("onttrekking"):
        lowering = NAN

    drained = 365 * positive(kwel) * (min(1, epsilon_f / 0.7) - min(1, epsilon_r / 0.7))

    less = r.value("grondwateraanvulling_mm_jr") - f.value("grondwateraanvulling_mm_jr")
    u = positive(opgave - vermogen) / opgave if less > 0 and opgave > 0 else 1.0
    recharge = less * clip((0.1 - kwel) / 0.2, 0, 1) * u

    demand = (f.value("watervraag_mm_jr") - r.value("watervraag_mm_jr")) * clip(layer("droogte") / 20, 0, 1)

    a = smallest(layer("zettingsgevoeligheid"), 0.9)

    def settlement(functie):
        return functie.value("opgehoogd_aandeel") * a * functie.value("ophoging_m") / (1 - a)

    def oxidation(epsilon):
        rate = 0.001 * max(0.0, 23.54 * 2 * epsilon - 6.68)
        return smallest(layer("veendikte"), rate * min(f.value("levensduur_jr"), 50))

    zetting = settlement(f) - settlement(r)
    found = [afvoer, displaced, lowering, drained, recharge, demand, zetting]
    found += [oxidation(epsilon_f) - oxidation(epsilon_r), decline]
    found.append(cost(f, afvoer, displaced, demand, zetting))
    return dict(zip(COMPONENTS, found, strict=True))


def displaced_cell(f, r, water, built_mm, opgave, vermogen):
    """Verdrongen berging, less the built storage that afvoer does not use up."""
    found = 1e4 * (
        f.value("opgehoogd_aandeel") * smallest(water, f.value("ophoging_m"))
        - r.value("opgehoogd_aandeel") * smallest(water, r.value("ophoging_m"))
        - f.value("berging_m")
        + r.value("berging_m")
    )
    if not found > 0:
        return found
    if opgave <= 0:
        rest = 10 * built_mm
    else:
        rest = 0.0 if unknown(vermogen) else positive(10 * built_mm - positive(opgave - vermogen))
    return positive(found - rest)


def cost(f, afvoer, displaced, demand, zetting):
    if all(unknown(x) for x in (afvoer, displaced, demand, zetting)):
        return NAN
    water = sum(x for x in (afvoer, displaced) if not unknown(x))
    total = 5.0 * max(0.0, water)
    total += 0.0 if unknown(zetting) else 12000 * f.value("verhardingsgraad") * max(0.0, zetting) / 0.30
    return total + (0.0 if unknown(demand) else 0.25 * 10 * max(0.0, demand))


def could_be(f, r, norm_mm=None):
    """The components that could be a burden whatever the layers hold, of those that make an index unknown."""

    def more(name):
        return f.value(name) - r.value(name) > NOISE

    def less(name):
        return r.value(name) - f.value(name) > NOISE

    def fill(functie):
        return functie.value("opgehoogd_aandeel") * functie.value("ophoging_m")

    def depth(functie):
        return max(0.0, functie.value("ontwatering_m") - functie.value("ophoging_m"))

    b = max(f.value("bergingseis_mm"), r.value("bergingseis_mm")) if norm_mm is None else norm_mm
    epsilon_f = max(depth(f), min(depth(r), f.value("ontwatering_m")))
    higher = fill(f) - fill(r) > NOISE
    wider = more("opgehoogd_aandeel") and f.value("ophoging_m") > NOISE
    found = {
        "afvoer": more("verhardingsgraad") and b > NOISE,
        "verdrongen_berging": higher or wider or less("berging_m"),
        "kwelafvoer": min(1, epsilon_f / 0.7) - min(1, depth(r) / 0.7) > NOISE,
        "grondwaterverlaging": more("onttrekking"),
        "aanvullingsverlies": less("grondwateraanvulling_mm_jr"),
        "watervraag": more("watervraag_mm_jr"),
        "zetting": higher,
    }
    return {name for name, yes in found.items() if yes}


def shares_of(f, part):
    """The share of every component, 0 where unknown or a relief."""

    def over(name, anchor, factor=1.0):
        return factor * max(0.0, part[name]) / anchor if not unknown(part[name]) else 0.0

    a, v = part["afvoer"], part["verdrongen_berging"]
    water = max(0.0, sum(x for x in (a, v) if not unknown(x))) / 800
    first = not unknown(a) and (unknown(v) or a / 800 + NOISE >= v / 800)
    lasting = 1 - f.value("omkeerbaarheid")
    return {
        "afvoer": water if first else 0.0,
        "verdrongen_berging": 0.0 if first else water,
        "grondwaterverlaging": over("grondwaterverlaging", 0.5),
        "kwelafvoer": over("kwelafvoer", 300),
        "aanvullingsverlies": over("aanvullingsverlies", 600),
        "watervraag": over("watervraag", 300),
        "zetting": over("zetting", 0.30, lasting),
        "veenoxidatie": over("veenoxidatie", 0.30),
        "achteruitgang": over("achteruitgang", 0.40, lasting),
        "kosten": over("kosten", 10000),
    }


def burden_cell(plan, reference, values, built_mm=0.0, norm_mm=None, decline=NAN):
    """Components, indices, risico and oorzaak; reference None = unknown."""
    if reference is None:
        nothing = dict.fromkeys((*COMPONENTS, "ruimte", "tijd", "geld", "risico"), NAN)
        return {**nothing, "oorzaak": 0, "aandelen": dict.fromkeys(COMPONENTS, 0.0)}
    part = components_cell(plan, reference, values, built_mm, norm_mm, decline)
    share = shares_of(plan, part)
    hidden = {name for name in could_be(plan, reference, norm_mm) if unknown(part[name])}

    def index(names, open_):
        value = min(1.0, max(share[n] for n in names))
        return NAN if open_ and value + NOISE < 0.20 else value

    ruimte = index(COMPONENTS[:6], hidden & set(COMPONENTS[:6]))
    tijd = index(COMPONENTS[6:9], hidden & {"zetting"})
    geld = index(COMPONENTS[9:], hidden & {"afvoer", "verdrongen_berging", "watervraag", "zetting"})
    three = (ruimte, tijd, geld)
    risico = max((x for x in three if not unknown(x)), default=0.0)
    if any(unknown(x) for x in three) and risico + NOISE < 0.20:
        risico = NAN
    top = max(share.values())
    oorzaak = 0
    if risico >= NOISE:
        oorzaak = 1 + next(i for i, n in enumerate(COMPONENTS) if share[n] + NOISE >= top)
    return {
        **part,
        "ruimte": ruimte,
        "tijd": tijd,
        "geld": geld,
        "risico": risico,
        "oorzaak": oorzaak,
        "aandelen": share,
    }


# --- section 7 -------------------------------------------------------------------------------------------------------


def weighted_mean(pairs):
    """Mean of (cover, value) over the known values; NaN if there are none."""
    known = [(c, v) for c, v in pairs if not unknown(v)]
    total = sum(c for c, _ in known)
    return sum(c * v for c, v in known) / total if total > 0 else NAN


def quantile(pairs, share):
    """Smallest value such that the cells up to it hold at least the share."""
    known = sorted(((v, c) for c, v in pairs if not unknown(v)))
    total, reached = sum(c for _, c in known), 0.0
    for v, c in known:
        reached += c
        if reached / total + NOISE >= share:
            return v
    return NAN


def answer(mean_score, by_class, area):
    """Class of a polygon; by_class maps 1 .. 5 to its area."""
    assessed = sum(by_class.values())
    if assessed <= 0 or assessed / area + NOISE < 0.60:
        return X
    reached, half, tenth = 0.0, None, None
    for code in (5, 4, 3, 2, 1):
        reached += by_class.get(code, 0.0) / assessed
        half = half or (code if reached + NOISE >= 0.50 else None)
        tenth = tenth or (code if reached + NOISE >= 0.10 else None)
    found = [half, max(1, tenth - 1)]
    if by_class.get(D, 0.0) / assessed + NOISE >= 0.01:
        found.append(2)
    if not unknown(mean_score):
        found.append(class_of(mean_score))
    return max(found)


def polygon_row(cells, area_ha, cell_ha, criteria):
    """One row of the table; cells = list of (cover, twin of the score, twin of the burden)."""
    assessed = [(c, s) for c, s, _ in cells if s["klasse"] != X]
    scored = [(c, s) for c, s in assessed if not unknown(s["geschiktheid"])]
    scores = [(c, s["geschiktheid"]) for c, s in scored]
    by_class = {k: cell_ha * sum(c for c, s in assessed if s["klasse"] == k) for k in range(1, 6)}
    losses = {n: weighted_mean([(c, s["verlies"][i]) for c, s in scored]) for i, n in enumerate(criteria)}
    losses["drempel"] = weighted_mean([(c, s["drempel"]) for c, s in scored])
    top = max((v for v in losses.values() if not unknown(v)), default=0.0)
    risks = [(c, b["risico"], b["oorzaak"]) for c, _, b in cells if not unknown(b["risico"])]
    causes = [sum(c * r for c, r, o in risks if o == 1 + i) for i in range(len(COMPONENTS))]
    mean_score = weighted_mean(scores)

    def volume(name):
        known = [(c, b[name]) for c, _, b in cells if not unknown(b[name])]
        return cell_ha * sum(c * v for c, v in known) if known else NAN

    beoordeeld = sum(by_class.values())
    row = {
        "antwoord": answer(mean_score, by_class, area_ha),
        "score": mean_score,
        "score_p10": quantile(scores, 0.1),
        "score_p50": quantile(scores, 0.5),
        "score_p90": quantile(scores, 0.9),
        "oppervlakte_ha": area_ha,
        "beoordeeld_ha": beoordeeld,
        "onbekend_ha": cell_ha * sum(c for c, s, _ in cells if s["klasse"] == X),
        "buiten_ha": area_ha - cell_ha * sum(c for c, _, _ in cells),
        "bepalend": "" if top <= NOISE else next(n for n, v in losses.items() if v + NOISE >= top),
        "risico": weighted_mean([(c, r) for c, r, _ in risks]),
        "aandeel_risico_hoog": weighted_mean([(c, float(r + NOISE >= 0.60)) for c, r, _ in risks]),
        "oorzaak": COMPONENTS[causes.index(max(causes))] if max(causes) > 0 else "",
        "afvoer_m3": volume("afvoer"),
        "verdrongen_berging_m3": volume("verdrongen_berging"),
    }
    for code, letter in enumerate(("A", "B", "C1", "C2", "D"), start=1):
        row[f"ha_{letter}"] = by_class[code]
        row[f"aandeel_{letter}"] = by_class[code] / beoordeeld if beoordeeld > 0 else NAN
    row.update({f"verlies_{n}": v for n, v in losses.items()})
    return row


# --- section 8 -------------------------------------------------------------------------------------------------------

STEPS = ("--", "-", "0", "+", "++")


def ladder(x, borders, symbols):
    """The symbol of the first border that x is below; the last symbol if none. Noise counts as reached."""
    return next((s for b, s in zip(borders, symbols, strict=False) if x + NOISE < b), symbols[-1])


def at_most(x, border):
    return not unknown(x) and x - NOISE <= border


def at_least(x, border):
    return not unknown(x) and x + NOISE >= border


def shift(symbol, steps):
    return STEPS[max(0, STEPS.index(symbol) + steps)]


def lowest(*symbols):
    return min(symbols, key=STEPS.index)


def cell_facts(plan, reference, nature, values, scenarios):
    """What the principles look at in one cell; scenarios maps a name to (horizon, values instead)."""
    listed = list(scenarios.values())
    score = score_cell(plan, values)
    burden = burden_cell(plan, reference, values, decline=decline_cell(plan, values, listed))
    counts = score["klasse"] in (1, 2, 3)

    def relieved(x):
        return x if counts or not x < 0 else 0.0

    basic = sum(c.gewicht for c in plan.criteria.values())
    wet = [n for n in ("wateroverlast", "droogte") if plan.criteria[n].gewicht / basic + NOISE >= 0.10]

    def extremes(these):
        return smallest(*(layer_score(plan.criteria[n], these.get(n, NAN)) for n in wet)) if wet else NAN

    living = [i for h, i in listed if h is None or h <= 2025 + plan.value("levensduur_jr")]
    s_star = min(
        (s for s in (score_cell(plan, {**values, **i})["geschiktheid"] for i in living) if not unknown(s)),
        default=score["geschiktheid"],
    )
    fixed = (1 - plan.value("omkeerbaarheid")) * min(1, plan.value("levensduur_jr") / 50) * (1 - s_star)
    wet_nature = score_cell(nature, values)["klasse"]

    def holds(layer, test):
        v = f32(values.get(layer, NAN))
        return not unknown(v) and test(v)

    invites = (
        holds("beekdal", lambda v: v == 1)
        or holds("kwel", lambda v: v + NOISE >= 0.5)
        or holds("veendikte", lambda v: v + NOISE >= 0.4)
        or (holds("keileemdiepte", lambda v: v + NOISE < 0.8) and holds("ghg", lambda v: v + NOISE < 0.4))
    )
    paved = plan.value("verhardingsgraad") - reference.value("verhardingsgraad")
    fill = plan.value("opgehoogd_aandeel") * plan.value("ophoging_m")
    fill_r = reference.value("opgehoogd_aandeel") * reference.value("ophoging_m")
    zetting = burden["zetting"] if fill > fill_r + NOISE or not unknown(burden["zetting"]) else 0.0
    veen = burden["veenoxidatie"]

    def fired(layer, effects):
        hit = any(t.laag == layer and t.gevolg in effects and fires(t, values) for t in plan.drempels)
        return NAN if unknown(values.get(layer, NAN)) else float(hit)

    return {
        "risico": burden["risico"],
        "zeer_hoog": NAN if unknown(burden["risico"]) else float(burden["risico"] + NOISE >= 0.80),
        "N": relieved(burden["afvoer"] + burden["verdrongen_berging"]),
        "kwelafvoer": relieved(burden["kwelafvoer"]),
        "veenoxidatie": relieved(veen),
        "verlaging": relieved(burden["grondwaterverlaging"]),
        "G": burden["aanvullingsverlies"] + positive(burden["kwelafvoer"]),
        "extremen": {
            None: extremes(values),
            **{s: extremes({**values, **i}) for s, (_, i) in scenarios.items() if set(i) & set(wet)},
        },
        "x": largest(burden["tijd"], fixed),
        "kans": NAN if wet_nature == X else float(wet_nature in (1, 2) and invites),
        "b": largest(paved, fill / 1.5, positive(zetting) / 0.30, 0.0 if unknown(veen) else max(0.0, veen) / 0.30),
        "water_drempel": fired("wateroverlast", {"nee_tenzij"}),
        "bescherming_drempel": fired("grondwaterbescherming", {"nee_tenzij", "uitsluiten"}),
    }


def kompas(plan, reference, nature, cells, area, horizons=None):
    """Six symbols of one plan.

    cells = list of (cover, values, {scenario: values instead}); area in cells; horizons = {scenario: year or None}.
    """
    horizons = horizons or {}
    facts = [
        (c, cell_facts(plan, reference, nature, v, {s: (horizons[s], i) for s, i in instead.items()}))
        for c, v, instead in cells
    ]

    def mean(name):
        return weighted_mean([(c, f[name]) for c, f in facts])

    def known(name):
        return sum(c for c, f in facts if not unknown(f[name])) / area + NOISE >= 0.60

    n, g, kwelafvoer, veen, verlaging = (mean(m) for m in ("N", "G", "kwelafvoer", "veenoxidatie", "verlaging"))
    life, back = plan.value("levensduur_jr"), plan.value("omkeerbaarheid")
    found = {}

    risico = mean("risico")
    if not known("risico"):
        found["niet_afwentelen"] = "?"
    elif at_least(risico, 0.60) or at_least(mean("zeer_hoog"), 0.20):
        found["niet_afwentelen"] = "--"
    elif at_least(risico, 0.20):
        found["niet_afwentelen"] = "-" if at_least(risico, 0.40) else "0"
    else:
        relief = at_most(n, -100) or at_most(kwelafvoer, -50) or at_most(veen, -0.10)
        found["niet_afwentelen"] = "++" if relief else "+"

    if plan.value("onttrekking") > reference.value("onttrekking") or not (known("N") and known("G")):
        found["vertragen"] = "?"
    else:
        first = "++" if at_most(n, -400) else "+" if at_most(n, -50) else ladder(n, (50, 300), ("0", "-", "--"))
        second = "+" if at_most(g, -50) else ladder(g, (60, 150), ("0", "-", "--"))
        found["vertragen"] = second if first == "0" else first if second == "0" else lowest(first, second)

    found["extremen"] = extremes_symbol(facts, area, mean("water_drempel"))

    if not known("x"):
        found["aanpasbaar"] = "?"
    else:
        symbol = ladder(mean("x"), (0.05, 0.15, 0.30, 0.50), ("++", "+", "0", "-", "--"))
        within = [s for s, h in horizons.items() if h is None or h <= 2025 + life]
        capped = back + NOISE < 0.7 or (life - NOISE > 25 and not within)
        found["aanpasbaar"] = lowest(symbol, "+") if capped else symbol

    restores = at_most(verlaging, -0.10) or at_most(kwelafvoer, -50) or at_most(veen, -0.05) or at_most(n, -400)
    blocks = back + NOISE < 0.5
    worsens = at_least(verlaging, 0.10) or at_least(kwelafvoer, 50) or at_least(veen, 0.05)
    share = mean("kans")
    if not known("kans"):
        found["herstel"] = "?"
    else:
        row = {0.50: ("++", "--", "-", "0"), 0.10: ("+", "-", "-", "0"), 0.0: ("+", "0", "0", "0")}
        symbols = next(row[b] for b in (0.50, 0.10, 0.0) if share + NOISE >= b)
        found["herstel"] = symbols[0 if restores else 1 if blocks else 2 if worsens else 3]

    less_paved = plan.value("verhardingsgraad") + NOISE < reference.value("verhardingsgraad") - 0.05
    better = at_most(veen, -0.05) or less_paved
    found["bodem"] = soil_symbol(mean("b"), better, mean("bescherming_drempel")) if known("b") else "?"
    return found


def soil_symbol(b, better, fired):
    if at_least(fired, 0.10):
        return "--"
    symbol = ladder(b, (0.05, 0.25, 0.60), ("+", "0", "-", "--"))
    return "++" if better and symbol == "+" else symbol


def extremes_symbol(facts, area, fired):
    names = [s for s in facts[0][1]["extremen"] if s is not None]

    def mean_of(name):
        return weighted_mean([(c, f["extremen"][name]) for c, f in facts])

    chosen = min(names, key=mean_of) if names else None
    share = sum(c for c, f in facts if not unknown(f["extremen"][chosen])) / area
    if share + NOISE < 0.60:
        return "?"
    symbol = ladder(mean_of(chosen), (0.20, 0.40, 0.60, 0.80), ("--", "-", "0", "+", "++"))
    if not names:
        symbol = lowest(symbol, "+")
    return shift(symbol, -1) if at_least(fired, 0.10) else symbol
