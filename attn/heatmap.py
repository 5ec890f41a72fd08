"""One attention matrix as a picture; apart from what needs it, since matplotlib comes slowly."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor


def heatmap(
    weights: Float[Tensor, "queries keys"], rows: Sequence[str], columns: Sequence[str]
) -> UInt8[np.ndarray, "height width 4"]:
    """A row a query, a column a key, dark where it looks; as red, green, blue and opacity."""
    size = (1.5 + 0.35 * len(columns), 1.2 + 0.3 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights.cpu().numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    # Signs of formulas in a text are text.
    axes.set_xticks(
        range(len(columns)), columns, rotation=60, ha="left", fontsize=8, parse_math=False
    )
    axes.set_yticks(range(len(rows)), rows, fontsize=8, parse_math=False)
    axes.xaxis.tick_top()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
