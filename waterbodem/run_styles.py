"""How QGIS draws what a batch run made: a style beside every map, and a project of those that are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from waterbodem.job import Job, Variant
from waterbodem.journal import Journal
from waterbodem.output_names import PROJECT, RECEPTION
from waterbodem.parts import Product, products
from waterbodem.qgis import OutputMap, stage_styles
from waterbodem.scoring import parts_of

Keys = Mapping[Variant, str]


def output_map(job: Job, variant: Variant, product: Product) -> OutputMap:
    """Return what a map of a variant is, as a GIS should show it."""
    present = [n for n in job.stack.sources if "@" not in n]
    criteria = [p.name for p in parts_of(variant.functie, present)]
    return OutputMap(product.quantity, variant.functie, criteria, variant.scenario, product.is_float)


def make_styles(job: Job, journal: Journal, keys: Keys, whole: Sequence[Variant], others: Collection[Path]) -> None:
    """Write ``<map>.qml`` beside every map and ``waterbodem.qgs``, unless they are there and made of the same.

    Parameters
    ----------
    job : Job
    journal : Journal
    keys : mapping of Variant to str
    whole : sequence of Variant
        Those whose maps are there; only they are in the project, and without any there is none.
    others : collection of Path
        Maps of who receives it that are there.
    """
    maps = [(v, m) for v in whole for m in _maps(job, v, others)]
    mark = hashlib.sha256(repr([(keys[v], m.path) for v, m in maps]).encode()).hexdigest()
    styles = {_style(job, m): keys[v] for v, m in maps}
    made = styles | {job.output / PROJECT: mark}
    if not whole or all(journal.output_done(path, key) for path, key in made.items()):
        return
    with journal.placing(mark, styles) as stage:
        stage_styles(stage, job.output, [m for _, m in maps], job.grid, areas=bool(job.areas))


def _maps(job: Job, variant: Variant, others: Collection[Path]) -> Iterator[OutputMap]:
    yield from (output_map(job, variant, p) for p in products(job))
    received = (OutputMap(name, variant.functie, scenario=variant.scenario) for name in RECEPTION)
    yield from (m for m in received if job.output / m.path in others)


def _style(job: Job, m: OutputMap) -> Path:
    return (job.output / m.path).with_suffix(".qml")
