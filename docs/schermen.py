"""Make the pictures of dossier, map and notebook: what a planner sees, by Debian's chromium and Playwright, offline."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import waterbodem as wb

HERE = Path(__file__).parent
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
        browser.close()


if __name__ == "__main__":
    main()
