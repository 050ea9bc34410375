"""Hashing layers ahead gives what hashing them when they are needed gives."""

import hashlib
import subprocess
import sys
import threading
import time

import pytest

from waterbodem.batch.prehash import hashing
from waterbodem.core.errors import CorruptLayer, LayerError
from waterbodem.core.path_gate import sha256_of


@pytest.fixture
def place(tmp_path):
    """A run file, and the one layer that it reads."""
    (tmp_path / "kwel.tif").write_bytes(b"as it was")
    (tmp_path / "lagen.toml").write_text('[layers.kwel]\npath = "kwel.tif"\n')
    (tmp_path / "run.toml").write_text('layers = "lagen.toml"\noutput = "uit"\n')
    return tmp_path


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_a_layer_is_hashed(place):
    with hashing(place / "run.toml") as digest:
        assert digest(place / "kwel.tif") == digest(place / "kwel.tif") == sha256(b"as it was")


@pytest.fixture
def hashed(monkeypatch):
    """What is set once a file has been hashed."""
    done = threading.Event()

    def noted(path, stated=None, where=""):
        try:
            return sha256_of(path, stated, where)
        finally:
            done.set()

    monkeypatch.setattr("waterbodem.batch.prehash.sha256_of", noted)
    return done


@pytest.mark.parametrize("named", ["lagen.toml", "."])
def test_layers_are_hashed_before_they_are_needed(place, hashed, named):
    """Also where a run names the folder of its lagen.toml."""
    (place / "run.toml").write_text(f'layers = "{named}"\noutput = "uit"\n')
    with hashing(place / "run.toml"):
        assert hashed.wait(20)


def test_a_layer_that_changed_since_is_hashed_again(place, hashed):
    with hashing(place / "run.toml") as digest:
        assert hashed.wait(20), "what is known of it is of before"
        (place / "kwel.tif").write_bytes(b"as it became")
        assert digest(place / "kwel.tif") == sha256(b"as it became")


def test_a_layer_that_is_gone_is_told_where_it_is_needed(place):
    with hashing(place / "run.toml") as digest:
        (place / "kwel.tif").unlink()
        with pytest.raises(LayerError, match="cannot be read"):
            digest(place / "kwel.tif")


def test_a_stated_hash_is_checked(place):
    with hashing(place / "run.toml") as digest, pytest.raises(CorruptLayer):
        digest(place / "kwel.tif", "0" * 64, "kwel")


def until(true, seconds=10.0):
    """Wait for something, but not for ever."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)


def test_one_processor_is_left_to_what_loads(place, monkeypatch):
    busy, most, go = [], [], threading.Event()

    def slowly(path, stated=None, where=""):
        busy.append(path)
        most.append(len(busy))
        go.wait(20)
        busy.remove(path)
        return sha256(path.read_bytes())

    monkeypatch.setattr("waterbodem.batch.prehash.sha256_of", slowly)
    monkeypatch.setenv("WATERBODEM_THREADS", "2")
    (place / "lagen.toml").write_text("".join(f'[layers.l{i}]\npath = "l{i}.tif"\n' for i in range(6)))
    paths = [place / f"l{i}.tif" for i in range(6)]
    for path in paths:
        path.write_bytes(path.name.encode())

    def let_go():
        until(lambda: len(busy) == 2)
        go.set()

    with hashing(place / "run.toml") as digest:
        until(lambda: busy)
        time.sleep(0.1)
        assert len(busy) == 1
        threading.Thread(target=let_go).start()
        assert [digest(p) for p in paths] == [sha256(p.read_bytes()) for p in paths]
    assert max(most) == 2


@pytest.mark.parametrize("name", ["run.toml", "lagen.toml"])
def test_a_file_nested_too_deep_is_told_and_the_program_ends(place, name):
    (place / "run.toml").write_text('layers = "lagen.toml"\nfuncties = ["woningbouw"]\noutput = "uit"\n')
    (place / name).write_text(f"x = {'[' * 5000}{']' * 5000}")
    command = [sys.executable, "-m", "waterbodem", "run", str(place / "run.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=place, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "not valid TOML" in done.stderr and name in done.stderr
