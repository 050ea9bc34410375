"""Run every notebook and keep its outputs, pictures small: `python notebooks/uitvoeren.py`."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

#: What a notebook holds of a progress bar.
BAR = "application/vnd.jupyter.widget-view+json"


def main() -> None:
    """Write the .ipynb beside every .py of this folder."""
    for source in sorted(Path(__file__).parent.glob("[0-9]*.py")):
        notebook = jupytext.read(source)
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(source.parent))
        for number, cell in enumerate(notebook.cells, start=1):
            cell["id"] = f"cel-{number}"
            cell.metadata.pop("execution", None)
            drop_bars(cell)
        notebook.metadata.pop("widgets", None)
        for data in pictures(notebook):
            data["image/png"] = smaller(data["image/png"])
        nbformat.write(notebook, source.with_suffix(".ipynb"))


def drop_bars(cell: Any) -> None:
    """Remove progress bars, which come and go with the speed of the machine."""
    if "outputs" in cell:
        cell["outputs"] = [o for o in cell["outputs"] if BAR not in o.get("data", {}) and o.get("name") != "stderr"]


def pictures(notebook: Any) -> Iterator[Any]:
    """Yield the outputs that hold a picture."""
    outputs = (o for cell in notebook.cells for o in cell.get("outputs", []))
    return (o["data"] for o in outputs if "image/png" in o.get("data", {}))


def smaller(picture: str) -> str:
    """Return the same picture, without transparency and packed as tightly as PNG can, as base64."""
    target = BytesIO()
    Image.open(BytesIO(b64decode(picture))).convert("RGB").save(target, "PNG", optimize=True)
    return b64encode(target.getvalue()).decode()


if __name__ == "__main__":
    main()
