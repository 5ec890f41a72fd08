"""Attention as pictures for a log; apart from what needs it, since matplotlib comes slowly."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

COLOURS = "Blues"
TILE = 96  # pixels that the longer side of a map has at least
GAP = 4  # between two maps

Pixels = UInt8[np.ndarray, "height width 4"]


def heatmap(
    weights: Float[Tensor, "queries keys"], rows: Sequence[str], columns: Sequence[str]
) -> Pixels:
    """A row a query, a column a key, dark where it looks; as red, green, blue and opacity."""
    size = (1.5 + 0.35 * len(columns), 1.2 + 0.3 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights.cpu().numpy(), cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    # Signs of formulas in a text are text.
    axes.set_xticks(
        range(len(columns)), columns, rotation=60, ha="left", fontsize=8, parse_math=False
    )
    axes.set_yticks(range(len(rows)), rows, fontsize=8, parse_math=False)
    axes.xaxis.tick_top()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]


def mosaic(layers: Sequence[Float[Tensor, "_ queries keys"]]) -> Pixels:
    """The maps of all heads without words: a row a layer, a column a head; dark where it looks."""
    most, queries, keys = max(map(len, layers)), *layers[0].shape[1:]
    scale = -(-TILE // max(queries, keys))
    high, wide = (side * scale + GAP for side in (queries, keys))
    pixels = np.full((len(layers) * high, most * wide, 4), 255, dtype=np.uint8)
    for down, layer in enumerate(layers):
        for along, weights in enumerate(layer.float().cpu().numpy()):
            tile = colormaps[COLOURS](weights.clip(0, 1), bytes=True)
            large = tile.repeat(scale, 0).repeat(scale, 1)
            pixels[down * high :, along * wide :][: high - GAP, : wide - GAP] = large
    return pixels
