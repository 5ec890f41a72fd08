"""The commands and the Python of the pages in docs/ run, page by page, from an empty folder.

Each page has a process of its own, without the checks of shapes that the tests have: this file,
run as a program.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from attn.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
SHELL = re.compile(r"[|><;*$]")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def commands(text):
    """The commands of a block of shell: single lines, or one that holds a document or a loop."""
    return re.findall(r"^(?:for .*?^done$|cat > .*?^END$|[^\n]+)$", text, re.MULTILINE | re.DOTALL)


def run(command):
    """The exit code of a command; of this program's in this process, where no shell is needed."""
    program, *arguments = shlex.split(command) if "\n" not in command else [""]
    if program == "attn" and not SHELL.search(QUOTED.sub("", command)):
        return main(arguments)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command], check=False, env={**os.environ, "PATH": path}
    ).returncode


def run_page(page):
    """Run the blocks of a page; a block may say how its commands end, or be only composed."""
    known = {}
    for language, how, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(text, str(page), "exec"), known)
            continue
        assert language == "bash"
        expected = int(how.removeprefix(" exits with ")) if "exits" in how else 0
        for command in commands(text):
            shown = f"{command} --cfg job" if how == " composed" else command
            code = run(shown)
            assert code == (expected if command.startswith("attn ") else 0), (command, code)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_runs(page, tmp_path):
    ended = subprocess.run(
        [sys.executable, __file__, page], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_table():
    table = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert set(LINK.findall(table)) == {page.name for page in PAGES if page.stem != "README"}


if __name__ == "__main__":
    run_page(Path(sys.argv[1]))
