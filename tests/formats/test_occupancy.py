"""The lock of an output folder: one command at a time, nothing left, and words where a disk knows no locks."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from waterbodem.core.errors import ArgumentError, OutOfSpace
from waterbodem.formats import occupancy
from waterbodem.formats.occupancy import is_held, occupied

fcntl = pytest.importorskip("fcntl")


def test_the_second_is_refused_by_name_or_waits(tmp_path):
    uit, inside, go, seen = tmp_path / "uit", threading.Event(), threading.Event(), []

    def first():
        with occupied(uit):
            inside.set()
            go.wait(20)
            seen.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20) and is_held(uit)
    with pytest.raises(ArgumentError, match="output: another command is busy in this folder; got 'uit'"):
        occupied(uit).__enter__()
    threading.Timer(0.3, go.set).start()
    with occupied(uit, 20):
        seen.append("second")
    thread.join()
    assert seen == ["first", "second"] and not is_held(uit)
    assert not list(uit.iterdir()), "the folder was there when the second one came"


def test_many_at_once_are_one_at_a_time(tmp_path):
    """Whoever leaves removes what others are just about to lock."""
    inside, most, done = [], [], []

    def work():
        for _ in range(15):
            with occupied(tmp_path / "uit", 60):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                done.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(done) == 60
    assert not list(tmp_path.glob("uit/*"))


def test_what_is_there_stays(tmp_path):
    uit = tmp_path / "diep" / "uit"
    with occupied(uit):
        (uit / "a.txt").touch()
    assert [p.name for p in uit.iterdir()] == ["a.txt"]
    (uit / ".waterbodem" / "parts").mkdir(parents=True)
    with pytest.raises(ZeroDivisionError), occupied(uit):
        raise ZeroDivisionError
    assert [p.name for p in (uit / ".waterbodem").iterdir()] == ["parts"]


@pytest.mark.parametrize("code", ["ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EIO"])
@pytest.mark.parametrize("name", ["flock", "lockf"])
def test_a_disk_that_knows_no_locks_is_told_as_such(tmp_path, monkeypatch, name, code):
    number = getattr(errno, code)

    def refused(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, name, refused)
    with pytest.raises(ArgumentError) as found, occupied(tmp_path / "uit"):
        pass
    assert found.value.what == "file system of the output folder knows no locks, which keep commands apart"
    assert (found.value.value, found.value.where) == (os.strerror(number), str(tmp_path / "uit"))
    assert "a disk of this machine" in found.value.allowed
    assert list(tmp_path.iterdir()) == []


def test_another_who_tries_the_lock_just_now_is_no_obstacle(tmp_path, monkeypatch):
    def busy(*_):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(fcntl, "lockf", busy)
    with occupied(tmp_path / "uit"):
        assert is_held(tmp_path / "uit")


@pytest.mark.parametrize(("code", "kind"), [("ENOSPC", OutOfSpace), ("EACCES", ArgumentError)])
def test_a_folder_that_cannot_be_made_is_told(tmp_path, monkeypatch, code, kind):
    def refused(*_, **__):
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(kind, match="uit: (disk, quota or size limit is full|output folder cannot be written)"):
        occupied(tmp_path / "uit").__enter__()


def test_a_lock_that_always_goes_is_not_tried_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(occupancy, "_probed", lambda path: -1)
    with pytest.raises(ArgumentError, match="another command is busy"):
        occupied(tmp_path / "uit").__enter__()
