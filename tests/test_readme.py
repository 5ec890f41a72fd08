"""The README's table of attentions is what ``attn list`` prints.

This file, run as a program, writes it.
"""

import re
from pathlib import Path

import pytest

from attn import tables
from attn.commands.list import _names, attentions

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"^\| attention \| roles \|.*\n(?:\|.*\n)+", re.MULTILINE)


def printed():
    return tables.markdown(*attentions())


def test_the_table_of_attentions_is_what_is_listed():
    (shown,) = TABLE.findall(README.read_text(encoding="utf-8"))
    assert shown == printed(), "run: python tests/test_readme.py"


@pytest.mark.parametrize(
    "kind", ["model", "optimizer", "position", "schedule", "search", "tokenizer"]
)
def test_what_there_is_names_all_there_is(kind):
    """Of each kind every component and every preset, and nothing else."""
    rows = re.findall(r"(?m)^\| ([a-z, ]+) \| (.*) \|$", README.read_text(encoding="utf-8"))
    (kinds, cell), *_ = [row for row in rows if kind in row[0].split(", ")]
    named = set(re.findall(r"`(\w+)`", cell))
    assert named == {one for part in kinds.split(", ") for one in _names(part)}


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: printed(), text), encoding="utf-8")
