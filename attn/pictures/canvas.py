"""What all pictures share: panels, colours, the file they end in."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from attn.files import write_bytes
from attn.remarks import warn

COLOURS = "viridis"  # perceptually uniform: equal steps of a figure look equal
NOTHING = "0.88"  # the grey of what is no figure
DPI = 150
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "svg.hashsalt": "attn",
}


def style() -> contextlib.AbstractContextManager[None]:
    """How pictures are made and written, whatever else the process draws."""
    context: contextlib.AbstractContextManager[None] = mpl.rc_context({
        **mpl.rcParamsDefault,
        **STYLE,
    })
    return context


def panels(rows: int, columns: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of panels of some inches each, row by row."""
    size = (columns * width + 1.2, rows * height + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def heat(
    axes: Axes,
    matrix: Float[Tensor, "rows columns"],
    *,
    limits: tuple[float, float] | None = None,
    title: str,
    labels: tuple[str, str],
    colours: str = COLOURS,
) -> AxesImage:
    """A matrix as colours, what is no number in grey; labels of the columns and of the rows."""
    known = mpl.colormaps[colours].with_extremes(bad=NOTHING)
    low, high = limits or (None, None)
    shown = np.ma.masked_invalid(matrix.detach().cpu().numpy())
    image = axes.imshow(
        shown, cmap=known, vmin=low, vmax=high, aspect="auto", interpolation="nearest"
    )
    axes.set_title(title)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    return image


def name_places(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Write what stands at each column and row, literally: ``$`` begins no formula."""
    literal: dict[str, Any] = {"parse_math": False}
    turned: dict[str, Any] = {"rotation": 55, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(columns)), _visible(columns), **turned, **literal)
    axes.set_yticks(range(len(rows)), _visible(rows), **literal)


def _visible(pieces: Sequence[str]) -> list[str]:
    return [piece if piece.strip() else "\N{OPEN BOX}" for piece in pieces]


def save(figure: Figure, path: Path) -> None:
    """Write a picture, in the format that its name ends with; the same picture, the same bytes."""
    form = path.suffix.lower().removeprefix(".")
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    written = io.BytesIO()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        figure.savefig(written, format=form, dpi=DPI, bbox_inches="tight", metadata=metadata)
    if any("Glyph" in str(one.message) for one in told):
        warn(f"{path}: the font lacks some of the letters, which stand as boxes")
    write_bytes(path, written.getvalue())
