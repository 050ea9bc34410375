"""The main job: whether a functie belongs on a polygon, why, and what it shifts to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, Unpack, overload

from waterbodem.answers.answer import Answer
from waterbodem.answers.outcome import Outcome, frames_of, outcome_of
from waterbodem.answers.question import Plans, Question, resolve_question
from waterbodem.assessment.reported import Reported
from waterbodem.core.dataset import with_fill
from waterbodem.core.errors import tell_ignored
from waterbodem.core.files import write_whole
from waterbodem.core.lazy import gpd, pd, xr
from waterbodem.core.progress import track
from waterbodem.core.spellings import either_spelling
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.kompas_rules import KompasRules
from waterbodem.definitions.labels import derived_text, texts
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.models import Functie
from waterbodem.definitions.receiving import Reach
from waterbodem.definitions.scenarios import is_vague, vague_text
from waterbodem.definitions.settings import Settings
from waterbodem.engine import compiling
from waterbodem.engine.across import across
from waterbodem.engine.area_table import table_of
from waterbodem.engine.derived import derived_of
from waterbodem.engine.kompas import Verdict, verdicts
from waterbodem.engine.reference import use_of
from waterbodem.engine.rewetting import rewets
from waterbodem.engine.scoring import join_functies, layers_of
from waterbodem.kernels.scoring import NO_CRITERION
from waterbodem.layers.polygons import Area
from waterbodem.receivers.division import read_targets
from waterbodem.receivers.land import Land, land_of
from waterbodem.receivers.question import ReceiverQuestion

if TYPE_CHECKING:
    from waterbodem.views.figures.sheet import Figure
    from waterbodem.views.kompas_table import KompasTable
    from waterbodem.views.webmap.page import MapPage

#: Per functie, per polygon, the six verdicts.
Kompas = Sequence[Sequence[Sequence[Verdict]]]


class Assessment(Answer, Reported):
    """An answer that shows itself: in a notebook, as pictures, a map, a dossier and files.

    ``.cells`` holds the grids (xr.Dataset), ``.table`` a row per polygon and functie (GeoDataFrame), ``.kompas`` six
    verdicts for each, ``.grootboek`` who receives what is shifted. Water is routed when the table or the grootboek is
    first read, which takes minutes where layers hold a province; ``.rows`` is the table without it. See
    :class:`waterbodem.types.Answer`.

    Examples
    --------
    >>> import waterbodem as wb
    >>> answer = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> answer.table.to_file("plannen.gpkg", layer="gebieden")  # doctest: +SKIP
    >>> answer.write("uitvoer")  # doctest: +SKIP
    [PosixPath('uitvoer/woningbouw/geschiktheid.tif'), ...]
    """

    @either_spelling
    def plot_receivers(self, functie: str | Functie | None = None, *, taal: str = "nl") -> Figure:
        """Draw who receives the burden, see :func:`waterbodem.views.figures.receivers.plot_receivers`."""
        from waterbodem.views.figures.receivers import plot_receivers

        return plot_receivers(self, functie, taal=taal)

    @either_spelling
    def plot(
        self,
        functie: str | Functie | Sequence[str | Functie] | None = None,
        *,
        kleuren: str = "landelijk",
        taal: str = "nl",
    ) -> Figure:
        """Draw score, class, risk and what limits, see :func:`waterbodem.views.figures.maps.plot_assessment`.

        A figure of its own, of several maps: there is no ``ax`` to give. ``figure.savefig(path)`` keeps it.
        """
        from waterbodem.views.figures.maps import plot_assessment

        return plot_assessment(self, functie, kleuren=kleuren, taal=taal)

    def explore(self, *, taal: str = "nl", kleuren: str = "landelijk", achtergrond: bool = False) -> MapPage:
        """Return an interactive map that works without network; see :func:`waterbodem.views.webmap.page.map_page`.

        It shows itself in a notebook; ``.save(path)`` writes it as one HTML file.
        """
        from waterbodem.views.webmap.page import map_page

        return map_page(self, taal=taal, kleuren=kleuren, achtergrond=achtergrond)

    def html(self, taal: str = "nl", *, kleuren: str = "landelijk") -> str:
        """Return the dossier as text: what :meth:`report` writes."""
        from waterbodem.views.report.page import report_html

        return report_html(self, taal=taal, kleuren=kleuren)

    def write(self, folder: str | Path, *, float_: bool = False) -> list[Path]:
        """Write what ``waterbodem assess --output`` writes, and return the files.

        ``gebieden.gpkg`` (layer ``gebieden``) and ``.csv`` are the table, ``<functie>/klasse.tif`` and others the
        grids, ``rapport.html`` is the dossier, ``herkomst.json`` tells of what and when it was made.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there.
        float_ : bool
            Write ``<name>_f32.tif`` too: shares unrounded.
        """
        from waterbodem.assessment.files import save_assessment

        return save_assessment(self, folder, float_=float_)

    def to_dict(self, files: Sequence[Path] = ()) -> dict[str, Any]:
        """Return what ``waterbodem assess --json`` prints, as plain data: ``json.dumps`` takes it.

        Parameters
        ----------
        files : sequence of Path
            What :meth:`write` returned, to be listed with it.
        """
        from waterbodem.views.console import answer_data, ledger_data

        listed = {"files": [str(path) for path in files]} if files else {}
        return answer_data(self) | (ledger_data(self) if self.question.receiver_question.given else {}) | listed

    def save(self, path: str | Path) -> Path:
        """Write this answer with its question as one file; :func:`waterbodem.open_assessment` brings it back."""
        from waterbodem.answers.archive import save_answer

        return save_answer(self, path)

    @overload
    def to_csv(self, path: str | Path, *, excel: bool = False) -> Path: ...
    @overload
    def to_csv(self, path: IO[Any], *, excel: bool = False) -> None: ...
    def to_csv(self, path: str | Path | IO[Any], *, excel: bool = False) -> Path | None:
        """Write the table as CSV; with ``excel`` in the form that Dutch Excel opens (semicolon, comma, BOM)."""
        from waterbodem.formats.tables import csv_bytes

        return write_whole(path, csv_bytes(self.table, excel=excel))

    def __repr__(self) -> str:
        from waterbodem.views.notebook import assessment_text

        return assessment_text(self)

    def _repr_html_(self) -> str:
        from waterbodem.views.notebook import assessment_html

        return assessment_html(self)


@either_spelling
def assess(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    gebied: Plans,
    *,
    referentie: str | Functie | xr.DataArray | None = None,
    waterschap: str | Path | gpd.GeoDataFrame | None = None,
    aangelegde_berging_mm: float | None = None,
    bergingseis_mm: float | None = None,
    scenarios: str | Sequence[str] | None = None,
    methode: str = "meetkundig",
    orness: float | None = None,
    bandbreedte: bool = True,
    id: str | None = None,
    kompas: KompasRules | None = None,
    ontvangers: Plans = None,
    id_ontvangers: str | None = None,
    demping_m: float | None = None,
    reikwijdte: Reach | None = None,
    onttrekking: Well | None = None,
    bewaar: str | Path | None = None,
    omgeving: Land | None = None,
) -> Assessment:
    """Answer whether a functie belongs on one or more polygons, with the reasons.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1 on (y, x).
    functie : str, Functie or list of them
    gebied : shapely geometry or list of them, GeoSeries, GeoDataFrame, GeoJSON mapping or text, path or open file
        Polygons in any CRS; without one they are taken to be in the grid's.
    referentie : str, Functie or xr.DataArray, optional
        Present use; default layer ``gebruik``, without it grasland_veeteelt as an assumption.
    waterschap : str, Path or GeoDataFrame, optional
        Id or name of the water board that judges the plans, see :func:`waterbodem.waterschappen`; or boundaries with a
        field ``waterschap`` or ``naam``: each plan is judged by the board that holds most of it.
    aangelegde_berging_mm, bergingseis_mm : float, optional
        Storage built in the plan, default what the board asks; and storage owed per paved area [mm].
    scenarios : str or list of str, optional
        Scenarios that get rows beside today's: names of variants in the data, ``"knmi23"`` (those of KNMI'23 that are
        there) or ``"all"``. The rows of today then say what they say together; see ``Assessment.table``.
    methode, orness
        As in :func:`waterbodem.geschiktheid`.
    bandbreedte : bool
        Also look into what one ordinary error of a group of maps does to the answer: ``antwoord_laag``,
        ``antwoord_hoog`` and ``beslist`` in the table, empty without.
    id : str, optional
        Property that holds the polygons' names.
    kompas : KompasRules, optional
        A user's own rules.
    ontvangers, id_ontvangers
        Polygons that may receive the burden, and the property that holds their names; see ``Assessment.ledgers``.
    demping_m, reikwijdte, onttrekking, bewaar
        As in :func:`waterbodem.grootboek`.
    omgeving : Land, optional
        The land around, where ``layers`` hold only a part of it; default the layers.

    Returns
    -------
    Assessment

    Raises
    ------
    WaterbodemError
        If a polygon is empty or broken, all lie outside the data, an argument is not usable, or a scenario is unknown
        or has no variant.

    Examples
    --------
    >>> import waterbodem as wb
    >>> layers = wb.example()
    >>> b = wb.assess(layers, "woningbouw", wb.example_plans())
    >>> b.table.antwoord.tolist()[0] in {"A", "B", "C1", "C2", "D", "X"}
    True
    """
    settings = Settings.of(locals())
    compiling.tell()
    chosen, many = registry.chosen_functies(functie)
    settings = settings.with_reference(use_of(settings.reference, layers, chosen))
    land = omgeving or land_of(layers)
    given = read_targets(ontvangers, land.grid.crs, id_ontvangers)

    def enquire(areas: Sequence[Area]) -> ReceiverQuestion:
        return ReceiverQuestion(land, tuple(areas), given, settings, folder=bewaar, around=True)

    question = resolve_question(layers, chosen, gebied, settings, id, enquire, scenarios)
    found = [outcome_of(question, f) for f in track(chosen, "functies beoordelen")]
    outside = tuple(a.name for a, n in zip(question.areas, question.prints.inside, strict=True) if n == 0)
    scores = [some.cells for some in found]
    areas, rules = question.areas, settings.rules
    rows, futures = _tables(question, found)
    return Assessment(
        cells=with_fill(join_functies(scores, chosen) if many else scores[0], NO_CRITERION),
        rows=rows,
        futures=futures,
        kompas=kompas_of(areas, chosen, [verdicts(some.found, rules) for some in found]),
        outside=outside,
        notes=_notes(question, outside),
        question=question,
    )


def _tables(q: Question, found: Sequence[Outcome]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return the rows of today, and those of the scenarios that were asked."""
    then = [_under(q.under(s), [some.functie for some in found]) for s in track(q.asked, "scenario's beoordelen")]
    frames = [frame for same in zip(frames_of(q, found), *then, strict=True) for frame in same]
    frames, each, crs = across(frames, q.stress_tests), 1 + len(q.asked), q.grid.crs
    later = [frame for place, frame in enumerate(frames) if place % each]
    return table_of(q.areas, frames[::each], crs), table_of(q.areas, later, crs) if later else None


