"""Tables: for people on a terminal, as Markdown, as CSV."""

import csv
import io
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

Rows = Sequence[Sequence[str]]


def plain(header: Sequence[str], rows: Rows) -> str:
    """Columns parted by two spaces."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    )
    return "".join(f"{line}\n" for line in lines)


def markdown(header: Sequence[str], rows: Rows) -> str:
    """A table of GitHub's Markdown."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    escaped.insert(1, ["---"] * len(header))
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)


def comma_separated(header: Sequence[str], rows: Rows) -> str:
    """CSV as RFC 4180 has it, but with line feeds alone."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows((header, *rows))
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Sequence[str], Rows], str]] = {
    "terminal": plain,
    "markdown": markdown,
    "csv": comma_separated,
}


def show(header: Sequence[str], rows: Rows) -> None:
    """A table for people: drawn on a terminal, elsewhere plain."""
    if not sys.stdout.isatty():
        sys.stdout.write(plain(header, rows))
        return
    drawn = Table(*header, box=None, header_style="bold")
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
