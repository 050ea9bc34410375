"""Exposure of a whole run: swept once per layer that tells vulnerability, kept as files named by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from waterbodem.batch.job import Job, targets_mark
from waterbodem.batch.journal import Journal
from waterbodem.core import memory
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import sha256_of
from waterbodem.core.version import code_version
from waterbodem.definitions.receiving import reception_rules
from waterbodem.engine.layer_set import Floats
from waterbodem.formats.foreign.door import open_raster
from waterbodem.formats.setting_forms import marks
from waterbodem.receivers.downstream import followed, sweep_of, swept, vulnerability, vulnerable_layer
from waterbodem.receivers.flow import D8_OPEN, Codes
from waterbodem.receivers.flow_bands import BYTES_PER_CELL, expose_in_bands
from waterbodem.receivers.flow_store import stored_codes
from waterbodem.receivers.land import land_of_stack
from waterbodem.receivers.question import ReceiverQuestion

#: Where directions and sweeps are kept, and how sweeps are called: of vulnerability, and of where it is unknown.
FOLDER, SWEEPS = "stroming", ("blootstelling", "onbekend")
#: Bytes that the codes of all cells, and one layer of them, take while bands are swept.
BESIDE_BANDS = 9
#: A sweep that keeps less than this many rows at a time is not worth beginning.
LEAST_ROWS = 16


@dataclass(frozen=True)
class Exposure:
    """Where the water of a run goes, and how vulnerable it is there.

    Attributes
    ----------
    job : Job
    receiver_question : ReceiverQuestion
        The polygons of the run as plans; none where the run has none.
    """

    job: Job
    receiver_question: ReceiverQuestion

    @property
    def grid(self) -> Grid:
        """All of the data."""
        return self.receiver_question.land.grid

    @cached_property
    def reason(self) -> str:
        """Why nothing can be said, in Dutch; empty if something can."""
        flow, reason = self.receiver_question.water
        return "" if flow is not None or self._codes is not None else reason

    @cached_property
    def _codes(self) -> Codes | None:
        """Directions that were found before, where they do not fit in memory as a network; else None."""
        if self.receiver_question.water[0] is not None or "maaiveld" not in self.receiver_question.land:
            return None
        free = memory.available_memory()
        if free is not None and BESIDE_BANDS * self.grid.rows * self.grid.cols + memory.WORKING > memory.USABLE * free:
            return None
        land = self.receiver_question.land
        return stored_codes(land.layer("maaiveld"), self.grid, self.receiver_question.folder, land.water)

    def why_not(self, scenarios: Iterable[str]) -> str:
        """Return why there is no map of who lies downstream, in Dutch; empty if there can be one."""
        if "maaiveld" in self.receiver_question.land and not all(
            vulnerable_layer(self.receiver_question.land.names, s) for s in scenarios
        ):
            return reception_rules().reason("kwetsbaarheid")
        return self.reason

    def key(self, scenario: str) -> str:
        """Return the sha256 of all that exposure depends on."""
        stack = self.job.around
        names = ["maaiveld", "water", vulnerable_layer(list(stack.sources), scenario)]
        layers = [self.job.mark(n) if n and n in stack.sources else None for n in names]
        text = json.dumps([layers, repr(self.grid), marks(self.job.settings, "blootstelling"), code_version()])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def mark(self) -> str:
        """The sha256 of all that a ledger depends on beside its functie; empty where nobody asked for one."""
        if not self.job.wants_ledger:
            return ""
        stack = self.job.around
        layers = [self.job.mark(n) for n in stack.sources if "@" not in n]
        asked = marks(self.job.settings, "ontvangers")
        text = json.dumps([layers, self.key(""), targets_mark(self.job.receivers), asked])
        return hashlib.sha256(text.encode()).hexdigest()

    def file(self, journal: Journal, scenario: str, unknown: bool = False) -> Path:
        """Return D as a float32 raster on all of the data, or the share of the water that cannot be followed.

        Swept if it is not there, or not as it was written: it is hashed before it is used again.
        """
        key, path = self.key(scenario), self._place(scenario, unknown)
        noted = journal.output_done(path, key)
        if noted is None or sha256_of(path) != noted:
            value = vulnerability(self.receiver_question.land, scenario)
            with journal.placing(key) as stage:
                stage.folder(path.parent)
                self._sweep(stage.file(path), *sweep_of(followed(value, self._open_water), unknown))
                journal.refuse_changed()
        return path

    def _place(self, scenario: str, unknown: bool) -> Path:
        return self.job.work / FOLDER / f"{SWEEPS[unknown]}_{self.key(scenario)[:40]}.tif"

    def kept(self) -> set[Path]:
        """Return where sweeps of this run are kept; others in that folder are of an earlier content."""
        scenarios = {v.scenario for v in self.job.variants}
        return {self._place(s, unknown) for s in scenarios for unknown in (False, True)}

    @property
    def _open_water(self) -> NDArray[np.bool_]:
        """Cells where the way of the water ends; none where nothing can be said."""
        flow, codes = self.receiver_question.water[0], self._codes
        if flow is not None:
            return flow.open_water
        return np.zeros(self.grid.shape, np.bool_) if codes is None else codes == D8_OPEN

    def _sweep(self, temp: Path, value: NDArray[Any], beyond: float) -> None:
        with rasterio.open(temp, "w", **_profile(self.grid)) as out:

            def write(rows: slice, found: NDArray[Any]) -> None:
                window = Window(0, rows.start, self.grid.cols, rows.stop - rows.start)
                out.write(found.astype(np.float32), 1, window=window)

            self._swept(value, beyond, write)

    def _swept(self, value: NDArray[Any], beyond: float, write: Callable[[slice, NDArray[Any]], None]) -> None:
        flow, codes = self.receiver_question.water[0], self._codes
        if flow is not None:
            write(slice(0, self.grid.rows), swept(flow, value, beyond, self.receiver_question.settings.damping))
        elif codes is not None:
            height = band_height(self.grid, memory.available_memory())
            bands = (lambda rows: codes[rows]), (lambda rows: value[rows])
            expose_in_bands(*bands, self.grid, height, write, self.receiver_question.settings.damping, beyond)


def exposure_of(job: Job) -> Exposure:
    """Return the exposure of a run; nothing is computed yet."""
    receiver_question = ReceiverQuestion(
        land_of_stack(job.around),
        job.areas,
        job.receivers,
        job.settings,
        folder=job.work / FOLDER,
        around=True,
    )
    return Exposure(job, receiver_question)


def swept_files(job: Job) -> list[Path]:
    """Return the sweeps that runs left, of whatever content."""
    return [p for name in SWEEPS for p in (job.work / FOLDER).glob(f"{name}_*.tif")]


def band_height(grid: Grid, free: int | None) -> int:
    """Return how many rows of cells can be swept at a time in free memory [bytes].

    Examples
    --------
    >>> grid = Grid(0, 0, 5, 5, 13_300, 13_200)
    >>> band_height(grid, None), band_height(grid, 4_000_000_000)
    (13300, 2045)
    """
    if free is None:
        return grid.rows
    room = memory.USABLE * free - BESIDE_BANDS * grid.rows * grid.cols
    return min(grid.rows, max(LEAST_ROWS, int(room / (BYTES_PER_CELL * grid.cols))))


def read_exposure(path: Path, land: Grid, block: Grid) -> Floats:
    """Return the exposure on a block of the data."""
    rows, cols = land.slices(block)
    with open_raster(path, "GTiff") as file:
        found = file.read(1, window=Window.from_slices(rows, cols))
    return np.asarray(found, np.float32)


def _profile(grid: Grid) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": grid.rows,
        "width": grid.cols,
        "nodata": np.nan,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "zstd",
        "zstd_level": 1,
        "predictor": 3,
        "transform": grid.transform,
        "crs": grid.crs,
        "bigtiff": "if_safer",
    }