def _under(q: Question, functies: Sequence[Functie]) -> list[pd.DataFrame]:
    """Return the rows of functies on the layers of a scenario."""
    return frames_of(q, [outcome_of(q, f) for f in functies])


KOMPAS_COLUMNS = ("gebied", "functie", "beginsel", "symbool", "getal", "eenheid", "reden")


def kompas_of(areas: Sequence[Area], functies: Sequence[Functie], kompas: Kompas) -> KompasTable:
    """Return the six verdicts per polygon and functie, a row each."""
    rows = [
        (a.name, f.id, v.naam, v.symbool, v.getal, v.eenheid, v.reden)
        for i, a in enumerate(areas)
        for f, found in zip(functies, kompas, strict=True)
        for v in found[i]
    ]
    from waterbodem.views.kompas_table import KompasTable  # a kind of data frame: making the class loads pandas

    return KompasTable(rows, columns=list(KOMPAS_COLUMNS))


def _notes(q: Question, outside: Sequence[str]) -> tuple[str, ...]:
    notes = [f"gebied {a.nr} ({a.name}): {a.repaired}" for a in q.areas if a.repaired]
    notes += [f"gebied {name}: ligt geheel buiten de gegevens" for name in outside]
    notes += [f"scenariolaag {n} telt niet mee: de huidige laag ontbreekt" for n in q.cells.ignored]
    notes += [derived_text(n) for n in derived_of(q.cells.present) if n in layers_of(*q.functies)]
    told_not = texts("nl")["peil_zonder_ghg"]
    notes += [told_not.format(functie=f.naam) for f in q.functies if rewets(f) and "ghg" not in q.cells.present]
    notes += _vague(q)
    for name in q.cells.ignored:
        tell_ignored(f"scenario layer {name} is ignored: its present layer is not in the data")
    return tuple(notes)


