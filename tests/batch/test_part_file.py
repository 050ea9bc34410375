"""The index of a part: arrays come back as they were, without a line of Python being parsed."""

import numpy as np
import pytest

from waterbodem.batch.part_file import PartReader, PartWriter
from waterbodem.core.errors import CorruptLayer

ARRAYS = {
    "tiles": np.arange(24, dtype=np.int64).reshape(2, 2, 2, 3),
    "halves": np.zeros((0, 3), np.int64),
    "names": np.array(["droogte", "wateroverlast", "é"]),
    "none": np.array([], dtype=np.str_),
    "inside": np.array([[True, False]]),
    "sums": np.array([[0.1, np.nan, -np.inf]]).T,
    "one": np.array(7, np.uint8),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.part"
    with path.open("wb") as file:
        PartWriter(file, path.name).finish(ARRAYS)
    return path


def check(path):
    with PartReader(path) as part:
        assert part.names == tuple(ARRAYS)
        for name, want in ARRAYS.items():
            np.testing.assert_array_equal(part[name], want, strict=True)


def test_arrays_come_back_as_they_were(path):
    check(path)


def test_reading_parses_no_python(path, monkeypatch):
    """Parts are read in threads, and two threads of Python 3.11 cannot parse Python at once (gh-106905)."""

    def refuse(*_, **__):
        raise AssertionError("Python is parsed")

    monkeypatch.setattr("builtins.compile", refuse)
    check(path)


def test_an_index_under_another_name_is_damaged(path):
    with pytest.raises(CorruptLayer, match=r"b\.part"), PartReader(path.rename(path.with_name("b.part"))):
        pass
