"""Outputs of a run: made where they are not there or made of something else; what is no longer theirs is removed."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from tests.batch.test_downstream_maps import AREAS, delivery_of, place
from waterbodem.batch.downstream_maps import downstream_outputs
from waterbodem.batch.finish import _picture_outputs, _project_outputs, map_outputs
from waterbodem.batch.job import open_job
from waterbodem.batch.journal import Journal
from waterbodem.batch.outputs import Delivery, Outcome, Output
from waterbodem.batch.page import page_outputs
from waterbodem.batch.receiver_ledger import ledger_outputs
from waterbodem.batch.tables import table_outputs
from waterbodem.core.errors import CorruptLayer, OutOfSpace, WaterbodemError
from waterbodem.formats.output_names import OF_FUNCTIE, WRITTEN


@pytest.fixture
def delivery(tmp_path):
    (tmp_path / ".waterbodem").mkdir()
    steps = []
    with closing(Journal(tmp_path / ".waterbodem" / "ledger.sqlite")) as journal:
        made = Delivery(None, journal, {}, None, Outcome(tmp_path), lambda *step: steps.append(step), workers=2)
        yield made


def write(made, paths, stage):
    made.append([p.name for p in paths])
    for path in paths:
        stage.file(path).write_text("x" * len(made))


def output(delivery, *names, key="a", writes=None, made=None, **more):
    paths = tuple(delivery.outcome.output / n for n in names)
    written = paths if writes is None else [delivery.outcome.output / n for n in writes]
    return Output(paths, key, partial(write, [] if made is None else made, written), **more)


def test_what_is_there_and_made_of_the_same_stays(delivery):
    made = []
    for _ in range(2):
        delivery.make([output(delivery, "a.tif", "a.qml", made=made)])
    assert made == [["a.tif", "a.qml"]]
    assert [p.name for p in delivery.outcome.files] == ["a.tif", "a.qml"]


@pytest.mark.parametrize("harm", ["key", "gone", "cut"])
def test_what_is_not_there_as_it_was_is_made_again_with_all_beside_it(delivery, harm):
    made, beside = [], delivery.outcome.output / "a.qml"
    delivery.make([output(delivery, "a.tif", "a.qml", made=made)])
    if harm == "gone":
        beside.unlink()
    if harm == "cut":
        beside.write_text("")
    delivery.make([output(delivery, "a.tif", "a.qml", made=made, key="b" if harm == "key" else "a")])
    assert len(made) == 2
    assert beside.read_text() == "xx"


def test_what_an_output_leaves_no_longer_is_removed_and_forgotten(delivery):
    made = []
    whole, less = (
        output(delivery, "a.gpkg", "b.gpkg", made=made, key=k, writes=w) for k, w in (("a", None), ("b", ["a.gpkg"]))
    )
    delivery.make([whole])
    delivery.make([less])
    assert not (delivery.outcome.output / "b.gpkg").exists()
    assert whole.files(delivery.journal) == {}
    assert less.files(delivery.journal), "nor is the second one made again and again"
    delivery.make([whole])
    assert len(made) == 3
    assert (delivery.outcome.output / "b.gpkg").is_file()


@pytest.mark.parametrize("reason", ["niet bepaald", ""])
def test_what_is_not_made_is_not_there_and_its_reason_is_said_once(delivery, reason):
    delivery.make([output(delivery, "a.tif"), output(delivery, "b.tif")])
    delivery.make([output(delivery, n, key="b", reason=reason) for n in ("a.tif", "b.tif")])
    assert not list(delivery.outcome.output.glob("*.tif"))
    assert delivery.outcome.niet_bepaald == ((reason,) if reason else ())


def test_what_another_program_changes_at_once_is_not_removed(delivery, monkeypatch):
    """It is not what was made, so it is not told of; but it is somebody's."""
    real = Journal.placing

    def changed(journal, key, paths=()):
        class Placing:
            def __enter__(self):
                self.inner = real(journal, key, paths)
                return self.inner.__enter__()

            def __exit__(self, *error):
                done = self.inner.__exit__(*error)
                paths[0].write_text("of somebody else")
                return done

        return Placing()

    monkeypatch.setattr(Journal, "placing", changed)
    delivery.make([output(delivery, "a.tif")])
    assert (delivery.outcome.output / "a.tif").read_text() == "of somebody else"
    assert delivery.outcome.files == {}


