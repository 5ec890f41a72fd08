"""The attention of a sentence, drawn: a panel for each head, or for means of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from torch import Tensor

from attn.pictures import ALL, MEAN, canvas
from attn.pictures.sentences import Looked
from attn.registry import ConfigError
from attn.words import span

CELL, LEAST, LETTER = 0.3, 1.9, 0.07  # inches
MOST_IN_A_ROW = 3
GOLD = "#ff2d55"
APART = "RdBu"  # of differences: one colour where the first is larger, one where the second is


class Panel(NamedTuple):
    """A matrix with its title; ``apart``: it is a difference of weights."""

    title: str
    matrix: Float[Tensor, "rows columns"]
    apart: bool = False


Rows = Sequence[Sequence[Panel]]


def chosen(looked: Looked, layer: str | int, head: str | int, *, of: str = "") -> list[list[Panel]]:
    """The matrices that are asked for, each with its title, in a row for each layer.

    ``layer`` is all, mean (of all layers and heads) or a number; ``head`` likewise. ``of`` stands
    before each title.

    Raises:
        ConfigError: there is no such layer or head.
    """
    if layer == MEAN and len(looked.layers) > 1:
        title = f"{of}mean of {len(looked.layers)} layers and their heads"
        return [[Panel(title, torch.stack([each.mean(0) for each in looked.layers]).mean(0))]]
    layer, head = (0, MEAN) if layer == MEAN else (layer, head)
    if layer != ALL and int(layer) >= len(looked.layers):
        known = span(len(looked.layers))
        raise ConfigError([f"layer={layer}: there is none; choose one of {known}"])
    numbers = range(len(looked.layers)) if layer == ALL else [int(layer)]
    rows = [list(_heads(looked, number, head, of)) for number in numbers]
    return [[panel for row in rows for panel in row]] if head != ALL else rows


def _heads(looked: Looked, layer: int, head: str | int, of: str) -> Iterator[Panel]:
    weights = looked.layers[layer]
    count = len(weights)
    if head == MEAN:
        mean = f", mean of {count} heads" if count > 1 else ""
        yield Panel(f"{of}layer {layer}{mean}", weights.mean(0))
        return
    if head != ALL and int(head) >= count:
        raise ConfigError([f"head={head}: layer {layer} has none of that number, but {count}"])
    for number in range(count) if head == ALL else [int(head)]:
        yield Panel(f"{of}layer {layer}, head {number}", weights[number])


def draw(*parts: tuple[Looked, Rows]) -> Figure:
    """A panel for each matrix of each part, the parts below each other.

    One scale for all weights, one for all differences; weights from 0 on where none is below.
    """
    grid = [(looked, row) for looked, rows in parts for row in _broken(rows)]
    shown = [panel for _, row in grid for panel in row]
    weights = [panel.matrix for panel in shown if not panel.apart]
    scale = min(0.0, *(float(m.min()) for m in weights)), max(float(m.max()) for m in weights)
    most = max((float(panel.matrix.abs().max()) for panel in shown if panel.apart), default=0.0)
    sides = [(looked.columns, looked.rows) for looked, _ in parts]
    width, height = (max(LEAST, CELL * max(map(len, one))) for one in zip(*sides, strict=True))
    width = max(width, *(LETTER * len(one) for panel in shown for one in panel.title.split("\n")))
    columns = max(len(row) for _, row in grid)
    figure, places = canvas.panels(len(grid), columns, width=width + 1, height=height + 1)
    images: dict[bool, AxesImage] = {}
    for number, axes in enumerate(places):
        (looked, row), along = grid[number // columns], number % columns
        if along >= len(row):
            axes.set_axis_off()
            continue
        panel = row[along]
        limits = (-most, most) if panel.apart else scale
        images[panel.apart] = _panel(axes, looked, panel, limits)
    gold = "; framed: gold alignment" if any(looked.gold for looked, _ in parts) else ""
    slim = 20 * len(grid)  # as thick beside many rows as beside one
    figure.colorbar(images[False], ax=places, label=f"weight{gold}", aspect=slim)
    if True in images:
        figure.colorbar(images[True], ax=places, label="difference", aspect=slim)
    return figure


def _broken(rows: Rows) -> Rows:
    """Rows; a lone one that is too long, in several."""
    if len(rows) > 1 or len(rows[0]) <= MOST_IN_A_ROW:
        return rows
    (row,) = rows
    return [row[at : at + MOST_IN_A_ROW] for at in range(0, len(row), MOST_IN_A_ROW)]


def _panel(axes: Axes, looked: Looked, panel: Panel, limits: tuple[float, float]) -> AxesImage:
    image = canvas.heat(
        axes,
        panel.matrix,
        limits=limits,
        title=panel.title,
        labels=looked.labels,
        colours=APART if panel.apart else canvas.COLOURS,
    )
    canvas.name_places(axes, looked.columns, looked.rows)
    for down, along in looked.gold:  # a frame around the pieces of every two words
        corner = (along.start - 0.5, down.start - 0.5)
        frame = Rectangle(corner, len(along), len(down), fill=False, edgecolor=GOLD, linewidth=1.6)
        axes.add_patch(frame)
    return image
