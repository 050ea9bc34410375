"""What an interactive map shows: every cell as one byte per layer, with the words and colours of the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    PALETTES,
    answer_steps,
    answer_text,
    colour_of,
    criterion_label,
    name_of,
    risk_class,
    texts,
    threshold_label,
    unknown_class,
)
from waterbodem.definitions.legends import legend
from waterbodem.definitions.models import RGB, Functie
from waterbodem.engine.scoring import criterion_shares
from waterbodem.formats.cog.writer import percent
from waterbodem.formats.output_names import SHARES
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.views.figures.panels import criterion_colour
from waterbodem.views.figures.sheet import PALE, STRIPE, thin

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

Bytes = NDArray[np.uint8]
#: Bytes that mean the same in every layer: not asked for, and unknown. Limits have two more, after the criteria.
OUTSIDE, UNKNOWN, BY_THRESHOLD, NOTHING = 255, 254, 253, 252
FULL = 100


@dataclass(frozen=True)
class CodedLayer:
    """One layer of one functie.

    Parameters
    ----------
    id, title : str
    codes : uint8 array (rows, cols)
    names : mapping of code to str
        For the legend and for hovering; empty for percentages.
    colours : mapping of palette to mapping of code to RGB
        Empty for what is told but not drawn.
    """

    id: str
    title: str
    codes: Bytes
    names: Mapping[int, str]
    colours: Mapping[str, Mapping[int, RGB]]

    def to_dict(self, packed: str) -> dict[str, Any]:
        """Return plain data for the page, with the codes as packed by the caller."""
        return {
            "titel": self.title,
            "namen": {str(k): v for k, v in self.names.items()},
            "kleuren": {p: {str(k): list(c) for k, c in of.items()} for p, of in self.colours.items()},
            "cellen": packed,
        }


def coded_layers(assessment: Answer, functie: Functie, step: int, taal: str) -> list[CodedLayer]:
    """Return class, score, risk, limit, cause, other shares and thresholds of one functie, every ``step``-th cell."""
    cells = assessment.of(functie)
    inside = thin(np.asarray(cells["klasse"].values), step) != NO_CRITERION
    criteria = [p.name for p in criterion_shares(functie, list(assessment.question.cells.present))]
    return [
        _classes(cells, step, taal),
        _score(cells, step, inside, taal),
        _risk(cells, step, inside, taal),
        _limits(cells, criteria, step, taal),
        _causes(cells, step, inside, taal),
        *(_share(name, name, cells, step, inside, taal) for name in SHARES if name not in ("geschiktheid", "risico")),
        _thresholds(cells, functie, step, taal),
    ]


def _thinned(cells: xr.Dataset, name: str, step: int) -> NDArray[Any]:
    return np.ascontiguousarray(thin(np.asarray(cells[name].values), step))


def _both(colours: Mapping[int, RGB]) -> dict[str, Mapping[int, RGB]]:
    return dict.fromkeys(PALETTES, colours)


def _gap(taal: str) -> tuple[str, RGB]:
    return str(texts(taal)["onbekend"]), unknown_class().kleur


def _classes(cells: xr.Dataset, step: int, taal: str) -> CodedLayer:
    codes = _thinned(cells, "klasse", step)
    scale = [s for s in answer_steps().values() if s is not unknown_class()]
    names = {s.code: f"{s.letter}  {answer_text(s.letter, taal)}" for s in scale}
    names[UNKNOWN] = f"{unknown_class().letter}  {answer_text(unknown_class().letter, taal)}"
    colours = {
        p: {**{s.code: colour_of(s, p) for s in scale}, UNKNOWN: colour_of(unknown_class(), p)} for p in PALETTES
    }
    codes = np.where(codes == unknown_class().code, np.uint8(UNKNOWN), codes)
    return CodedLayer("klasse", texts(taal)["kaart"]["klasse"], codes, names, colours)


def _percentages(values: NDArray[Any], inside: NDArray[np.bool_]) -> Bytes:
    codes = percent(values, UNKNOWN)
    return np.where(inside, codes, np.uint8(OUTSIDE))


def _share(name: str, title: str, cells: xr.Dataset, step: int, inside: NDArray[np.bool_], taal: str) -> CodedLayer:
    codes = _percentages(_thinned(cells, name, step), inside)
    ramp = {v: rgba[:3] for v, rgba in legend(name).colours.items() if v <= FULL}
    return CodedLayer(
        name,
        texts(taal)["kaart"][title],
        codes,
        {UNKNOWN: _gap(taal)[0]},
        _both({**ramp, UNKNOWN: _gap(taal)[1]}),
    )


def _score(cells: xr.Dataset, step: int, inside: NDArray[np.bool_], taal: str) -> CodedLayer:
    """Return the score; what is too little known has a score too, but shows none."""
    found = _share("geschiktheid", "score", cells, step, inside, taal)
    found.codes[_thinned(cells, "klasse", step) == unknown_class().code] = UNKNOWN
    return found


def _risk(cells: xr.Dataset, step: int, inside: NDArray[np.bool_], taal: str) -> CodedLayer:
    codes = _percentages(_thinned(cells, "risico", step), inside)
    found = {v: risk_class(v / FULL) for v in range(FULL + 1)}
    names = {v: name_of(c, taal) for v, c in found.items() if c}
    colours = {v: c.kleur for v, c in found.items() if c}
    gap, grey = _gap(taal)
    return CodedLayer(
        "risico",
        texts(taal)["kaart"]["risico"],
        codes,
        {**names, UNKNOWN: gap},
        _both({**colours, UNKNOWN: grey}),
    )


def _limits(cells: xr.Dataset, criteria: list[str], step: int, taal: str) -> CodedLayer:
    klasse, flags = _thinned(cells, "klasse", step), _thinned(cells, "vlaggen", step)
    codes = _thinned(cells, "bepalend", step).copy()
    t = texts(taal)["kaart"]
    nothing = codes == NO_CRITERION
    codes[nothing] = np.where(flags[nothing] != 0, BY_THRESHOLD, NOTHING)
    codes[klasse == unknown_class().code] = UNKNOWN
    codes[klasse == NO_CRITERION] = OUTSIDE
    gap, grey = _gap(taal)
    extra = {NOTHING: (t["niets_drukt"], PALE), BY_THRESHOLD: (t["drempel"], STRIPE), UNKNOWN: (gap, grey)}
    named = {k: (criterion_label(n, taal), criterion_colour(n)) for k, n in enumerate(criteria)}
    return _present("bepalend", t["bepalend"], codes, {**named, **extra})


def _causes(cells: xr.Dataset, step: int, inside: NDArray[np.bool_], taal: str) -> CodedLayer:
    codes, risk = _thinned(cells, "oorzaak", step).copy(), _thinned(cells, "risico", step)
    codes[inside & np.isnan(risk)] = UNKNOWN
    t, colours = texts(taal)["kaart"], legend("oorzaak").colours
    parts = {c.nr: name_of(c, taal) for c in registry.burden_rules().components}
    named = {nr: (label, colours[nr][:3]) for nr, label in {0: t["geen_oorzaak"], **parts}.items()}
    return _present("oorzaak", t["oorzaak"], codes, {**named, UNKNOWN: _gap(taal)})


def _present(id_: str, title: str, codes: Bytes, entries: Mapping[int, tuple[str, RGB]]) -> CodedLayer:
    """Return a layer whose legend holds only what occurs."""
    seen = np.bincount(codes.reshape(-1), minlength=256)
    kept = {k: v for k, v in entries.items() if seen[k]}
    names, colours = {k: name for k, (name, _) in kept.items()}, {k: colour for k, (_, colour) in kept.items()}
    return CodedLayer(id_, title, codes, names, _both(colours))


def _thresholds(cells: xr.Dataset, functie: Functie, step: int, taal: str) -> CodedLayer:
    """Return which thresholds fired, a code per combination that occurs; told, not drawn."""
    flags = _thinned(cells, "vlaggen", step)
    combinations = np.flatnonzero(np.bincount(flags.reshape(-1)))[:UNKNOWN]
    place = np.zeros(int(flags.max(initial=0)) + 1, np.uint8)
    place[combinations] = np.arange(len(combinations))
    labels = [threshold_label(d, taal) for d in functie.drempels]
    names = {
        i: "; ".join(w for k, w in enumerate(labels) if int(f) >> k & 1) for i, f in enumerate(combinations.tolist())
    }
    return CodedLayer("vlaggen", texts(taal)["rapport"]["drempels"], place[flags], names, {})
