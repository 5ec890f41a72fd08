"""The dev curves of this study, as a picture of its tables.

.venv/bin/python experiments/multi30k/plot.py FOLDER
"""

import csv
import sys
from pathlib import Path

from matplotlib.figure import Figure

TEXTS = {"tokenized": "C0", "raw": "C1"}
PANELS = {"dev loss": "loss, nats a token", "dev BLEU": "BLEU, greedy"}


def draw(folder: Path) -> None:
    """Loss and BLEU by step, of each text whose table is there."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplots(1, 2)
    for text, colour in TEXTS.items():
        path = folder / f"{text}-curve.csv"
        if not path.exists():
            continue
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        steps = [int(row["step"]) for row in rows]
        for axes, column in zip(panels, PANELS, strict=True):
            values = [float(row[column]) for row in rows]
            axes.plot(steps, values, label=text, color=colour, marker="o", markersize=4)
    for axes, title in zip(panels, PANELS.values(), strict=True):
        axes.set(title=f"dev {title}", xlabel="step", ylim=(0, None))
        axes.grid(alpha=0.3)
    panels[1].legend(loc="lower right")
    figure.savefig(folder / "curve.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
