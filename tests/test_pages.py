"""A page holds all it needs, whatever its texts hold, and shows them in a browser."""

import base64
import json
import re
import zlib

import browser
import pytest

from attn import pages

EVIL = "</script><script>alert(1)</script> <!-- ü ▁ \u2028 \x00"
PARTS = {
    "plain.html": '<p id="said"></p>',
    "plain.css": "#said { color: var(--accent); }",
    "plain.js": "start((data) => { said.textContent = data.text + twice });",
}


@pytest.fixture
def plain(monkeypatch):
    """A page that shows a text, within the frame of all pages."""
    ours = pages._asset
    monkeypatch.setattr(pages, "_asset", lambda name: PARTS.get(name) or ours(name))
    return pages.page("A < B", name="plain", data={"text": EVIL}, libraries=["var twice = '!!';"])


def test_what_is_packed_is_found_again(plain):
    packed = re.search(r'id="packed-data">([^<]*)</script>', plain).group(1)
    assert json.loads(zlib.decompress(base64.b64decode(packed))) == {"text": EVIL}


def test_a_text_ends_no_element(plain):
    assert "alert(1)" not in plain
    assert "<h1>A &lt; B</h1>" in plain


def test_no_page_holds_a_number_that_is_none(monkeypatch):
    monkeypatch.setattr(pages, "_asset", lambda _: "")
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        pages.page("t", name="plain", data={"loss": float("nan")})


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_it(plain, dark, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(plain, encoding="utf-8")
    with browser.opened(file, dark=dark) as page:
        assert page.text_content("#said") == f"{EVIL}!!"
        before = page.evaluate("colour('paper')")
        page.click("#theme")
        assert {before, page.evaluate("colour('paper')")} == {"#ffffff", "#14171b"}
