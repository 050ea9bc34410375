"""Every notebook runs from start to end, and its two forms say the same."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

SOURCES = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.py"))


#: The largest a notebook may be with its pictures [bytes].
LARGEST = 1_000_000


def test_there_are_notebooks():
    assert [s.stem[0] for s in SOURCES] == list("1234567")


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_notebook_tells_how_to_use_ones_own_data(source):
    last = jupytext.read(source).cells[-1]
    assert last.cell_type == "markdown"
    assert "eigen" in last.source
    assert "mijn-gebied" in last.source or "run.toml" in last.source


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_kept_notebook_is_small_and_names_no_folder_of_the_machine_that_made_it(source):
    text = source.with_suffix(".ipynb").read_text("utf-8")
    assert len(text) < LARGEST
    assert not any(place in text for place in ("/tmp/", "/home/", "/work/", "/root/"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_notebook_runs(source):
    notebook = jupytext.read(source)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(source.parent))
    assert any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_the_committed_notebook_holds_the_same_cells_with_pictures(source):
    kept = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    text = jupytext.read(source)
    assert [c.source for c in kept.cells] == [c.source for c in text.cells]
    shown = [o for c in kept.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert shown, "outputs with pictures are kept"
