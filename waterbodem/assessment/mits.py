"""What would make it a yes: the question after measures."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Unpack

from waterbodem.answers.packages import Packages, places_of, search_of
from waterbodem.answers.question import Plans, Question, resolve_question
from waterbodem.assessment.assessment import AssessSettings, assess
from waterbodem.core.errors import ArgumentError, nearest
from waterbodem.core.lazy import xr
from waterbodem.core.progress import track
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.measures.catalogue import Maatregelen, builtin_measures, load_measures, named_measures
from waterbodem.definitions.measures.measure import Maatregel
from waterbodem.definitions.measures.rules import measure_rules
from waterbodem.definitions.models import Functie
from waterbodem.definitions.settings import Settings
from waterbodem.engine import compiling
from waterbodem.layers.polygons import Area
from waterbodem.measures.search import FREE_BY
from waterbodem.receivers.division import read_targets
from waterbodem.receivers.land import land_of
from waterbodem.receivers.question import ReceiverQuestion

#: Measures: a file with own ones beside the package's, or those that may be taken, by id or as they are.
Measures = str | Path | Maatregel | Maatregelen | Iterable[str | Maatregel]
#: Own values of parameters, of every functie asked or by functie.
Parameters = Mapping[str, float] | Mapping[str, Mapping[str, float]]


class Mits(Packages):
    """Packages that show themselves, in a notebook and a console; see :class:`Packages`."""

    def __repr__(self) -> str:
        from waterbodem.views.measures import mits_text

        return mits_text(self)

    def _repr_html_(self) -> str:
        from waterbodem.views.measures import mits_html

        return mits_html(self)


@either_spelling
def mits(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    gebied: Plans,
    maatregelen: Measures | None = None,
    samen: int = 3,
    vrij: str | None = None,
    *,
    parameters: Parameters | None = None,
    **settings: Unpack[AssessSettings],
) -> Mits:
    """Search the measures that turn an answer into a yes, and what they do to the neighbours.

    Parameters
    ----------
    layers : xr.Dataset
    functie : str, Functie or list of them
    gebied
        Plans, as of :func:`waterbodem.assess`.
    maatregelen : path, Maatregelen, or (iterable of) str and Maatregel, optional
        A file with own measures, which join those of the package; or the only ones that may be taken, by id or as
        :class:`Maatregel`. Default those of the package. The usual design stands in the table beside them.
    samen : int
        Most measures in a package, 1 to 3.
    vrij : {"D", "risico"}, optional
        By what hectares are left free, where a measure does so: default by a no.
    parameters : mapping, optional
        Own values of parameters: ``{"verhardingsgraad": 0.4}`` for all, or such a mapping per functie.
    **settings
        The keyword arguments of :func:`waterbodem.assess`. Measures are searched for today and with the range of the
        answer: ``scenarios`` and ``bandbreedte`` change nothing.

    Returns
    -------
    Mits
        ``.table``, ``.onbekend``, ``.zin()``, ``.past_wel()``.

    Raises
    ------
    WaterbodemError
        If a measure is unknown or says what none may, or an argument is not usable.

    Examples
    --------
    >>> import waterbodem as wb
    >>> m = wb.mits(wb.example(), "woningbouw", wb.example_plans().iloc[:1], maatregelen=["kruipruimteloos"])
    >>> m.table.maatregelen.tolist()
    ['', 'standaardontwerp', 'kruipruimteloos']
    """
    _check(samen, vrij)
    inspect.signature(assess).bind(layers, functie, gebied, **settings)
    functies = _with(parameters or {}, registry.chosen_functies(functie)[0])
    measures, named = _chosen(maatregelen, functies)
    q = _question(layers, functies, gebied, settings)
    asked = partial(search_of, q, measures=measures, together=int(samen), free_by=vrij, named=named)
    return Mits(q, {p: asked(p) for p in track(places_of(q), "maatregelen zoeken")})


def _question(layers: xr.Dataset, functies: Sequence[Functie], gebied: Plans, settings: AssessSettings) -> Question:
    asked = Settings.of(settings)
    compiling.tell()
    land = settings.get("omgeving") or land_of(layers)
    given = read_targets(settings.get("ontvangers"), land.grid.crs, settings.get("id_ontvangers"))

    def enquire(areas: Sequence[Area]) -> ReceiverQuestion:
        return ReceiverQuestion(land, tuple(areas), given, asked, folder=settings.get("bewaar"), around=True)

    return resolve_question(layers, functies, gebied, asked, settings.get("id"), enquire, settings.get("scenarios"))


def _with(parameters: Parameters, functies: Sequence[Functie]) -> list[Functie]:
    """Return functies with own values of parameters."""
    if not isinstance(parameters, Mapping):
        allowed = "a mapping of parameter to number, or of functie to such a mapping"
        raise ArgumentError("not parameters", value=parameters, allowed=allowed, where="parameters")
    every: dict[str, float] = {n: v for n, v in parameters.items() if not isinstance(v, Mapping)}
    own = {n: v for n, v in parameters.items() if isinstance(v, Mapping)}
    ids = [f.id for f in functies]
    for name in own:
        if name not in ids:
            raise ArgumentError("functie is not asked", value=name, allowed=nearest(name, ids), where="parameters")
    found = {f.id: {**every, **own.get(f.id, {})} for f in functies}
    return [f.replace(**found[f.id]) if found[f.id] else f for f in functies]


def _check(together: int, free_by: str | None) -> None:
    most = measure_rules().keuze.samen
    if isinstance(together, bool) or not isinstance(together, Integral) or not 1 <= int(together) <= most:
        raise ArgumentError("so many measures make no package", value=together, allowed=f"1 to {most}", where="samen")
    if free_by is not None and free_by not in FREE_BY:
        raise ArgumentError("hectares are left free by", value=free_by, allowed=", ".join(FREE_BY), where="vrij")


def _chosen(measures: Measures | None, functies: Sequence[Functie]) -> tuple[Sequence[Maatregel], bool]:
    """Return the measures that may be taken, and whether they were named."""
    ids = [f.id for f in functies]
    if isinstance(measures, Maatregel) or (isinstance(measures, str) and measures in builtin_measures()):
        measures = [measures]
    if measures is None or isinstance(measures, (str, Path)):
        measures = load_measures(measures, {*registry.load_functies(), *ids})
    if isinstance(measures, Maatregelen):
        return list(measures.values()), False
    if not isinstance(measures, Iterable):
        allowed = "a file, or ids and Maatregel objects"
        raise ArgumentError("not measures", value=measures, allowed=allowed, where="maatregelen")
    return named_measures(measures, ids), True
