"""The commands and the Python of the pages in docs/ run, page by page, from an empty folder.

Each page has a process of its own, without the checks of shapes that the tests have, forked from
one in which the program is imported.
"""

import multiprocessing
import re
from pathlib import Path

import pytest
from pages import run_page

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
COMMANDS = (
    "align",
    "average",
    "compare",
    "draw",
    "evaluate",
    "list",
    "maps",
    "profile",
    "reach",
    "score",
    "significance",
    "status",
    "train",
    "translate",
)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.pages
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_runs(page, tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["attn.launch", *(f"attn.commands.{one}" for one in COMMANDS)])
    (tmp_path / "page").mkdir()
    said = tmp_path / "said"
    process = context.Process(target=run_page, args=(page, tmp_path / "page", said))
    process.start()
    process.join()
    assert process.exitcode == 0, said.read_text()[-3000:]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_table():
    table = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert set(LINK.findall(table)) == {page.name for page in PAGES if page.stem != "README"}