def _vague(q: Question) -> list[str]:
    """Remark on layers of scenarios asked that do not say which scenario they are of."""
    names = [n for n in q.layers.data_vars if LayerName.of(n).scenario in q.asked]
    unsaid = [n for n in names if is_vague(LayerName.of(n).scenario) and not q.layers[n].attrs.get("bron_scenario")]
    return [f"{n}: {vague_text(LayerName.of(n).scenario)}" for n in unsaid]


class AssessSettings(TypedDict, total=False):
    """Keyword arguments of :func:`assess`, as functions take them that pass them on."""

    referentie: str | Functie | xr.DataArray | None
    waterschap: str | Path | gpd.GeoDataFrame | None
    aangelegde_berging_mm: float | None
    bergingseis_mm: float | None
    scenarios: str | Sequence[str] | None
    methode: str
    orness: float | None
    bandbreedte: bool
    id: str | None
    kompas: KompasRules | None
    ontvangers: Plans
    id_ontvangers: str | None
    demping_m: float | None
    reikwijdte: Reach | None
    onttrekking: Well | None
    bewaar: str | Path | None
    omgeving: Land | None


@either_spelling
def per_gebied(
    layers: xr.Dataset,
    functies: str | Functie | Sequence[str | Functie],
    gebieden: Plans,
    **settings: Unpack[AssessSettings],
) -> gpd.GeoDataFrame:
    """Return the table of :func:`assess` alone, a row per polygon and functie.

    Parameters
    ----------
    layers, functies, gebieden
        As ``layers``, ``functie`` and ``gebied`` of :func:`assess`.
    **settings
        The keyword arguments of :func:`assess`.

    Examples
    --------
    >>> import waterbodem as wb
    >>> t = wb.per_gebied(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())
    >>> t.functie.unique().tolist()
    ['woningbouw', 'natte_natuur']
    """
    return assess(layers, functies, gebieden, **settings).table
