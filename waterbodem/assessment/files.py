"""An assessment as files: maps, tables, report and herkomst, all of them or none."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from waterbodem.answers.answer import Answer
from waterbodem.answers.outcome import outcome_of
from waterbodem.answers.question import inputs_of
from waterbodem.assessment.provenance import herkomst
from waterbodem.core.destination import destination
from waterbodem.core.files import Stage, remove_leftovers, staging
from waterbodem.definitions.legends import Legend, legend, map_title, nodata
from waterbodem.definitions.models import Functie
from waterbodem.formats.cog.metadata import functie_tags, licence_text, made_with
from waterbodem.formats.cog.writer import percent, stage_raster
from waterbodem.formats.occupancy import occupied
from waterbodem.formats.output_names import MAPS, PROVENANCE, RECEPTION, REPORT, UNKNOWN, WORK
from waterbodem.formats.overwriting import nearest_folder, refuse_run
from waterbodem.formats.qgis_project import OutputMap, stage_styles
from waterbodem.formats.qgis_style import raster_qml
from waterbodem.formats.tables import stage_tables
from waterbodem.receivers.downstream import drawn
from waterbodem.receivers.files import ARRIVALS, stage_arrivals, stage_ledgers, stage_shown
from waterbodem.views.report.page import report_html

#: Seconds to wait for another command that writes in the same folder.
PATIENCE = 120.0


def save_assessment(
    assessment: Answer,
    folder: str | Path,
    *,
    float_: bool = False,
    command: str = "",
    started: float | None = None,
) -> list[Path]:
    """Write maps, their styles and a QGIS project, tables, report and herkomst.

    Every file appears complete, ``herkomst.json`` last, of which an old one goes first; after an error the folder is as
    it was. Other files in it are left alone, but for what a killed process left half-written. Of two at once in a
    folder the second one waits.

    Parameters
    ----------
    assessment : Answer
    folder : str or Path
        Made if it does not exist.
    float_ : bool
        Also write ``<map>_f32.tif`` for the maps that are shares.
    command : str
        For herkomst: what makes the files again, without paths of this machine.
    started : float, optional
        ``time.monotonic()`` when the work began, for the duration.

    Returns
    -------
    list of Path
        The files, herkomst last.

    Raises
    ------
    UnsafePath
        If no folder of this machine can have that name.
    OutOfSpace
        If the disk is full.
    ArgumentError
        If the folder or a file in it cannot be written, or a run keeps its results there.

    Examples
    --------
    >>> import tempfile, waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> [p.name for p in save_assessment(b, tempfile.mkdtemp())][-2:]
    ['rapport.html', 'herkomst.json']
    """
    begun = time.monotonic() if started is None else started
    root = destination(folder, "output")
    nearest_folder(root)
    with occupied(root, PATIENCE), staging() as stage:
        refuse_run(root)
        remove_leftovers(_own_folders(root))
        written = list(_stage_maps(stage, root, assessment, float_))
        written += stage_tables(stage, root, assessment.table)
        received = _stage_reception(stage, root, assessment, float_)
        maps = list(_shown(root, assessment, float_, received))
        written += [*received, *stage_styles(stage, root, maps, assessment.question.grid, areas=True)]
        written.append(_stage_text(stage, root / REPORT, report_html(assessment)))
        outputs = {p.relative_to(root).as_posix(): stage.file(p) for p in written}
        text = json_text(herkomst(assessment, outputs, command, begun))
        stage.account(root / PROVENANCE).write_bytes(text.encode("utf-8", "backslashreplace"))
    return [*written, root / PROVENANCE]


def check_folder(folder: str | Path) -> Path:
    """Return an output folder; refuse a file of that name, one that cannot be used, and one in which a run works."""
    root = Path(folder)
    nearest_folder(root)
    refuse_run(root)
    with occupied(root, PATIENCE):
        return root


def _own_folders(root: Path) -> list[Path]:
    """Return an output folder and those in it, without links and without output folders of others."""
    inner = [p for p in root.iterdir() if p.is_dir() and not p.is_symlink()]
    return [root, *(p for p in inner if not os.path.lexists(p / WORK))]


def json_text(data: Any) -> str:
    """Return plain data as JSON text, indented; refuses NaN."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _stage_text(stage: Stage, path: Path, text: str) -> Path:
    stage.file(path).write_bytes(text.encode("utf-8", "backslashreplace"))  # half a letter as JSON writes it
    return path


