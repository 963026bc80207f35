"""A real Chromium: the system's, or the one that Playwright has downloaded."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # root has none, and the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "THE PLAYGROUND WAS NOT TESTED: there is no Chromium. Install one: `apt-get install chromium`,"
    " or `playwright install chromium`."
)


def program(kind: BrowserType) -> str | None:
    """Where a Chromium is, or None."""
    system = (path for name in NAMES if (path := shutil.which(name)))
    own = kind.executable_path
    return next(system, own if Path(own).exists() else None)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser for the length of the block. Without one the tests fail in CI, else they are skipped loudly."""
    with sync_playwright() as playwright:
        path = program(playwright.chromium)
        if path is None:
            if os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"):
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
