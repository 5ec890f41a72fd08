"""Tables: for people on a terminal, as Markdown, as CSV, as JSON."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from attn.words import suggest

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


LATEX = {
    **{one: f"\\{one}" for one in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "[": "{[}",  # first in a row, it would be an option of the line before
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
}
NUMBERS = re.compile(r"[-+<>]?\d[\d,.]*(e[-+]?\d+)?'?( ± [\d.]+)?( \(\d+ of \d+\))?|-|")
Cells = Collection[tuple[int, int]]


def latex(
    header: Sequence[str],
    rows: Rows,
    *,
    bold: Cells = (),
    marks: Mapping[tuple[int, int], str] | None = None,
) -> str:
    """A tabular with the rules of booktabs; some cells (row, column) bold, or with marks behind."""

    def cell(row: int, column: int) -> str:
        text = tex(rows[row][column])
        text = f"\\textbf{{{text}}}" if (row, column) in bold else text
        mark = (marks or {}).get((row, column))
        return f"{text}$^{{{mark}}}$" if mark else text

    right = [all(NUMBERS.fullmatch(one) for one in column) for column in zip(*rows, strict=True)]
    body = [[cell(row, column) for column in range(len(header))] for row in range(len(rows))]
    parts = [
        f"\\begin{{tabular}}{{{''.join('r' if one else 'l' for one in right)}}}",
        r"\toprule",
        " & ".join(map(tex, header)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "".join(f"{part}\n" for part in parts)


def tex(text: str) -> str:
    """A text as LaTeX shows it."""
    return "".join(LATEX.get(one, one) for one in text)


FORMATS: dict[str, Callable[[Sequence[str], Rows], str]] = {
    "terminal": plain,
    "markdown": markdown,
    "csv": comma_separated,
}


WITH_JSON = (*FORMATS, "json")  # of the commands that print values, see ``put``
Value = str | int | float | None
Values = Sequence[Mapping[str, Value]]


def format_problems(form: str, known: Sequence[str] = WITH_JSON) -> list[str]:
    """Why a format is none, if so."""
    return [] if form in known else [f"format={form}: unknown; {suggest(form, known)}"]


def put(form: str, values: Values) -> None:
    """Print a table of values: for people with four digits, else with all that there are."""
    header = list(values[0]) if values else []
    if form == "json":
        sys.stdout.write(json.dumps(list(values), ensure_ascii=False) + "\n")
    elif form == "csv":
        rows = [["" if one is None else str(one) for one in row.values()] for row in values]
        sys.stdout.write(comma_separated(header, rows))
    else:
        rows = [[shown(one) for one in row.values()] for row in values]
        show(header, rows) if form == "terminal" else sys.stdout.write(markdown(header, rows))


def shown(value: Value) -> str:
    """A value as people read it: thousands parted, four digits of what is no whole number."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value


def show(header: Sequence[str], rows: Rows) -> None:
    """A table for people: drawn on a terminal, elsewhere plain."""
    if not sys.stdout.isatty():
        sys.stdout.write(plain(header, rows))
        return
    drawn = Table(*header, box=None, header_style="bold")
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
