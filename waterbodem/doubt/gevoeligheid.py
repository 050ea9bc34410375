"""What decides an answer: the values and weights at which it tips, whose error the doubt is, how far it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.errors import ArgumentError, NoOverlap
from waterbodem.core.html import html_table
from waterbodem.core.lazy import pd, xr
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.labels import decimal, layer_label, percent, plain_number, texts
from waterbodem.definitions.models import Functie
from waterbodem.definitions.tipping_rules import tipping_rules
from waterbodem.doubt.place import Place
from waterbodem.doubt.radius import radius_of
from waterbodem.doubt.shares import Shares, shares_of
from waterbodem.doubt.spread import spreads_of
from waterbodem.doubt.tipping import NONE, Flip, Tip, tips_of
from waterbodem.doubt.weighing import weight_flips
from waterbodem.engine.coverage import block_of, footprints
from waterbodem.engine.doubts import LayerDoubt
from waterbodem.engine.explanation import cell_at
from waterbodem.engine.layer_set import LayerSet, in_rules, layer_set
from waterbodem.engine.scoring import criterion_of
from waterbodem.engine.table import letters
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.kernels.zonal import COVERAGE_ONE
from waterbodem.layers.polygons import read_areas

#: Hectares of a cell alone: all of an error counts, however large the cell is.
ALONE = 1.0
#: Columns of what tips an answer.
COLUMNS = (
    *("criterium", "eenheid", "waarde", "omlaag", "klasse_omlaag", "omhoog", "klasse_omhoog"),
    *("gewicht", "gewicht_omlaag", "gewicht_omhoog"),
)


@dataclass(frozen=True, repr=False)
class Gevoeligheid:
    """What decides the answer of one functie on a cell or a plan.

    Attributes
    ----------
    functie, antwoord : str
        Id and letter.
    kantelpunten : pandas.DataFrame
        A row per layer that takes part: its value (of a plan the mean), the nearest lower and higher value at which the
        answer is another and which that is, all else as it is; the weight of its criterion, and the nearest at which
        the answer is another, the others in proportion. NaN and empty: nothing tips it, or it is unknown.
    aandelen : pandas.DataFrame
        Share of every layer with an error in the variance of the score, alone (``aandeel``) and with all that it takes
        part in (``totaal``), the largest first.
    aandeel_kaarten, aandeel_gewichten : float
        Which part of the doubt maps make, and which part weights; the rest is of both.
    straal : float
        How many standard deviations all layers may be off at once while the answer is no worse; inf: beyond what is
        looked at.
    """

    functie: str
    antwoord: str
    kantelpunten: pd.DataFrame
    aandelen: pd.DataFrame
    aandeel_kaarten: float
    aandeel_gewichten: float
    straal: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; NaN where unknown."""
        return {n: v.to_dict("records") if isinstance(v, pd.DataFrame) else v for n, v in self._fields.items()}

    @property
    def _fields(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in self.__dataclass_fields__}

    def _headline(self, taal: str = "nl") -> str:
        if np.isnan(self.straal):
            return f"{self.functie}: {self.antwoord}"
        t = texts(taal)["gevoeligheid"]
        most, far = tipping_rules().straal_hoogstens, np.isinf(self.straal)
        holds = t["houdt_verder" if far else "houdt"].format(
            straal=plain_number(most) if far else decimal(self.straal, 2, taal)
        )
        shares = {"kaarten": self.aandeel_kaarten, "gewichten": self.aandeel_gewichten}
        doubt = t["twijfel"].format(**{n: percent(v, taal) for n, v in shares.items()})
        return f"{self.functie}: {self.antwoord}; {holds}; {doubt}"

    def __repr__(self) -> str:
        shown = [self.kantelpunten.to_string(index=False), self.aandelen.to_string(index=False)]
        return "\n".join([f"<Gevoeligheid> {self._headline()}", *shown])

    def _repr_html_(self) -> str:
        rows = self.kantelpunten.to_dict("records")
        told = ([_cell(n, r[n]) for n in COLUMNS] for r in rows)
        shares = ([layer_label(r["criterium"]), decimal(r["aandeel"]), decimal(r["totaal"])] for r in self._shares)
        return html_table(self._headline(), list(COLUMNS), told) + html_table("", list(self.aandelen.columns), shares)

    @property
    def _shares(self) -> list[dict[Any, Any]]:
        found: list[dict[Any, Any]] = self.aandelen.to_dict("records")
        return found


def _cell(name: str, value: Any) -> str:
    if name == "criterium":
        return layer_label(value)
    if isinstance(value, str):
        return value
    return decimal(value) if name == "waarde" or not np.isnan(value) else "\u2013"


