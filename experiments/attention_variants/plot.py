"""Each variant on the three splits, as a picture of the tables of this study.

.venv/bin/python experiments/attention_variants/plot.py FOLDER
"""

import csv
import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

FOLDER = Path(sys.argv[1])
SPLITS = {"test": ("C0", "o"), "longer": ("C1", "s"), "deeper": ("C2", "D")}
TITLES = {
    "attention_variants": ("attention", "self-attention, 2 seeds"),
    "cross_attention_variants": ("cross_attention", "cross-attention, 1 seed"),
}


def rows(name: str) -> list[dict[str, str]]:
    """A table of the study."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def panel(axes: Axes, name: str) -> None:
    """A row each variant, the best on longer and deeper sources on top."""
    column, title = TITLES[name]
    best = sorted(rows(name), key=lambda row: float(row["BLEU longer"]) + float(row["BLEU deeper"]))
    for split, (colour, marker) in SPLITS.items():
        axes.errorbar(
            [float(row[f"BLEU {split}"]) for row in best], range(len(best)),
            xerr=[float(row[f"BLEU {split} deviation"] or 0) for row in best],
            label=split, color=colour, marker=marker, markersize=5, linestyle="", capsize=2,
        )  # fmt: skip
    axes.set_yticks(range(len(best)), [row[column] for row in best])
    axes.set(title=title, xlabel="BLEU", xlim=(0, 90))
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, name in zip(panels, TITLES, strict=True):
        panel(axes, name)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    figure.savefig(FOLDER / "quality.png", dpi=120)