def _stage_maps(stage: Stage, root: Path, assessment: Answer, float_: bool) -> Iterator[Path]:
    """Write every map; yield the files."""
    grid, made = assessment.question.grid, assessment.making
    inputs = inputs_of(assessment.question.layers)
    licences = {"LICENTIE": licence_text((row["laag"], row.get("licence")) for row in inputs)}
    for functie, cells, criteria, scenario in _variants(assessment):
        told = made_with(made.library, made.rules) | functie_tags(functie) | licences
        for m in _maps(functie, criteria, float_, scenario):
            stage.folder(root / m.folder)
            steps, values = None if m.float_ else m.legend, cells[m.product].values
            yield from stage_raster(stage, root / m.path, _coded(values, steps), grid, steps, m.title, told)


def _variants(assessment: Answer) -> Iterator[tuple[Functie, xr.Dataset, list[str], str]]:
    """Yield functie, cells, criteria and scenario: those of today, each followed by those of scenarios, made again."""
    under = {s: assessment.question.under(s) for s in assessment.question.asked}
    for functie, cells, criteria in cells_per_functie(assessment):
        yield functie, cells, criteria, ""
        for scenario, question in under.items():
            yield functie, outcome_of(question, functie).cells, criteria, scenario


def _maps(functie: Functie, criteria: Sequence[str], float_: bool, scenario: str = "") -> Iterator[OutputMap]:
    """Yield what every map of a functie is; a share a second time if it is wanted in float32."""
    for name in MAPS:
        m = OutputMap(name, functie, criteria, scenario)
        yield m
        if float_ and not m.legend.classes:
            yield replace(m, float_=True)


def _stage_reception(stage: Stage, root: Path, assessment: Answer, float_: bool) -> list[Path]:
    """Write what is determined of who receives it, under temporary names; return the final ones.

    Per functie ``benedenstrooms.tif`` on the cells of the other maps, ``ontvangst.tif`` and ``grondwater.tif`` on the
    cells that are reached; ``grootboek.csv`` and ``.gpkg``, ``stroompaden.gpkg``. Maps that cannot be determined are
    not there; the ledger says why.
    """
    written = [path for files in _received_maps(stage, root, assessment, float_) for path in files]
    if assessment.is_exposed:
        where = (root, UNKNOWN, assessment.question.grid, map_title(UNKNOWN))
        written += stage_shown(stage, where, percent(assessment.exposure[1], nodata()), None)
        written.append(root / f"{UNKNOWN}.qml")
        stage.file(written[-1]).write_bytes(raster_qml(legend(UNKNOWN)))
    return written + stage_ledgers(stage, root, assessment.ledgers)


def _received_maps(stage: Stage, root: Path, assessment: Answer, float_: bool) -> Iterator[list[Path]]:
    for functie, ledger in assessment.ledgers.items():
        folder = root / functie
        if assessment.is_exposed:
            share = drawn(assessment.downstream(functie), assessment.exposure[1])
            where = (folder, "benedenstrooms", assessment.question.grid, f"{map_title('benedenstrooms')}: {functie}")
            yield stage_shown(stage, where, percent(share, nodata()), share if float_ else None)
        yield stage_arrivals(stage, folder, ledger, ARRIVALS, float_)


def _shown(root: Path, assessment: Answer, float_: bool, received: Collection[Path]) -> Iterator[OutputMap]:
    """Yield every map with a style, functie by functie: first its own, then those of who receives it."""
    for functie, _, criteria in cells_per_functie(assessment):
        for scenario in ("", *assessment.question.asked):
            yield from _maps(functie, criteria, float_, scenario)
        yield from (m for n in RECEPTION if root / (m := OutputMap(n, functie)).path in received)


def _coded(values: NDArray[Any], steps: Legend | None) -> NDArray[Any]:
    if steps is None:
        return np.ascontiguousarray(values, np.float32)
    return values if steps.classes else percent(values, steps.nodata)


def cells_per_functie(assessment: Answer) -> Iterator[tuple[Functie, xr.Dataset, list[str]]]:
    """Yield functie, cells and criteria of every functie."""
    for functie in assessment.question.functies:
        yield functie, assessment.of(functie), _criteria(assessment.cells.attrs, functie.id)


def _criteria(attrs: Mapping[str, Any], functie: str) -> list[str]:
    stated = attrs["criteria"]
    return list(json.loads(stated)[functie] if isinstance(stated, str) else stated)
