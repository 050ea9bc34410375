"""The page of a batch run: what was asked, what came out, and a link to every file."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from waterbodem.batch.compute import CLASSES, part_file, part_maps
from waterbodem.batch.job import Job, Variant
from waterbodem.batch.outputs import Delivery, Output
from waterbodem.batch.part_file import PartReader
from waterbodem.batch.provenance import layer_provenance, output_hashes
from waterbodem.batch.state import RunPlan
from waterbodem.core.crs import label
from waterbodem.core.files import Stage
from waterbodem.core.grid import M2_PER_HA
from waterbodem.core.version import texts_version, versions
from waterbodem.definitions import registry
from waterbodem.definitions.labels import answer_steps, graded, plain_number, reference_text, short_name
from waterbodem.definitions.legends import map_title
from waterbodem.definitions.models import Functie
from waterbodem.doubt.bandbreedte import COLUMNS as RANGE
from waterbodem.engine.across import WORDS as ACROSS
from waterbodem.formats.output_names import AREAS, LEDGER, PATHS, PROJECT, REPORT
from waterbodem.formats.setting_forms import files_of, setting_facts
from waterbodem.formats.tables import original
from waterbodem.receivers.ledger_columns import NAME
from waterbodem.views.futures import holds_text
from waterbodem.views.pages import environment, policy, render

Files = Mapping[Path, str]
Inputs = Mapping[str, Mapping[str, Any]]

#: File and language.
TEMPLATE = ("run.html.j2", "nl")
#: Lines of the table of polygons that the page shows; the rest stands in the CSV.
SHOWN = 1000
LONG, REASON, NAMED = 120, 400, 100
#: Columns of the table that are words.
WORDS = {"gebied", "functie", "antwoord", "antwoord_min", "antwoord_max", "bepalend", "oorzaak", "scenario", NAME}
WORDS |= {*ACROSS, *RANGE}


def prepare_page() -> None:
    """Translate the template, which takes longer than to fill it in; an error in it is met again there."""
    environment(TEMPLATE[1]).get_template(TEMPLATE[0])


def page_outputs(delivery: Delivery) -> list[Output]:
    """Page that tells what was asked and what came out, with a link to every file that is there."""
    job, files = delivery.job, output_hashes(delivery)
    inputs = layer_provenance(job)
    page = job.output / REPORT
    return [Output((page,), _mark(delivery, files, inputs), partial(_stage_page, delivery, files, inputs, page))]


def _mark(delivery: Delivery, files: Files, inputs: Inputs) -> str:
    """Return a hash of all that the page depends on."""
    job, outcome = delivery.job, delivery.outcome
    keys = {v.name: k for v, k in delivery.keys.items()}
    names = {p.relative_to(job.output).as_posix(): d for p, d in files.items()}
    settings = job.file.model_dump(mode="json", by_alias=True)
    told = [_file(delivery), keys, inputs, names, sorted(outcome.problems), sorted(outcome.failed)]
    told += [outcome.outside, settings, job.stack.title]
    return hashlib.sha256(f"{json.dumps(told)} {texts_version()}".encode()).hexdigest()


def _file(delivery: Delivery) -> str:
    """Return the name of the run file."""
    return RunPlan.read(delivery.journal.plan()).file


def _stage_page(delivery: Delivery, files: Files, inputs: Inputs, page: Path, stage: Stage) -> None:
    stage.folder(page.parent)
    stage.file(page).write_bytes(run_html(delivery, files, inputs).encode("utf-8"))


def run_html(delivery: Delivery, files: Files, inputs: Inputs) -> str:
    """Return the page: no script, nothing from the network, the same for the same run.

    Parameters
    ----------
    delivery : Delivery
    files : mapping of Path to str
        Those that are there, with their sha256, as they are listed.
    inputs : mapping of layer to mapping
        File, sha256, source, year and resampling of each.
    """
    job, outcome = delivery.job, delivery.outcome
    table = job.output / f"{AREAS}.csv"
    return render(
        *TEMPLATE,
        kleuren="landelijk",
        policy=policy(images=["'self'", "file:"]),
        job=job,
        file=_file(delivery),
        title=short_name(job.stack.title, LONG),
        question=_question(job),
        hectares=[_hectares(job, v, key) for v, key in delivery.keys.items() if CLASSES in job.file.maps],
        maps=[_maps(job, files, v) for v in delivery.keys],
        lines=_lines(table, job) if table in files else [],
        total=len(job.areas) * len(delivery.keys),
        map_title=map_title,
        tables=_links(job, files, AREAS),
        ledger=_links(job, files, LEDGER, PATHS),
        project=_links(job, files, Path(PROJECT).stem),
        files=[_link(job, p, d) for p, d in files.items()],
        inputs={n: {k: short_name(v or "", 200) for k, v in found.items()} for n, found in inputs.items()},
        problems=[(short_name(a, LONG), short_name(b, REASON)) for a, b in sorted(outcome.problems)],
        failed=[short_name(n, LONG) for n in sorted(outcome.failed)],
        outside=[short_name(n, LONG) for n in outcome.outside[:NAMED]],
        outside_more=max(0, len(outcome.outside) - NAMED),
        principles=[p.naam for p in job.settings.rules.beginselen.values()],
        settings=_settings(job),
        versions=versions(vector=job.has_vector),
        rules=registry.rules_version(),
        graded=graded(),
    )


def _question(job: Job) -> dict[str, Any]:
    """Return what was asked."""
    grid = job.grid
    functies = list({v.functie.id: v.functie for v in job.variants}.values())
    names = [short_name(a.name, LONG) for a in job.areas[:NAMED]]
    return {
        "functies": functies,
        "scenarios": [short_name(s, LONG) for s in job.asked],
        "gebieden": names if len(job.areas) <= 12 else [],
        "aantal": len(job.areas),
        "cel": plain_number(grid.dx),
        "rijen": grid.rows,
        "kolommen": grid.cols,
        "cellen": grid.rows * grid.cols / 1e6,
        "grenzen": [plain_number(round(v, 2)) for v in grid.bounds],
        "crs": label(grid.crs),
        "referentie": reference_text(job.settings.reference, job.stack.sources, TEMPLATE[1]),
    }


def _hectares(job: Job, variant: Variant, key: str) -> tuple[Variant, list[tuple[str, float, float]], float]:
    """Return per class of a variant its letter, hectares and share; and all hectares together."""
    counts, place = np.zeros(256, np.int64), [p.name for p in part_maps(job)].index(CLASSES)
    for part in job.parts():
        with PartReader(part_file(job, job.part_key(key, part))) as file:
            counts += file["counts"][place]
    hectare = job.grid.dx * job.grid.dy / M2_PER_HA
    cells = {s.letter: int(counts[s.code]) for s in answer_steps().values()}
    whole = sum(cells.values())
    return variant, [(x, n * hectare, n / max(1, whole)) for x, n in cells.items()], whole * hectare


def _maps(job: Job, files: Files, variant: Variant) -> dict[str, Any]:
    """Return the picture and the files of one variant."""
    folder = job.output / variant.name
    links = [_link(job, p, d) for p, d in files.items() if p.parent == folder]
    picture = next((f for f in links if f["naam"].endswith(".png")), None)
    return {"variant": variant, "beeld": picture, "kaarten": [f for f in links if f["naam"].endswith(".tif")]}


def _links(job: Job, files: Files, *names: str) -> list[dict[str, Any]]:
    """Return the files of some names in the output folder itself."""
    here = {p: d for p, d in files.items() if p.parent == job.output and p.stem in names}
    return [_link(job, p, d) for p, d in here.items()]


def _link(job: Job, path: Path, digest: str) -> dict[str, Any]:
    relative = path.relative_to(job.output).as_posix()
    return {
        "pad": relative,
        "naam": path.name,
        "kaart": path.stem.removesuffix("_f32"),
        "doel": quote(relative),
        "kb": math.ceil(path.stat().st_size / 1000),
        "sha256": digest,
    }


# --- polygons --------------------------------------------------------------------------------------------------------


def _lines(table: Path, job: Job) -> list[dict[str, Any]]:
    """Return the first lines of the table, numbers as numbers."""
    functies = {v.functie.id: v.functie for v in job.variants}
    before = csv.field_size_limit(max(csv.field_size_limit(), table.stat().st_size))  # a name may be long
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return [_line(row, functies) for row in itertools.islice(csv.DictReader(file), SHOWN)]
    finally:
        csv.field_size_limit(before)


def _line(row: Mapping[str, str], functies: Mapping[str, Functie]) -> dict[str, Any]:
    found: dict[str, Any] = {n: _value(n, text) for n, text in row.items()}
    for name in {"gebied", NAME} & set(found):
        found[name] = short_name(found[name], LONG)
    found["functie"] = functies[found["functie"]]
    found["hectares"] = list(_shares(found))
    found["houdt"] = holds_text(found, TEMPLATE[1]) if "houdt_n" in found else ""
    found["kompas"] = [v for n, v in row.items() if n.startswith("kompas_")]
    return found


def _value(name: str, text: str) -> Any:
    if name in WORDS or name.startswith("kompas_"):
        return original(text)
    try:
        return float(text) if text else math.nan
    except ValueError:
        return text


def _shares(row: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield letter, hectares and share of a polygon; unknown and outside last."""
    whole = row["oppervlakte_ha"]
    parts = [*((x, row[f"ha_{x}"]) for x in graded()), ("X", row["onbekend_ha"]), ("buiten", row["buiten_ha"])]
    return ((x, ha, ha / whole) for x, ha in parts if ha > 0 and whole > 0)


# --- settings --------------------------------------------------------------------------------------------------------


def _settings(job: Job) -> Sequence[tuple[str, str]]:
    """Return name and value of what the user set."""
    file = job.file
    files = {id_: short_name(Path(path).name, LONG) for id_, path in files_of(file.settings).items()}
    own = [f"{f}.{n} = {plain_number(v)}" for f, values in file.parameters.items() for n, v in values.items()]
    found = {
        **dict(setting_facts(job.settings, TEMPLATE[1], files)),
        "Eigen functies": short_name(Path(file.functies_file).name, LONG) if file.functies_file else "",
        "Eigen getallen": "; ".join(own),
        "Gebieden uit": short_name(Path(file.gebieden.path).name, LONG) if file.gebieden else "",
    }
    return [(name, value) for name, value in found.items() if value]
