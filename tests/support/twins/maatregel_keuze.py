"""Which packages of measures are shown, and what is said of them (keuze 1 to 7)."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.support.twins.bandbreedte import DOWN, GROUPS, UP, Doubt, moved, share_of_error
from tests.support.twins.indices import risk_class
from tests.support.twins.klasse import LETTER, D, X
from tests.support.twins.maatregel_plan import Plan, PlanCell, Search
from tests.support.twins.numbers import NAN, NOISE, unknown
from tests.support.twins.polygon import Covered, answers, weighted_mean
from tests.support.twins.reference import reference_of

TOGETHER = 3
LOWER = 0.03
SHOWN, FIRST = 5, 3
RISKS = ["laag", "matig", "verhoogd", "hoog", "zeer hoog"]
UNKNOWN_RISK = len(RISKS)


def whole(x):
    return math.floor(x + 0.5 + 1e-4)


def risk_rank(risico):
    return UNKNOWN_RISK if unknown(risico) else RISKS.index(risk_class(risico))


def lower_by_enough(share, than):
    """Whether the other share is at least 0.03 higher; unknown: no."""
    return than - share >= LOWER - NOISE


class Choice:
    """The packages for one functie in one plan: pool, order, halves, what is shown, and the sentences."""

    def __init__(self, asked, plan, measures, functies, doubt=None, together=TOGETHER):
        self.asked, self.plan, self.all, self.functies = asked, plan, measures, functies
        self.doubt = doubt or Doubt()
        self.search = Search(asked, plan, measures)
        self.order, self.together = list(measures), together
        self.now = self.search.row(())
        self._moved = {}

    # --- pool and order (keuze 1 and 2) ---

    def pool(self):
        if self.now.antwoord == X:
            return []
        packages = self.search.packages(self.together)
        return [p for p in packages if self.klasse(p) < D and self.klasse(p) <= self.now.klasse]

    def klasse(self, package):
        return self.search.row(package).klasse

    def lifts(self, package):
        return self.klasse(package) < self.now.klasse

    def is_needed(self, measure, package):
        rest = tuple(i for i in package if i != measure)
        if self.search.contradiction(rest):
            return True
        with_it, without = self.search.row(package), self.search.row(rest)
        return without.klasse > with_it.klasse or lower_by_enough(with_it.grootste_aandeel, without.grootste_aandeel)

    def is_idle(self, package):
        if not all(self.is_needed(m, package) for m in package):
            return True
        return not self.lifts(package) and not lower_by_enough(
            self.search.row(package).grootste_aandeel, self.now.grootste_aandeel
        )

    def trede(self, package):
        return max(self.search.measures[i]["trede"] for i in package)

    def place_in_order(self, package):
        row = self.search.row(package)
        share = math.inf if unknown(row.grootste_aandeel) else whole(100 * row.grootste_aandeel)
        price = (2, 0) if row.investering is None else (int(row.zonder_grond), whole(row.investering[1]))
        places = tuple(self.order.index(i) for i in package)
        return row.klasse, risk_rank(row.risico), self.trede(package), share, *price, places

    # --- halves and what is shown (keuze 3) ---

    def halves(self, package):
        """Measures for the place, and those for the neighbours."""
        worse = [
            i
            for i in package
            if self.search.row(tuple(j for j in package if j != i)).klasse > self.search.row(package).klasse
        ]
        if not worse and self.lifts(package):
            worse = [i for i in package if self.acts_on_the_place(self.search.measures[i])]
        return tuple(worse), tuple(i for i in package if i not in worse)

    @staticmethod
    def acts_on_the_place(measure):
        return bool(measure.get("lagen")) or "streefpeil_m" in measure.get("parameters", {})

    def busy(self):
        """The packages that are not idle, in order."""
        return sorted((p for p in self.pool() if not self.is_idle(p)), key=self.place_in_order)

    def shown(self):
        busy = self.busy()
        lifting = [p for p in busy if self.lifts(p)]
        up = firsts(lifting, lambda p: self.halves(p)[0])
        others = firsts([p for p in busy if not self.lifts(p)], lambda p: risk_rank(self.search.row(p).risico))
        up = up[: max(FIRST, SHOWN - len(others))]
        if up and all(self.twijfel(p) for p in up):
            sure = next((p for p in lifting if not self.twijfel(p)), None)
            up = up if sure is None else [*up[:-1], sure]
        return [*up, *others][:SHOWN]

    # --- range and doubt (keuze 4) ---

    def variants(self, search):
        """Per group the searches with the layers of what is left of the plan down and up; what is free stays so."""
        if id(search) not in self._moved:
            f = share_of_error(search.plan.hectares)
            found = {g: [self.variant(search, g, way, f) for way in (DOWN, UP)] for g in GROUPS}
            self._moved[id(search)] = found
        return self._moved[id(search)]

    def variant(self, search, group, way, f):
        cells = tuple(replace(c, values=self.moved(c.values, group, way, f)) for c in search.plan.cells)
        return Search(self.asked, replace(search.plan, cells=cells), self.all, search.density)

    def moved(self, values, group, way, f):
        new = moved(values, group, way, self.doubt, f)
        return {name: v for name, v in new.items() if name in values}

    def under_error(self, package):
        """Per group the rows down and up; None where a measure is not offered any more."""
        found = self.variants(self.search.terrain(package))
        return {g: [s.row_here(package) if s.offers_all(package) else None for s in pair] for g, pair in found.items()}

    def twijfel(self, package):
        return tuple(
            group
            for group, rows in self.under_error(package).items()
            if any(row is None or row.klasse == D for row in rows)
        )

    def range_of(self, package):
        """Worst and best answer with one error of one group."""
        rows = [self.search.row(package), *(r for pair in self.under_error(package).values() for r in pair)]
        codes = [r.tenzij or r.antwoord for r in rows if r is not None and r.antwoord != X]
        return LETTER[max(codes)], LETTER[min(codes)]

    # --- words (keuze 5 to 7) ---

    def name(self, table, key):
        return self.asked.head[table][key]["nl"]

    def clause(self, id_, row):
        measure = self.search.measures[id_]
        text = measure["zin"]
        if row.ophoging == 0 and "zin_zonder_zand" in measure:
            text = measure["zin_zonder_zand"]
        return text.format(ha=f"{row.vrij_ha:.1f}".replace(".", ","), ophoging=f"{row.ophoging:.1f}".replace(".", ","))

    def clauses(self, ids, row):
        return " en ".join(self.clause(i, row) for i in ids)

    @staticmethod
    def risk_name(row):
        return "onbekend" if unknown(row.risico) else risk_class(row.risico)

    def burden_text(self, row):
        return self.risk_name(row) + self.cause(row)

    def cause(self, row):
        if unknown(row.risico) or risk_class(row.risico) == "laag":
            return ""
        return f" ({self.name('oorzaaknamen', row.oorzaak)})"

    def answer_name(self, row):
        return self.name("klassenamen", LETTER[row.tenzij or row.antwoord])

    def sentence(self, package):
        row, (place, neighbours) = self.search.row(package), self.halves(package)
        provided = "als" if any("hangt_af_van" in self.search.measures[i] for i in package) else "mits"
        room = f" (neemt {whole(100 * row.ruimte)} % van het plan in)" if row.ruimte > 0 else ""
        doubt = self.doubt_text(self.twijfel(package))
        if not self.lifts(package):
            told = self.clauses((*place, *neighbours), row)
            return f"{provided} voor de buren {told}{room}: {self.stays(row)}{doubt}"
        lead = f"ja, {provided} " if row.tenzij is None else "nee, tenzij "
        others = f", en voor de buren {self.clauses(neighbours, row)}" if neighbours else ""
        then = f"dan {self.answer_name(row)}, last voor anderen {self.burden_text(row)}"
        return f"{lead}{self.clauses(place, row)}{others}{room}: {then}{doubt}"

    def stays(self, row):
        was, is_ = (risk_rank(r.risico) for r in (self.now, row))
        kept = f"het antwoord blijft {self.answer_name(row)}, de last voor anderen daalt"
        if was == is_:
            return f"{kept} binnen {self.burden_text(row)}"
        return f"{kept} van {self.risk_name(self.now)} naar {self.burden_text(row)}"

    def group_names(self, groups):
        return listed([self.name("groepnamen", g) for g in groups])

    def doubt_text(self, groups):
        return f", maar of dat kan hangt af van {self.group_names(groups)}: eerst meten" if groups else ""

    def headline(self):
        name = self.name("klassenamen", LETTER[self.now.antwoord])
        if self.now.antwoord == X:
            return name
        up = [p for p in self.shown() if self.lifts(p)]
        sure = [p for p in up if not self.twijfel(p)]
        if sure:
            return self.sentence(sure[0])
        if up:
            groups = self.group_names(self.twijfel(up[0]))
            return f"{name}; of een maatregel dit beter maakt hangt af van {groups}: eerst meten"
        letter = LETTER[self.now.antwoord]
        if letter == "A":
            return "ja"
        said = "nee, ook niet met een maatregel van de lijst"
        if letter != "D":
            said = f"{name}: geen maatregel van de lijst maakt dit beter"
        return said + self.because()

    def because(self):
        row = self.now
        layers = row.drempels or tuple((row.begrenst or row.bepalend).split("+"))
        layers = [layer for layer in layers if layer in self.asked.head["laagnamen"]]
        return f"; dat ligt aan {listed([self.name('laagnamen', layer) for layer in layers])}" if layers else ""

    def fits(self):
        """Ids of the functies that fit here, by swaps that are on and offered; none is sought where it is X."""
        found = []
        if self.now.antwoord == X:
            return ()
        for id_, measure in self.search.measures.items():
            offered = measure["aan"] and "functie" in measure and self.search.offers[id_].offered
            if offered and self.is_better(self.swapped(id_)):
                found.append(measure["functie"][self.asked.functie["id"]])
        return tuple(found)

    def swapped(self, id_):
        """The plan with another functie where the swap may act (rule 10)."""
        other = self.functies[self.search.measures[id_]["functie"][self.asked.functie["id"]]]
        return Swapped(
            self.search, Search(self.asked.swapped(other), self.plan, self.all), self.search.offers[id_].where
        )

    def is_better(self, row):
        """Class and risico not worse than as it is (an unknown risico is), one of them better."""
        now = self.now
        worse = row.klasse > now.klasse or unknown(row.risico) or row.risico > now.risico + NOISE
        return not worse and (row.klasse < now.klasse or risk_rank(row.risico) < risk_rank(now.risico))

    def fits_text(self):
        names = [self.name("functienamen", f) for f in self.fits()]
        return f"hier past wel: {', '.join(names)}" if names else ""


class Swapped:
    """A plan with another functie in some of its cells."""

    def __init__(self, now, other, where):
        cells = other.plan.cells
        size = other.size([()] * len(cells))
        self.cells = tuple(other.cell((), c, size) if yes else now.cell((), c, now.size([()] * len(cells)))
                           for c, yes in zip(cells, where, strict=True))  # fmt: skip
        covered = [Covered(c.cover, a.score, a.burden) for c, a in zip(cells, self.cells, strict=True)]
        self.antwoord = answers(other.asked.functie, covered, other.plan.area)[0]
        self.klasse = math.inf if self.antwoord == X else float(self.antwoord)
        self.score = weighted_mean([(c.cover, c.score["geschiktheid"]) for c in covered if c.assessed])
        self.risico = weighted_mean([(c.cover, c.burden["risico"]) for c in covered])
        self.tenzij, self.taak_aandeel = None, NAN


def firsts(packages, key):
    """The first package of every key."""
    found = {}
    for p in packages:
        found.setdefault(key(p), p)
    return list(found.values())


def listed(names):
    """A, b en c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} en {names[-1]}"


def plan_of_cells(pairs, area, cell_ha, given, functies, sized=True):
    """A plan of (cover, values), its present use by section 5."""
    cells = tuple(PlanCell(cover, v, reference_of(given, v, functies).functie) for cover, v in pairs)
    return Plan(cells, area, cell_ha, sized)
