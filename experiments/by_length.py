"""Scores by the length of sources, of tables that ``attn compare by=length format=csv`` wrote.

.venv/bin/python experiments/by_length.py FILE.png COLUMN 'TITLE: A.csv B.csv' ...

A panel each title, a line each value of the column that names variants; tables of a panel follow
each other: the splits of one study, short sources first. The last group of a table is left out if
it has no end. Bars are deviations over seeds.
"""

import csv
import re
import sys
from pathlib import Path

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Group = tuple[str, float, float]  # words and how many sentences, mean, deviation


def groups(row: dict[str, str]) -> list[Group]:
    """What a row says of each group of source words."""
    found = []
    for column, value in row.items():
        named = re.fullmatch(r"\w+ (\d+-\d+) words \((\d+)\)", column)
        if named and value:
            words, count = named.groups()
            spread = row[f"{column} deviation"]
            found.append((f"{words}\n({count})", float(value), float(spread or 0)))
    return found


def variants(path: Path, column: str) -> dict[str, list[Group]]:
    """The groups of every row of a table."""
    with path.open(newline="") as file:
        return {row.get(column, "all runs"): groups(row) for row in csv.DictReader(file)}


def panel(axes: Axes, title: str, tables: list[dict[str, list[Group]]], names: list[str]) -> None:
    """A line each variant, over the tables one after the other; dotted where a table ends."""
    for number, name in enumerate(names):
        ticks, means, spreads = zip(*(one for table in tables for one in table[name]), strict=True)
        axes.errorbar(
            range(len(ticks)), means, yerr=spreads, label=name, capsize=2, markersize=5,
            color=colormaps["turbo"]((number + 0.5) / len(names)),
            marker="osD^v<>Xp*hP"[number % 12],
        )  # fmt: skip
    axes.set_xticks(range(len(ticks)), ticks)
    end = -0.5
    for table in tables[:-1]:
        end += len(table[names[0]])
        axes.axvline(end, color="grey", linestyle=":")
    axes.set(title=title, xlabel="source words (sentences)", ylabel="BLEU", ylim=(0, None))
    axes.grid(alpha=0.3)


def draw(path: Path, column: str, panels: list[str]) -> None:
    """The picture; tables lie beside it."""
    figure = Figure(figsize=(1.5 + 5 * len(panels), 4.6), layout="constrained")
    named = dict(one.split(": ") for one in panels)
    tables = {
        title: [variants(path.parent / name, column) for name in files.split()]
        for title, files in named.items()
    }
    names = list(next(iter(tables.values()))[0])  # one order, and so one colour, in all panels
    for axes, (title, some) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], tables.items(), strict=True
    ):
        panel(axes, title, some, names)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
