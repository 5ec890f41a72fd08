"""Pages of ours, opened in Chromium as a reader opens them: from a file, without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PHONE = (390, 844)


@contextmanager
def opened(path: Path, *, size: tuple[int, int] = (1280, 900), dark: bool = False) -> Iterator:
    """A page of Playwright, once its script is done; in the end it has had no error, no request."""
    api = pytest.importorskip("playwright.sync_api", reason="make browser installs it")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    said, asked = [], []
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        width, height = size
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("html[data-ready=true]", state="attached")  # no eval: the policy
        yield page
        browser.close()
    elsewhere = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert (said, elsewhere) == ([], [])


def is_too_wide(page) -> bool:
    """Whether the page itself, and not only a part of it, scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
