"""A run on a Dask cluster: the same bytes, whatever happens to its workers; real processes, really killed."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import xarray as xr
from dask import config
from distributed import Client, LocalCluster

import waterbodem as wb
from tests.batch.test_runner import digests, province
from tests.faults import test_one_fails as one_fails
from tests.support.accidents import with_accident
from waterbodem.batch import runner, workers
from waterbodem.core.errors import ArgumentError, ClusterError, LayerError, Problems

TILE = 256
PARTS, FUNCTIES = 9, ("woningbouw", "natte_natuur")


def place(folder):
    """A narrow area of nine parts with polygons in all of them."""
    return province(folder / "run", PARTS * TILE, 60, (1, 2, 2300, 50), (700, 20, 1200, 58), FUNCTIES)


@pytest.fixture(scope="module")
def cluster():
    quick = {"distributed.scheduler.allowed-failures": 0, "distributed.comm.timeouts.connect": "5s"}
    with (
        config.set(quick),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as found,
    ):
        yield found


@pytest.fixture(scope="module")
def client(cluster):
    with Client(cluster, set_as_default=False) as found:
        yield found


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = place(tmp_path_factory.mktemp("reference"))
    assert runner.run(path, workers=1, tile=TILE).complete
    return digests(path.parent / "uit")


def arrange(monkeypatch, row, how, seconds=0.0):
    """Let something happen in the part that begins at a row."""
    real = runner.open_job

    def opened(*args, **kw):
        job = real(*args, **kw)
        top = job.grid.top - row * job.grid.dy
        return replace(job, stack=with_accident(job.stack, top=top, how=how, seconds=seconds))

    monkeypatch.setattr(runner, "open_job", opened)


def second_part(path):
    return list(runner.open_job(path, part_rows=TILE).parts())[1].first


def test_a_cluster_gives_the_same_bytes_as_threads(tmp_path, client, reference):
    outcome = runner.run(place(tmp_path), dask=client, tile=TILE)
    assert outcome.complete and outcome.made == PARTS * 2
    assert digests(tmp_path / "run" / "uit") == reference
    assert client.status == "running", "a client of the caller's stays open"


def test_few_parts_are_in_hand_and_the_job_is_sent_once(tmp_path, client, monkeypatch):
    sent, most, running = [], [0], set()
    real = client.submit

    def counted(function, *args, **kw):
        future = real(function, *args, **kw)
        sent.append((function.__name__, len(pickle.dumps([a for a in args if not hasattr(a, "status")]))))
        running.add(future.key)
        most[0] = max(most[0], len(running))
        future.add_done_callback(lambda f: running.discard(f.key))
        return future

    monkeypatch.setattr(client, "submit", counted)
    assert runner.run(place(tmp_path), dask=client, tile=TILE).complete
    assert [n for n, _ in sent].count("_same") == 1
    tasks = [size for name, size in sent if name == "_make"]
    assert len(tasks) == PARTS and max(tasks) < 5_000, "a task names its part; the job is not in it"
    assert most[0] <= workers.IN_HAND * 2 + 1


def test_a_worker_killed_in_the_middle_costs_its_parts_only(tmp_path, client, reference, monkeypatch):
    arrange(monkeypatch, -1, "", seconds=0.05)
    killed, parts = [], []

    def kill_at_three(phase, done, total):
        parts.append(phase)
        if phase == "rekenen" and parts.count("rekenen") == 3:
            pids = client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    outcome = runner.run(place(tmp_path), dask=client, tile=TILE, progress=kill_at_three)
    assert killed
    assert outcome.complete
    assert digests(tmp_path / "run" / "uit") == reference


@pytest.mark.parametrize(("how", "said"), [("kill", "worker process died"), ("raise", "MemoryError: poison")])
def test_a_poison_part_is_told_and_the_rest_completes(tmp_path, client, reference, monkeypatch, how, said):
    path = place(tmp_path)
    row = second_part(path)
    arrange(monkeypatch, row, how)
    outcome = runner.run(path, dask=client, tile=TILE)
    assert {label.rpartition(" ")[2] for label, _ in outcome.problems} == {str(row)}, "its neighbours are not to blame"
    assert all(said in reason for _, reason in outcome.problems)
    assert len(outcome.problems) == 2
    monkeypatch.undo()
    again = runner.run(path, dask=client, tile=TILE)
    assert again.complete and again.made == 2, "only what failed is made again"
    assert digests(tmp_path / "run" / "uit") == reference


def test_a_functie_that_fails_on_a_worker_costs_itself_only(tmp_path, client):
    path = one_fails.place(tmp_path / "run")
    one_fails.break_tile(tmp_path / "run/gvg.tif")
    outcome = runner.run(path, dask=client, tile=TILE)
    assert outcome.failed == ["natte_natuur"] and outcome.made == 5
    assert [label for label, _ in outcome.problems] == ["natte_natuur rij 256"]
    assert "gvg" in outcome.problems[0][1]


def test_the_command_ends_with_3_when_a_part_failed(tmp_path, client, monkeypatch):
    from click.testing import CliRunner

    from waterbodem.cli import cli

    path = place(tmp_path)
    arrange(monkeypatch, 0, "raise")
    done = CliRunner().invoke(cli, ["run", str(path), "--dask", client.scheduler.address])
    assert done.exit_code == 3, done.output
    assert "poison" in done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="needs a signal to a process")
def test_ctrl_c_stops_and_the_same_command_goes_on(tmp_path, client, reference):
    path = place(tmp_path)
    slow = [sys.executable, "-c", SLOW, str(path), client.scheduler.address]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parts = path.parent / "uit" / ".waterbodem" / "parts"
    with subprocess.Popen(slow, stderr=subprocess.PIPE, env=env) as child:
        try:
            until(lambda: len(list(parts.glob("*.part"))) >= 3)
            child.send_signal(signal.SIGINT)
            _, told = child.communicate(timeout=60)
        finally:
            child.kill()
    assert child.returncode == 3, told.decode()
    assert b"Traceback" not in told
    until(lambda: not any(client.processing().values()))
    assert len(list(parts.glob("*.part"))) < PARTS * 2, "the rest was not begun"
    assert runner.run(path, dask=client, tile=TILE).complete
    assert digests(path.parent / "uit") == reference


SLOW = """
import sys
from dataclasses import replace
from tests.support.accidents import with_accident
from waterbodem.batch import runner as batch; from waterbodem import cli
real = batch.open_job
def opened(path, digest, part_rows):
    job = real(path, digest=digest, part_rows=256)
    return replace(job, stack=with_accident(job.stack, top=-1.0, how="", seconds=0.3))
