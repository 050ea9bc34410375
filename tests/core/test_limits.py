"""What is free of memory is the least that the machine, its containers and the process itself allow."""

import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from waterbodem.core import limits
from waterbodem.core.errors import ArgumentError

MACHINE = 32 << 30
GROUP = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def system(tmp_path):
    """A machine with 32 GB free, on which groups may be made."""
    return System(tmp_path)


class System:
    """Files as the kernel shows them."""

    def __init__(self, folder):
        self.proc, self.groups = folder / "proc", folder / "cgroup"
        self.write(self.proc / "meminfo", f"MemTotal: 99 kB\nMemAvailable:   {MACHINE // 1024} kB\n")
        self.write(self.proc / "self/statm", "1000 500 100 1 0 400 0")

    def write(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))

    def mounted(self, kind, group, root="/", options="rw,memory"):
        number, names = ("0", "") if kind == "cgroup2" else ("4", "cpu,memory")
        self.write(self.proc / "self/cgroup", f"9:pids:/elsewhere\n{number}:{names}:{group}\n")
        lines = f"30 23 0:26 / /proc rw - proc proc rw\n31 23 0:27 {root} {self.groups} rw - {kind} {kind} {options}\n"
        self.write(self.proc / "self/mountinfo", lines)

    def v2(self, group, most, used, inactive=0, active=0):
        folder = self.groups / group
        self.write(folder / "memory.max", most)
        self.write(folder / "memory.current", used)
        self.write(folder / "memory.stat", f"anon 5\ninactive_file {inactive}\nactive_file {active}\n")

    def v1(self, group, most, used, total_inactive=0):
        folder = self.groups / group
        self.write(folder / "memory.limit_in_bytes", most)
        self.write(folder / "memory.usage_in_bytes", used)
        self.write(folder / "memory.stat", f"inactive_file 7\ntotal_inactive_file {total_inactive}\n")

    @property
    def free(self):
        return limits.free_memory(self.proc)


def test_a_machine_without_groups_has_what_it_says(system):
    assert system.free == MACHINE


def test_a_group_leaves_its_limit_less_what_it_holds(system):
    system.mounted("cgroup2", "/a/b")
    system.v2("a/b", 1000, 400)
    assert system.free == 600


def test_pages_of_files_that_the_kernel_lets_go_are_free(system):
    """A layer that is hashed and then read lies among the active pages; both kinds go before a process is killed."""
    system.mounted("cgroup2", "/a")
    system.v2("a", 1000, 900, inactive=300, active=400)
    assert system.free == 800


def test_the_tightest_group_above_counts(system):
    system.mounted("cgroup2", "/pod/box/job")
    system.v2("pod/box/job", "max", 10)
    system.v2("pod/box", 5000, 1000)
    system.v2("pod", 3000, 2900)
    assert system.free == 100


def test_a_container_sees_its_own_group_as_the_topmost(system):
    """Docker without a namespace: /proc names the path on the host, of which only the own end is mounted."""
    system.mounted("cgroup2", "/docker/abc/job", root="/docker/abc")
    system.v2("job", 800, 100)
    assert system.free == 700
    system.v2(".", 600, 100)
    assert system.free == 500


@pytest.mark.parametrize("group", ["/../../other", "/docker/abc"])
def test_a_group_that_is_not_seen_is_the_one_that_is_mounted(system, group):
    system.mounted("cgroup2", group, root="/mine")
    system.v2(".", 600, 100)
    assert system.free == 500


def test_the_older_kind_of_groups_counts_its_children(system):
    system.mounted("cgroup", "/slurm/job_1")
    system.v1("slurm/job_1", 9223372036854771712, 50)
    system.v1("slurm", 4000, 3000, total_inactive=1000)
    assert system.free == 2000


def test_groups_that_count_no_memory_limit_none(system):
    system.mounted("cgroup", "/a", options="rw,cpu")
    system.v1("a", 10, 5)
    assert system.free == MACHINE


@pytest.mark.parametrize("text", ["", "none", "12 MB", "max"])
def test_what_is_no_number_is_no_limit(system, text):
    system.mounted("cgroup2", "/a")
    system.v2("a", text, 5)
    assert system.free == MACHINE


def test_more_held_than_allowed_leaves_nothing(system):
    system.mounted("cgroup2", "/a")
    system.v2("a", 1000, 1500)
    assert system.free == 0


def test_without_proc_the_library_for_other_systems_says_it(tmp_path):
    psutil = pytest.importorskip("psutil")
    found = limits.free_memory(tmp_path)
    assert found == pytest.approx(psutil.virtual_memory().available, rel=0.2)


# --- real limits -----------------------------------------------------------------------------------------------------

ASK = "from waterbodem.core import limits; print(limits.free_memory())"


def answer(before=lambda: None):
    said = subprocess.run(
        [sys.executable, "-c", ASK], preexec_fn=before, capture_output=True, text=True, check=True, cwd=os.getcwd()
    )
    return int(said.stdout)


@pytest.mark.parametrize("name", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_limits_of_the_process_count(name):
    most = 1 << 30
    assert most / 2 < answer(lambda: resource.setrlimit(getattr(resource, name), (most, most))) < most


@contextmanager
def group(limit):
    """A control group of this machine with a limit; skipped where none may be made."""
    folder = GROUP / f"waterbodem_test_{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(limit))
    except OSError:
        pytest.skip("no control group may be made here")
    try:
        yield lambda: (folder / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        folder.rmdir()


def test_a_real_group_counts():
    with group(1 << 30) as enter:
        assert (1 << 30) * 0.8 < answer(enter) <= 1 << 30


def command(*arguments, most):
    """What the command says and how it ends under a limit on addresses."""
    done = subprocess.run(
        [sys.executable, "-m", "waterbodem", *arguments],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("most", [400_000_000, 600_000_000, 1_000_000_000])
def test_too_few_addresses_are_refused_before_anything_is_loaded(most, tmp_path):
    code, said = command("demo", str(tmp_path / "a"), most=most)
    assert code == 1 and said.startswith("fout: limit on addresses is too small to start; got ")
    assert not any(tmp_path.iterdir())


def test_too_little_memory_is_refused_by_name(system):
    system.mounted("cgroup2", "/a")
    system.v2("a", 250_000_000, 0)
    with pytest.raises(ArgumentError, match="not enough memory to start; got '0.25 GB free'"):
        limits.check_start(system.proc)