@either_spelling
def gevoeligheid(
    layers: xr.Dataset,
    functie: str | Functie,
    gebied: Any = None,
    x: float | None = None,
    y: float | None = None,
) -> Gevoeligheid:
    """Tell what decides an answer: at which value of a layer, and at which weight, it tips, and how far it holds.

    Parameters
    ----------
    layers : xr.Dataset
        Attribute ``uncertainty`` of a layer, or ``ghg@p10`` and ``ghg@p90`` beside it, tell its error; else that of the
        rules (section 10, expertoordeel).
    functie : str or Functie
    gebied : polygon, optional
        One plan, as :func:`waterbodem.assess` takes it: the shift is then of every cell of it.
    x, y : float, optional
        A point in a cell, in the grid's CRS [m]; instead of ``gebied``.

    Returns
    -------
    Gevoeligheid

    Raises
    ------
    WaterbodemError
        If there is no place or more than one, or it lies outside the data.

    Examples
    --------
    >>> import waterbodem as wb
    >>> g = wb.gevoeligheid(wb.example(), "woningbouw", x=239012, y=553480)
    >>> list(g.kantelpunten.columns[:4]), list(g.aandelen.columns)
    (['criterium', 'eenheid', 'waarde', 'omlaag'], ['criterium', 'aandeel', 'totaal'])
    """
    found, many = registry.chosen_functies(functie)
    if many:
        raise ArgumentError("gevoeligheid is of one functie", value=functie, allowed="an id or a Functie")
    if (gebied is None) == (x is None or y is None):
        what, allowed = "ask of one place", "a polygon as gebied, or a point as x and y"
        raise ArgumentError(what, value=(gebied is not None, x, y), allowed=allowed, where="gebied")
    place = plan_place(layers, found[0], gebied) if x is None or y is None else cell_place(layers, found[0], x, y)
    return sensitivity(place)


def sensitivity(place: Place) -> Gevoeligheid:
    """Return what decides the answer of a place."""
    spreads = spreads_of(place)
    shares = shares_of(place, spreads)
    return Gevoeligheid(
        place.functie.id,
        letters()[int(place.now.answer[0])],
        tipping_table(place),
        _share_table(shares),
        shares.maps,
        shares.weights,
        radius_of(place, spreads),
    )


def tipping_table(place: Place) -> pd.DataFrame:
    """Return a row per layer with what tips the answer of a place."""
    tips = tips_of(place)
    of = [criterion_of(place.parts, tip.layer) for tip in tips]
    flips = {k: weight_flips(place, k) for k in dict.fromkeys(of) if k != NO_CRITERION}
    rows = [_row(place, tip, k, flips.get(k, (NONE, NONE))) for tip, k in zip(tips, of, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(place: Place, tip: Tip, k: int, weights: tuple[Flip, Flip]) -> dict[str, Any]:
    return {
        "criterium": tip.layer,
        "eenheid": registry.layer_kinds()[tip.layer].unit,
        "waarde": tip.value,
        "omlaag": tip.down.at,
        "klasse_omlaag": _letter(tip.down),
        "omhoog": tip.up.at,
        "klasse_omhoog": _letter(tip.up),
        "gewicht": place.parts[k].weight if k != NO_CRITERION else np.nan,
        "gewicht_omlaag": weights[0].at,
        "gewicht_omhoog": weights[1].at,
    }


def _letter(flip: Flip) -> str:
    return "" if np.isnan(flip.at) else letters()[flip.answer]


def _share_table(shares: Shares) -> pd.DataFrame:
    order = sorted(shares.first, key=lambda n: -shares.first[n])
    rows = [(n, shares.first[n], shares.total[n]) for n in order]
    columns = ["criterium", "aandeel", "totaal"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], float))


# --- places ----------------------------------------------------------------------------------------------------------


def cell_place(layers: xr.Dataset, functie: Functie, x: float, y: float, **settings: Any) -> Place:
    """Return the cell at a point as a plan of one whole cell."""
    row, col = cell_at(layers, x, y)
    cells = layer_set(layers.isel(y=[row], x=[col]))
    return Place(functie, cells, np.ones(1), 1.0, ALONE, is_cell=True, **settings)


def plan_place(layers: xr.Dataset, functie: Functie, gebied: Any) -> Place:
    """Return the cells of one plan."""
    grid = dataset.grid_of(layers)
    areas = read_areas(gebied, grid.crs)
    if len(areas) != 1:
        raise ArgumentError("gevoeligheid is of one plan", value=len(areas), allowed="one polygon", where="gebied")
    block = block_of(areas, grid)
    rows, cols = grid.slices(block)
    prints = footprints(areas, block)
    if not prints.inside.any():
        raise NoOverlap("polygon lies outside the data", where="gebied")
    cells = layer_set(in_rules(layers.isel(y=rows, x=cols)))
    hectares = areas[0].geometry.area / 1e4
    return Place(functie, _chosen(cells, prints.cell), prints.cover / COVERAGE_ONE, hectares / grid.cell_ha, hectares)


def _chosen(cells: LayerSet, which: NDArray[np.int64]) -> LayerSet:
    """Return some cells of a set, flat, by their numbers."""

    def flat(values: Any) -> Any:
        return None if values is None else values.reshape(-1)[which][None, :]

    def doubt(d: LayerDoubt) -> LayerDoubt:
        return replace(d, p10=flat(d.p10), p90=flat(d.p90), median=flat(d.median))

    known: Mapping[str, LayerDoubt] = {n: doubt(d) for n, d in cells.doubts.items() if "@" not in n}
    return LayerSet({n: flat(a) for n, a in cells.present.items()}, (), doubts=known)
