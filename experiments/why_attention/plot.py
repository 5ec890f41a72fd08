"""Pictures of the csv files of this study: speed by length, gradient reach.

.venv/bin/python experiments/why_attention/plot.py
"""

import csv
from pathlib import Path

from matplotlib.figure import Figure

HERE = Path(__file__).parent
# By preset: the name of its runs, and how it is drawn.
MODELS = {
    "sutskever, no attention": ("recurrent-none-none", "C3", "o"),
    "bahdanau, additive": ("recurrent-additive-none", "C0", "s"),
    "luong_general": ("recurrent-general-none", "C2", "D"),
    "tiny, a Transformer": ("transformer-softmax-sinusoidal", "C1", "^"),
}


def columns(name: str, *asked: str) -> list[list[float]]:
    """Some columns of a file of this folder."""
    with (HERE / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [[float(row[column]) for row in rows] for column in asked]


def draw_speed() -> None:
    """Target tokens a second in training and in greedy decoding."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, doing in zip(figure.subplots(1, 2), ("trained", "decoded"), strict=True):
        for label, (name, colour, marker) in MODELS.items():
            lengths, rates = columns(f"speed-{name}.csv", "length", f"tokens/s {doing}")
            axes.loglog(lengths, rates, label=label, color=colour, marker=marker, markersize=5)
        axes.set_xticks(lengths, [str(int(length)) for length in lengths])
        rates = [2000, 4000, 8000, 16000, 32000]
        axes.set_yticks(rates, [f"{rate:,}" for rate in rates])
        axes.minorticks_off()
        axes.set(title=doing, xlabel="tokens of a sentence", ylabel="target tokens/s")
        axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(HERE / "speed.png", dpi=120)


def draw_reach() -> None:
    """The share of a source word in the gradient, by where it stands."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, (name, colour, marker) in MODELS.items():
        places, shares = columns(f"reach-{name}.csv", "j/S - t/T", "share")
        axes.plot(places, shares, label=label, color=colour, marker=marker, markersize=4)
    axes.set(
        title="what moves a target word (longer split)",
        xlabel="place of the source word in its sentence less that of the target word",
        ylabel="share of the gradient", ylim=(0, None),
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(HERE / "reach.png", dpi=120)


if __name__ == "__main__":
    draw_speed()
    draw_reach()
