"""An assessment as files: maps, tables, report and herkomst, all of them or none."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from waterbodem.answer import Answer
from waterbodem.atomic import Stage, staging
from waterbodem.colours import Legend
from waterbodem.definitions import Functie
from waterbodem.output_names import MAPS, PROVENANCE, RECEPTION, REPORT
from waterbodem.overwriting import nearest_folder
from waterbodem.provenance import herkomst
from waterbodem.qgis import OutputMap, stage_styles
from waterbodem.raster_files import percent, stage_raster
from waterbodem.reception_files import stage_reception
from waterbodem.report import report_html
from waterbodem.table_files import stage_tables


def save_assessment(
    assessment: Answer,
    folder: str | Path,
    *,
    float_: bool = False,
    command: str = "",
    started: float | None = None,
) -> list[Path]:
    """Write maps, their styles and a QGIS project, tables, report and herkomst.

    Every file appears complete, ``herkomst.json`` last; after an error the folder is as it was. Other files in it are
    left alone.

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
    OutOfSpace
        If the disk is full.
    ArgumentError
        If the folder or a file in it cannot be written.

    Examples
    --------
    >>> import tempfile, waterbodem as wb
    >>> b = wb.assess(wb.example(), "woningbouw", wb.example_plans())
    >>> [p.name for p in save_assessment(b, tempfile.mkdtemp())][-2:]
    ['rapport.html', 'herkomst.json']
    """
    begun = time.monotonic() if started is None else started
    with staging() as stage:
        root = stage.folder(check_folder(folder))
        written = list(_stage_maps(stage, root, assessment, float_))
        written += stage_tables(stage, root, assessment.table)
        received = stage_reception(stage, root, assessment, float_)
        maps = list(_shown(root, assessment, float_, received))
        written += [*received, *stage_styles(stage, root, maps, assessment.question.grid, areas=True)]
        written.append(_stage_text(stage, root / REPORT, report_html(assessment)))
        outputs = {p.relative_to(root).as_posix(): stage.file(p) for p in written}
        text = json_text(herkomst(assessment, outputs, command, begun))
        written.append(_stage_text(stage, root / PROVENANCE, text))
    return written


def check_folder(folder: str | Path) -> Path:
    """Return an output folder; refuse a file of that name, as :func:`waterbodem.overwriting.nearest_folder` does."""
    nearest_folder(Path(folder))
    return Path(folder)


def json_text(data: Any) -> str:
    """Return plain data as JSON text, indented; refuses NaN."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _stage_text(stage: Stage, path: Path, text: str) -> Path:
    stage.file(path).write_bytes(text.encode("utf-8"))
    return path


def _stage_maps(stage: Stage, root: Path, assessment: Answer, float_: bool) -> Iterator[Path]:
    """Write every map; yield the files."""
    grid = assessment.question.grid
    for functie, cells, criteria in layers_of(assessment):
        for m in _maps(functie, criteria, float_):
            stage.folder(root / m.folder)
            legend, values = None if m.float_ else m.legend, cells[m.product].values
            yield from stage_raster(stage, root / m.path, _coded(values, legend), grid, legend, m.title)


def _maps(functie: Functie, criteria: Sequence[str], float_: bool) -> Iterator[OutputMap]:
    """Yield what every map of a functie is; a share a second time if it is wanted in float32."""
    for name in MAPS:
        m = OutputMap(name, functie, criteria)
        yield m
        if float_ and not m.legend.classes:
            yield replace(m, float_=True)


def _shown(root: Path, assessment: Answer, float_: bool, received: Collection[Path]) -> Iterator[OutputMap]:
    """Yield every map with a style, functie by functie: first its own, then those of who receives it."""
    for functie, _, criteria in layers_of(assessment):
        yield from _maps(functie, criteria, float_)
        yield from (m for n in RECEPTION if root / (m := OutputMap(n, functie)).path in received)


def _coded(values: NDArray[Any], legend: Legend | None) -> NDArray[Any]:
    if legend is None:
        return np.ascontiguousarray(values, np.float32)
    return values if legend.classes else percent(values, legend.nodata)


def layers_of(assessment: Answer) -> Iterator[tuple[Functie, xr.Dataset, list[str]]]:
    """Yield functie, cells and criteria of every functie."""
    for functie in assessment.question.functies:
        yield functie, assessment.of(functie), _criteria(assessment.cells.attrs, functie.id)


def _criteria(attrs: Mapping[str, Any], functie: str) -> list[str]:
    stated = attrs["criteria"]
    return list(json.loads(stated)[functie] if isinstance(stated, str) else stated)
