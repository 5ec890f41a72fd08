"""Pictures of the csv files of this study: speed by length, gradient reach.

.venv/bin/python experiments/why_attention/plot.py FOLDER
"""

import csv
import sys
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

FOLDER = Path(sys.argv[1])
# By preset: the name of its runs, and its marker.
MODELS = {
    "bahdanau": ("recurrent-additive-none", "o"),
    "tiny": ("transformer-softmax-sinusoidal", "s"),
    "luong_general": ("recurrent-general-none", "D"),
    "sutskever": ("recurrent-none-none", "^"),
}


def colours() -> dict[str, tuple[float, ...]]:
    """A colour each model, as experiments/by_length.py gives them by their order in its table."""
    with (FOLDER / "by-length-test.csv").open(newline="") as file:
        names = [row["model"] for row in csv.DictReader(file)]
    return {name: colormaps["turbo"]((k + 0.5) / len(names)) for k, name in enumerate(names)}


def columns(name: str, *asked: str) -> list[list[float]]:
    """Some columns of a table."""
    with (FOLDER / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [[float(row[column]) for row in rows] for column in asked]


def draw_speed() -> None:
    """Target tokens a second in training and in greedy decoding."""
    figure, colour = Figure(figsize=(11, 4.2), layout="constrained"), colours()
    panels = {"trained": "training", "decoded": "greedy decoding"}
    for axes, (done, title) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for label, (name, marker) in MODELS.items():
            lengths, rates = columns(f"speed-{name}.csv", "length", f"tokens/s {done}")
            axes.loglog(
                lengths, rates, label=label, color=colour[label], marker=marker, markersize=5
            )
        axes.set_xticks(lengths, [str(int(length)) for length in lengths])
        rates = [2000, 4000, 8000, 16000, 32000]
        axes.set_yticks(rates, [f"{rate:,}" for rate in rates])
        axes.minorticks_off()
        axes.set(title=title, xlabel="tokens of a sentence", ylabel="target tokens/s")
        axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(FOLDER / "speed.png", dpi=120)


def draw_reach() -> None:
    """The share of a source word in the gradient, by where it stands."""
    figure, colour = Figure(figsize=(7, 4.2), layout="constrained"), colours()
    axes = figure.subplots()
    for label, (name, marker) in MODELS.items():
        places, shares = columns(f"reach-{name}.csv", "j/S - t/T", "share")
        axes.plot(places, shares, label=label, color=colour[label], marker=marker, markersize=4)
    axes.set(
        title="which source words move a target word (longer split, seed 2)",
        xlabel="relative position of the source word minus that of the target word",
        ylabel="share of the gradient", ylim=(0, None),
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(FOLDER / "reach.png", dpi=120)


if __name__ == "__main__":
    draw_speed()
    draw_reach()