batch.open_job = opened
sys.argv[1:] = ["run", sys.argv[1], "--dask", sys.argv[2]]
cli.main()
"""


def until(happened, seconds=20):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:9", "cannot be reached.*127.0.0.1:9"),
        ("gopher://127.0.0.1:8786", "cannot be reached.*gopher"),
        ("tcp://127.0.0.1", "cannot be reached"),
        ("", "cannot be reached"),
    ],
)
def test_a_wrong_address_is_an_error_of_ours(tmp_path, address, said, monkeypatch):
    monkeypatch.setattr("waterbodem.batch.dask_workers.PATIENCE", 1)
    with pytest.raises(ClusterError, match=said):
        runner.run(place(tmp_path), dask=address)
    assert not (tmp_path / "run" / "uit").exists(), "nothing was begun"


def test_something_that_is_no_cluster_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="no cluster.*int"):
        runner.run(place(tmp_path), dask=3)


def test_other_code_on_a_worker_ends_the_run(tmp_path, client, monkeypatch):
    monkeypatch.setattr("waterbodem.batch.dask_workers.code_version", lambda: "0" * 16)
    with pytest.raises(ClusterError, match="another version"):
        runner.run(place(tmp_path), dask=client)


def test_a_scheduler_that_goes_away_ends_the_run_and_threads_go_on(tmp_path, reference, monkeypatch):
    path = place(tmp_path)
    with config.set({"distributed.comm.timeouts.connect": "1s"}):
        own = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0")
        arrange(monkeypatch, -1, "", seconds=0.1)
        closing, parts = threading.Thread(target=own.close), []

        def close_at_two(phase, done, total):
            parts.append(phase)
            if phase == "rekenen" and parts.count("rekenen") == 2:
                closing.start()

        with pytest.raises(ClusterError):
            runner.run(path, dask=own.scheduler_address, tile=TILE, progress=close_at_two)
        closing.join()
    monkeypatch.undo()
    assert runner.run(path, tile=TILE).complete
    assert digests(tmp_path / "run" / "uit") == reference


def test_a_cluster_without_workers_is_waited_for(tmp_path, reference, monkeypatch, caplog):
    monkeypatch.setattr(workers, "WATCH", 0.2)
    with LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=":0") as own:
        found = []
        run = threading.Thread(target=lambda: found.append(runner.run(place(tmp_path), dask=own.scheduler_address)))
        run.start()
        until(lambda: "has no workers" in caplog.text)
        assert not found
        own.scale(1)
        run.join(30)
    assert found[0].complete
    assert digests(tmp_path / "run" / "uit") == reference


def test_lazy_results_and_a_store_are_made_by_the_cluster(tmp_path, client):
    path = place(tmp_path)
    assert runner.run(path, tile=TILE).complete
    eager = wb.open_layers(path.parent / "lagen")
    with client.as_current():
        lazy = wb.afwenteling(wb.open_layers(path.parent / "lagen", chunks={"y": 512}), FUNCTIES)
        xr.testing.assert_identical(lazy.compute(), wb.afwenteling(eager, FUNCTIES))
        wb.write_zarr(path.parent / "uit", tmp_path / "uit.zarr", chunks={"y": 512})
    xr.testing.assert_equal(xr.open_zarr(tmp_path / "uit.zarr").compute(), wb.open_run(path.parent / "uit").compute())


def test_without_dask_it_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "waterbodem.batch.dask_workers", None)
    with pytest.raises(ArgumentError, match=r"waterbodem\[dask\]"):
        runner.run(place(tmp_path), dask="tcp://127.0.0.1:8786")


def test_the_library_does_not_import_dask_unasked():
    code = "import sys, waterbodem.cli, waterbodem.batch.runner, waterbodem.assessment.assessment\n"
    code += "assert not {'dask', 'distributed', 'zarr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "error",
    [
        LayerError("values are out.", value=3.0, allowed="less", where="lagen.toml: kwel"),
        Problems([LayerError("one."), ClusterError("two")], where="lagen.toml"),
    ],
)
def test_an_error_says_the_same_after_its_way_through_another_process(error):
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found), found.__dict__.keys()) == (type(error), str(error), error.__dict__.keys())
