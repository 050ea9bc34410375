"""Files that appear together: stopped before or after any step, all of them are the old or all the new ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from waterbodem.core.errors import ArgumentError
from waterbodem.core.files import remove_leftovers, replacing, staging

NAMES = ("a.txt", "sub/b.txt", "c.txt", "lijst.txt")
STEPS = [(os, "replace"), (os, "link"), (os, "fsync"), (Path, "unlink"), (os, "rmdir")]


class Steps:
    """Stops a program before or after some of its steps."""

    def __init__(self, patch, *stops):
        self.count, self.stops = 0, stops
        for module, name in STEPS:
            patch.setattr(module, name, self.counted(getattr(module, name)))

    def counted(self, real):
        def call(*given, **more):
            self.count += 1
            if (self.count, "before") in self.stops:
                raise KeyboardInterrupt
            found = real(*given, **more)
            if (self.count, "after") in self.stops:
                raise KeyboardInterrupt
            return found

        return call


def write(folder, text):
    with staging() as stage:
        for name in NAMES[:-1]:
            stage.folder((folder / name).parent)
            stage.file(folder / name).write_text(text)
        stage.account(folder / NAMES[-1]).write_text(text)


def told(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def whole(folder, *texts):
    assert told(folder) in [dict.fromkeys(NAMES, text) if text else {} for text in texts]
    return told(folder).get("a.txt")


def stopped(folder, *stops):
    """Write, stopped at some steps; return how many steps there were."""
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch, *stops)
        try:
            write(folder, "new")
        except KeyboardInterrupt:
            assert stops
    return steps.count


@pytest.mark.parametrize("old", ["old", None])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("again", [0, 1, 2, 3, 5, 8])
def test_stopped_at_any_step_all_are_old_or_all_are_new(tmp_path, old, side, again):
    """Also when one is asked to stop again while what was there is put back."""
    count, ends = stopped(tmp_path / "x"), set()
    for step in range(1, count + 8):
        folder = tmp_path / str(step)
        if old:
            write(folder, old)
        stopped(folder, (step, side), (step + again, side) if again else (0, side))
        ends.add(whole(folder, old, "new"))
    assert ends == {old, "new"}


@pytest.mark.parametrize("side", ["before", "after"])
def test_one_file_is_the_old_or_the_new_one(tmp_path, side):
    path, ends = tmp_path / "a.txt", set()
    for step in range(1, 9):
        path.write_text("old")
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, (step, side))
            try:
                with replacing(path) as temp:
                    temp.write_text("new")
            except KeyboardInterrupt:
                pass
        assert list(told(tmp_path)) == ["a.txt"], step
        ends.add(path.read_text())
    assert ends == {"old", "new"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that can be killed")
def test_killed_at_any_step_the_account_tells_of_no_other_file(tmp_path):
    seen = set()
    for step in range(1, stopped(tmp_path / "x") + 20):
        folder = tmp_path / str(step)
        write(folder, "old")
        child = os.fork()
        if not child:
            with pytest.MonkeyPatch.context() as patch:
                kill_at(patch, step)
                write(folder, "new")
            os._exit(0)
        os.waitpid(child, 0)
        found = {n: (folder / n).read_text() for n in NAMES if (folder / n).exists()}
        account = found.pop(NAMES[-1], None)
        assert account is None or (set(found.values()) == {account} and len(found) == 3), (step, found)
        seen.add((account, *sorted(set(found.values()))))
        remove_leftovers([folder, folder / "sub"])
        assert set(told(folder)) <= set(NAMES)
    assert {("old", "old"), (None, "new", "old"), ("new", "new")} <= seen


def kill_at(patch, step):
    count = [0]

    def killing(real):
        def call(*given, **more):
            count[0] += 1
            if count[0] == step:
                os._exit(9)
            return real(*given, **more)

        return call

    for module, name in STEPS:
        patch.setattr(module, name, killing(getattr(module, name)))


def test_an_account_that_cannot_go_first_ends_it(tmp_path, monkeypatch):
    write(tmp_path, "old")
    real = Path.unlink

    def refused(path, **more):
        if path.name == NAMES[-1]:
            raise PermissionError(1, "Operation not permitted")
        return real(path, **more)

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(ArgumentError, match=r"lijst.txt: file cannot be written"):
        write(tmp_path, "new")
    whole(tmp_path, "old")


def test_only_what_we_left_half_written_is_removed(tmp_path):
    ours = [".a.0123456789ab.partial", ".a.b.0123456789ab.partial.tif", ".a.0123456789ab.partial.gpkg-journal"]
    others = [".a.partial.tif", "a.0123456789ab.partial.tif", ".a.0123456789AB.partial"]
    for name in (*ours, *others):
        (tmp_path / name).touch()
    remove_leftovers([tmp_path, tmp_path / "absent"])
    assert {p.name for p in tmp_path.iterdir()} == set(others)
