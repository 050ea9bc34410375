"""A real browser without network for tests of pages; missing, it is a failure in CI and a skip elsewhere."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

from tests.support.needs import missing

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def browser():
    """Chromium with a profile of its own, driven by Playwright."""
    path = shutil.which("chromium")
    if path is None:
        missing("chromium is needed for tests in a browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is needed for tests in a browser")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, headless=True, args=list(QUIET))
        yield running
        running.close()


class Seen:
    """What a page asked for, complained of, and tried to run."""

    def __init__(self, page, own):
        self.requests, self.complaints, self.dialogs = [], [], []
        page.on("request", lambda r: None if r.url.split("#")[0] == own else self.requests.append(r.url))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))

    @property
    def anything(self):
        return self.requests + self.complaints + self.dialogs


@contextmanager
def opened(running, path, size=(1280, 800), *, before=None, touch=False):
    """A file in a page of its own, offline; yields the page and what it did.

    ``before`` is called with the empty page, to put something in place that the file will meet.
    """
    context = running.new_context(offline=True, viewport={"width": size[0], "height": size[1]}, has_touch=touch)
    page = context.new_page()
    if before:
        before(page)
    seen = Seen(page, path.as_uri())
    page.goto(path.as_uri())
    yield page, seen
    context.close()
