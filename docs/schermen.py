"""Make the pictures of dossier, map and notebook: what a planner sees, by Debian's chromium and Playwright, offline.

The notebook is the one that is kept in ``notebooks/`` with its outputs: first `python notebooks/uitvoeren.py`, then
`python docs/schermen.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import sync_playwright

import waterbodem as wb

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "notebooks" / "1_eerste_kaart.ipynb"
BELOW = "e => { e.scrollIntoView(); scrollBy(0, -14); }"
SIZE = {"width": 1280, "height": 800}


def hover(page: Any) -> None:
    """Choose the plan in the stream valley and point at one of its cells."""
    page.evaluate("kaart.klaar")
    page.get_by_role("button", name="Plan Beekdal").first.click()
    page.wait_for_timeout(200)
    left, top = page.evaluate("kaart.naarScherm(238800, 553950)")
    at = page.locator("#kaart").bounding_box()
    page.mouse.move(at["x"] + left, at["y"] + top)
    page.wait_for_timeout(200)


def scroll(page: Any) -> None:
    """Go to the first question of the notebook, below its layers."""
    page.get_by_role("heading", name="Past woningbouw op deze plannen?").evaluate(BELOW)


def notebook(path: Path) -> Path:
    """Write a kept notebook as a page that asks nothing of the network; return it."""
    exporter = HTMLExporter(mathjax_url="", require_js_url="", template_name="lab")
    body, _ = exporter.from_notebook_node(nbformat.read(NOTEBOOK, as_version=4))
    path.write_text(body, encoding="utf-8")
    return path


def take(page: Any, path: Path, name: str, act: Any = None) -> None:
    """Open a page and keep its first screen."""
    page.goto(path.as_uri())
    if act:
        act(page)
    target = HERE / f"{name}.png"
    page.screenshot(path=target)
    Image.open(target).convert("RGB").save(target, optimize=True)


def main() -> None:
    """Make the pictures."""
    answer = wb.assess(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())
    folder = Path(tempfile.mkdtemp())
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(offline=True, viewport=SIZE).new_page()
        take(page, answer.report(folder / "dossier.html"), "dossier")
        take(page, answer.explore().save(folder / "kaart.html"), "kaart", hover)
        take(page, notebook(folder / "notebook.html"), "notebook", scroll)
        browser.close()


if __name__ == "__main__":
    main()
