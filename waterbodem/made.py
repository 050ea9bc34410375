"""What a run made, as its page tells it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waterbodem.job import Job, Variant
from waterbodem.version import texts_version


@dataclass(frozen=True)
class Made:
    """Maps, tables and pages that are there, of what they were made, and what failed.

    Parameters
    ----------
    file : str
        Name of the run file.
    keys : mapping of Variant to str
        Of the variants whose maps are whole.
    inputs : mapping of layer to mapping
        File, sha256, source, year and resampling of each.
    outputs : mapping of Path to str
        Files with their sha256.
    problems : sequence of (str, str)
        What failed, and why.
    failed : sequence of str
        Functies, with their scenario, that nothing was made of.
    outside : sequence of str
        Polygons without a cell.
    """

    file: str
    keys: Mapping[Variant, str]
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[Path, str]
    problems: Sequence[tuple[str, str]]
    failed: Sequence[str]
    outside: Sequence[str]

    def mark(self, job: Job) -> str:
        """Return a hash of all that the page depends on."""
        settings = job.file.model_dump(mode="json", by_alias=True)
        keys = {v.name: k for v, k in self.keys.items()}
        files = {p.relative_to(job.output).as_posix(): d for p, d in self.outputs.items()}
        told = [
            self.file,
            keys,
            self.inputs,
            files,
            sorted(self.problems),
            sorted(self.failed),
            self.outside,
            settings,
            job.stack.title,
        ]
        return hashlib.sha256(f"{json.dumps(told)} {texts_version()}".encode()).hexdigest()
