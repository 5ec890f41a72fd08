"""Draws what the cross-attention of the demo looks at, the gold alignment as circles.

make demo
.venv/bin/python experiments/demo/draw.py outputs/make-demo experiments/demo/attention.png
"""

import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure

from attn import assemble, runs
from attn.batching import collate
from attn.corpora import Pair
from attn.trained import Trained


def moved(pair: Pair) -> int:
    """By how many places the words of a sentence move, all together."""
    return sum(abs(i - j) for i, j in pair.alignment or ())


def main(run: str, picture: str) -> None:
    """The test sentence whose order changes most; every layer, the mean of its heads."""
    folder = runs.find(run)
    precision = {"device": "cpu", "dtype": "fp32", "tf32": False, "threads": 0}
    trained = Trained.of({"run": str(folder), "checkpoint": "best", "precision": precision})
    corpus = assemble.part(trained.config, "dataset", "dataset")
    translator = trained.translator()
    pair = max(corpus.read("test"), key=moved)
    batch = collate(translator.vocabularies.ids([pair]), [0])
    with torch.inference_mode():
        weights = translator.model.attend(batch.source, batch.source_valid, batch.inputs)
    layers = [matrix[0].mean(0) for name, matrix in weights.items() if name.startswith("cross.")]
    source, target = pair.source.split(), pair.target.split()
    figure = Figure(figsize=(5.2 * len(layers), 4.6), layout="constrained")
    for number, (axes, matrix) in enumerate(
        zip(figure.subplots(1, len(layers), squeeze=False)[0], layers, strict=True), 1
    ):
        shown = matrix[: len(target), : len(source)]
        axes.imshow(shown.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        rows = [j for _, j in pair.alignment or ()]
        columns = [i for i, _ in pair.alignment or ()]
        axes.scatter(columns, rows, s=70, facecolors="none", edgecolors="crimson", linewidths=1.2)
        axes.set_xticks(range(len(source)), source, rotation=50, ha="left")
        axes.set_yticks(range(len(target)), target)
        axes.xaxis.tick_top()
        axes.set_xlabel(f"decoder layer {number}, mean of its heads; circles: gold alignment")
    figure.savefig(Path(picture), dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
