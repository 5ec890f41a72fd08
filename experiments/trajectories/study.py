"""How often each way finds the curve, and how long it takes, over noise and warp.

.venv/bin/python experiments/trajectories/study.py
"""

import csv
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from generate import Library
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from searchers import METHODS

HERE = Path(__file__).parent
NOISES, WARPS, SEEDS = (0.0, 0.1, 0.2, 0.4, 0.8), (0.0, 0.3, 0.6, 0.9), range(1, 6)
QUERIES = 100
FIELDS = ("seed", "noise", "warp", "method", "accuracy", "milliseconds")
Row = dict[str, object]


def measured(seed: int) -> Iterator[Row]:
    """Of one library every way at every level; milliseconds of the processor for one query."""
    generator = torch.Generator().manual_seed(seed)
    library = Library(generator)
    curves = library.curves()
    searchers = {name: make(curves) for name, make in METHODS.items()}
    for noise, warp in itertools.product(NOISES, WARPS):
        which = torch.randint(len(curves), (QUERIES,), generator=generator)
        copies = library.copies(which, noise=noise, warp=warp, generator=generator)
        for name, search in searchers.items():
            began = time.process_time()
            found = search(copies).argmax(-1)
            spent = 1000 * (time.process_time() - began) / QUERIES
            right = (found == which).float().mean().item()
            values = (seed, noise, warp, name, round(right, 3), round(spent, 4))
            yield dict(zip(FIELDS, values, strict=True))


def chosen(rows: list[Row], **where: object) -> list[float]:
    """The accuracies of some rows."""
    return [
        float(str(row["accuracy"]))
        for row in rows
        if all(row[key] == value for key, value in where.items())
    ]


def curve(
    axes: Axes, rows: list[Row], along: str, levels: tuple[float, ...], **fixed: float
) -> None:
    """Mean accuracy over seeds along noise or warp, the other one fixed; bars: least and most."""
    colours = colormaps["viridis"]
    for number, name in enumerate(METHODS):
        each = [chosen(rows, method=name, **{along: level}, **fixed) for level in levels]
        means = [statistics.mean(one) for one in each]
        least = [mean - min(one) for mean, one in zip(means, each, strict=True)]
        most = [max(one) - mean for mean, one in zip(means, each, strict=True)]
        dashes = {"e": ":", "d": "--", "a": "-"}[name[0]]
        axes.errorbar(
            levels, means, yerr=(least, most), label=name, linestyle=dashes, capsize=2,
            marker="osD^v<>X"[number], color=colours(number / len(METHODS)), markersize=5,
        )  # fmt: skip
    (other, value), *_ = fixed.items()
    axes.set(xlabel=along, ylabel="accuracy", ylim=(-0.03, 1.03), title=f"{other} {value}")
    axes.grid(alpha=0.3)


def draw(rows: list[Row], path: Path) -> None:
    """Accuracy over warp and over noise."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve(left, rows, "warp", WARPS, noise=0.1)
    curve(right, rows, "noise", NOISES, warp=0.6)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)


def table(rows: list[Row]) -> str:
    """Mean accuracy by method: overall levels of warp at each noise, and milliseconds."""
    head = ["method", *(f"{noise}/{warp}" for noise in (0.1, 0.4) for warp in WARPS), "all", "ms"]
    lines = [head, ["---"] * len(head)]
    for name in METHODS:
        cells = [
            statistics.mean(chosen(rows, method=name, noise=noise, warp=warp))
            for noise in (0.1, 0.4) for warp in WARPS
        ]  # fmt: skip
        spent = [float(str(row["milliseconds"])) for row in rows if row["method"] == name]
        every = statistics.mean(chosen(rows, method=name))
        shown = [f"{100 * one:.1f}" for one in (*cells, every)]
        lines.append([name, *shown, f"{statistics.median(spent):.3f}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Measure, write, draw."""
    torch.set_num_threads(1)
    rows = [row for seed in SEEDS for row in measured(seed)]
    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, HERE / "accuracy.png")
    print(table(rows))  # noqa: T201


if __name__ == "__main__":
    main()
