"""The alignment of a sentence by the cross-attention of a model, drawn."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from attn.pictures import canvas
from attn.pictures.sentences import Looked
from attn.registry import ConfigError

ALL, MEAN = "all", "mean"
CELL, LEAST = 0.3, 1.9  # inches
MOST_IN_A_ROW = 3
GOLD = "#ff2d55"

Panel = tuple[str, Float[Tensor, "target source"]]


def chosen(looked: Looked, layer: str | int, head: str | int) -> list[list[Panel]]:
    """The matrices that are asked for, each with its title, in a row for each layer.

    ``layer`` is all, mean (of all layers and heads) or a number; ``head`` likewise.

    Raises:
        ConfigError: there is no such head.
    """
    if layer == MEAN:
        title = f"mean of {len(looked.layers)} layers and their heads"
        return [[(title, torch.stack([each.mean(0) for each in looked.layers]).mean(0))]]
    numbers = range(len(looked.layers)) if layer == ALL else [int(layer)]
    rows = [list(_heads(looked, number, head)) for number in numbers]
    return [[panel for row in rows for panel in row]] if head != ALL else rows


def _heads(looked: Looked, layer: int, head: str | int) -> Iterator[Panel]:
    weights = looked.layers[layer]
    count = len(weights)
    if head == MEAN:
        mean = f", mean of {count} heads" if count > 1 else ""
        yield f"layer {layer}{mean}", weights.mean(0)
        return
    if head != ALL and int(head) >= count:
        raise ConfigError([f"head={head}: layer {layer} has none of that number, but {count}"])
    for number in range(count) if head == ALL else [int(head)]:
        yield f"layer {layer}, head {number}", weights[number]


def draw(looked: Looked, rows: list[list[Panel]]) -> Figure:
    """A panel for each matrix: a row says a piece of the target, a column is one of the source."""
    if len(rows) == 1 and len(rows[0]) > MOST_IN_A_ROW:
        (row,) = rows
        rows = [row[at : at + MOST_IN_A_ROW] for at in range(0, len(row), MOST_IN_A_ROW)]
    columns = max(map(len, rows))
    width, height = (max(LEAST, CELL * len(side)) for side in (looked.source, looked.target))
    figure, places = canvas.panels(len(rows), columns, width=width + 1, height=height + 1)
    limits = _limits([matrix for row in rows for _, matrix in row])
    image = None
    for number, axes in enumerate(places):
        down, along = divmod(number, columns)
        if along >= len(rows[down]):
            axes.set_axis_off()
            continue
        title, matrix = rows[down][along]
        image = canvas.heat(
            axes, matrix, limits=limits, title=title, labels=("source: looked at", "target: said")
        )
        canvas.name_places(axes, looked.source, looked.target)
        _mark(axes, looked)
    assert image is not None
    gold = "; framed: gold alignment" if looked.gold else ""
    figure.colorbar(image, ax=places, label=f"weight{gold}")
    return figure


def _limits(matrices: list[Tensor]) -> tuple[float, float]:
    """One scale for all panels, from 0 on where no weight is below."""
    return min(0.0, *(float(one.min()) for one in matrices)), max(float(m.max()) for m in matrices)


def _mark(axes: Axes, looked: Looked) -> None:
    """A frame around the pieces of every two words that are aligned."""
    for down, along in looked.gold:
        corner = (along.start - 0.5, down.start - 0.5)
        frame = Rectangle(corner, len(along), len(down), fill=False, edgecolor=GOLD, linewidth=1.6)
        axes.add_patch(frame)