def test_an_output_waits_for_what_it_needs(delivery):
    """The picture is first in the list of its thread, and still comes after the map."""
    begun, made = threading.Event(), []

    def late(stage):
        assert begun.wait(60)
        time.sleep(0.3)
        write(made, [delivery.outcome.output / "a.tif"], stage)

    needed = Output((delivery.outcome.output / "a.tif",), "a", late, hand="several")
    picture = output(delivery, "a.png", made=made, needs=needed.paths, hand="one", ready=begun.set)
    delivery.make([needed, picture])
    assert made == [["a.tif"], ["a.png"]]


def test_who_is_asked_to_stop_begins_no_other_map_for_a_picture_that_waits(delivery):
    made = []

    def slow(path, stage):
        time.sleep(0.2)
        write(made, [path], stage)

    def stop(*_):
        raise KeyboardInterrupt

    paths = [delivery.outcome.output / f"{n}.tif" for n in range(20)]
    maps = [Output((p,), "a", partial(slow, p), hand="several", phase="kaarten") for p in paths]
    picture = output(delivery, "a.png", needs=tuple(paths), hand="one")
    with pytest.raises(KeyboardInterrupt):
        replace(delivery, progress=stop).make([*maps, picture])
    assert len(made) < 10


def failing(error, *_):
    raise error


@pytest.mark.parametrize("hand", ["here", "several", "one"])
def test_a_failure_ends_what_it_belongs_to_and_leaves_nothing(delivery, hand):
    broken = Output((delivery.outcome.output / "a.tif",), "a", partial(failing, CorruptLayer("broken")), hand=hand)
    needing = output(delivery, "a.png", needs=broken.paths, hand="one")
    with pytest.raises(CorruptLayer, match="broken"):
        delivery.make([broken, needing])
    assert delivery.outcome.files == {}
    assert not [p for p in delivery.outcome.output.iterdir() if p.name != ".waterbodem"]


def test_a_step_with_a_label_costs_only_itself_unless_the_disk_is_full(delivery):
    with delivery.costing("ontvangers"):
        raise WaterbodemError("no")
    assert delivery.outcome.lacks("ontvangers") and not delivery.outcome.lacks("benedenstrooms")
    assert delivery.journal.problems() == [("ontvangers", "WaterbodemError: no")]
    for label, error in (("ontvangers", OutOfSpace("full")), ("", WaterbodemError("no"))):
        with pytest.raises(type(error)), delivery.costing(label):
            raise error


def test_overwriting_knows_every_file_that_a_run_may_leave(tmp_path):
    """What may be overwritten is told by names before there is a run; here both lists are held against each other."""
    job = open_job(place(tmp_path, AREAS.replace("[gebieden]", "float = true\n[gebieden]")))
    (job.work / "parts").mkdir(parents=True)
    with closing(Journal(job.work / "ledger.sqlite")) as journal:
        delivery = delivery_of(job, journal)
        journal.begin()
        journal.note_plan(
            '{"file": "run.toml", "rows": 1, "cols": 1, "part_rows": 1, "keys": {}, "maps": [], "tables": []}'
        )
        outputs = [
            *(o for outputs_of in (ledger_outputs, table_outputs, downstream_outputs) for o in outputs_of(delivery)),
            *map_outputs(job, delivery.keys),
            *_picture_outputs(delivery),
            *_project_outputs(delivery),
            *page_outputs(delivery),
        ]
    paths = [p for o in outputs for p in o.paths]
    assert len(paths) == len(set(paths)), "a file is of one output"
    folders = {job.output / v.name for v in job.variants}
    for path in paths:
        own = path.parent in folders and path.name.endswith(OF_FUNCTIE)
        assert own or (path.parent == job.output and WRITTEN.fullmatch(path.name)), path
    assert {"grootboek.gpkg", "stroompaden.gpkg", "overzicht.png", "waterbodem.qgs"} <= {p.name for p in paths}
