"""Hashing layers ahead gives what hashing them when they are needed gives."""

import hashlib
import threading
import time

import pytest

from waterbodem.ahead import hashing
from waterbodem.errors import CorruptLayer, LayerError


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


def test_a_layer_that_changed_since_is_hashed_again(place):
    with hashing(place / "run.toml") as digest:
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


def test_layers_are_hashed_on_one_processor_while_the_program_loads(place, monkeypatch):
    busy, peak, lock = [], [], threading.Lock()

    def slowly(path, stated=None, where=""):
        with lock:
            busy.append(path)
            peak.append(len(busy))
        time.sleep(0.05)
        with lock:
            busy.remove(path)
        return sha256(path.read_bytes())

    monkeypatch.setattr("waterbodem.ahead.sha256_of", slowly)
    tables = "".join(f'[layers.l{i}]\npath = "l{i}.tif"\n' for i in range(6))
    (place / "lagen.toml").write_text(tables)
    paths = [place / f"l{i}.tif" for i in range(6)]
    for path in paths:
        path.write_bytes(path.name.encode())
    with hashing(place / "run.toml") as digest:
        time.sleep(0.12)
        assert max(peak) == 1
        assert [digest(p) for p in paths] == [sha256(p.read_bytes()) for p in paths]
    assert max(peak) > 1
