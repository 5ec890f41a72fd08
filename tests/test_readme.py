"""The README's table of attentions is what ``attn list`` prints.

This file, run as a program, writes it.
"""

import re
from pathlib import Path

from attn import tables
from attn.commands.list import attentions

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"^\| attention \| roles \|.*\n(?:\|.*\n)+", re.MULTILINE)


def printed():
    return tables.markdown(*attentions())


def test_the_table_of_attentions_is_what_is_listed():
    (shown,) = TABLE.findall(README.read_text(encoding="utf-8"))
    assert shown == printed(), "run: python tests/test_readme.py"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: printed(), text), encoding="utf-8")
