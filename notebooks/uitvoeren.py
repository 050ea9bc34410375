"""Run every notebook and keep its outputs: `python notebooks/uitvoeren.py`."""

from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Write the .ipynb beside every .py of this folder."""
    for source in sorted(Path(__file__).parent.glob("[0-9]*.py")):
        notebook = jupytext.read(source)
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
        for number, cell in enumerate(notebook.cells, start=1):
            cell["id"] = f"cel-{number}"
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
