"""Real processes at a twentieth of a second each: one child that has imported everything, and forks on request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: What a forked process runs: code of a test first, for instance a limit, then the command line.
TAIL = "\nimport sys\nfrom waterbodem.cli import main\nmain()\n"

#: Small and with every kind of output: maps, tables, floats.
RUN = """
layers = "lagen/lagen.toml"
functies = ["woningbouw"]
output = "uit"
float = true
[gebieden]
path = "lagen/plannen.geojson"
"""


@contextmanager
def in_memory(folder):
    """Give a folder in memory where there is one: what a disk takes to flush is no part of a test; else this one."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        yield folder
        return
    with tempfile.TemporaryDirectory(dir=shared) as made:
        yield Path(made)


@dataclass(frozen=True)
class Done:
    """How a process ended: exit code (negative: the signal), and what it said."""

    code: int
    out: str
    err: str


class Nursery:
    """Starts processes; a context manager."""

    def __enter__(self):
        command = [sys.executable, str(Path(__file__))]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._folder = tempfile.TemporaryDirectory()
        self._started = 0
        return self

    def __exit__(self, *_):
        self._child.communicate(timeout=30)
        self._folder.cleanup()

    def _ask(self, **request):
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def start(self, *arguments, code="", cwd=None):
        """Start ``waterbodem`` with arguments, after some code; return its process id."""
        self._started += 1
        said = str(Path(self._folder.name) / str(self._started))
        pid = self._ask(
            argv=["waterbodem", *map(str, arguments)], code=code + TAIL, said=said, cwd=str(cwd or os.getcwd())
        )
        return pid, said

    def wait(self, started):
        """Return how a started process ended."""
        pid, said = started
        code = os.waitstatus_to_exitcode(self._ask(wait=pid))
        return Done(code, *(Path(f"{said}.{end}").read_text(encoding="utf-8") for end in ("out", "err")))

    def run(self, *arguments, **more):
        return self.wait(self.start(*arguments, **more))


def serve():
    """Fork on request; the forked process returns what it must run, the first one at the end nothing."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitpid(request["wait"], 0)[1]
        else:
            answer = os.fork()
            if not answer:
                return request
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return None


def become(request):
    """Be the process that was asked for."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, end in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{request['said']}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    exec(request["code"], {"__name__": "__main__"})


def plain_picture(_job, _variant):
    """Stand in for the picture of the maps, which takes longer to draw than all else of a small run."""
    return b"picture"


def prepare():
    """Import what a run and an answer need, and load their kernels; no thread is left when this returns."""
    from waterbodem.assessment import files, from_files
    from waterbodem.batch import picture, runner

    picture.picture_png = plain_picture

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(__file__).parents[2] / "rasters" / "voorbeeld", Path(folder) / "lagen")
        path = Path(folder) / "run.toml"
        path.write_text(RUN, encoding="utf-8")
        runner.run(path, workers=1)
        lagen = path.parent / "lagen"
        asked = from_files.CommandQuestion(lagen / "lagen.toml", ("woningbouw",), lagen / "plannen.geojson")
        files.herkomst(from_files.assess_files(asked, str), {}, "", 0.0)


if __name__ == "__main__":
    prepare()
    asked = serve()
    if asked:
        become(asked)
