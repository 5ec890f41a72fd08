"""A scheme of positions that is added to the embeddings, drawn."""

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from attn.contract import Position
from attn.pictures import canvas

Vectors = Float[Tensor, "positions dim"]
Products = Float[Tensor, "positions positions"]


@torch.no_grad()
def encodings(scheme: Position, length: int) -> tuple[Vectors, Products]:
    """The vector of each position, ``P``, and the inner products of all, ``P P^T``."""
    vectors = scheme(torch.arange(length)[None])[0].float()
    return vectors, vectors @ vectors.T


def draw(scheme: Position, length: int, *, title: str) -> Figure:
    """Positions by dimensions, and beside it how much each position is like each other."""
    vectors, products = encodings(scheme, length)
    figure, (left, right) = canvas.panels(1, 2, width=4.4, height=3.6)
    largest = float(vectors.abs().max())
    image = canvas.heat(
        left,
        vectors,
        limits=(-largest, largest),
        title="what is added to the embeddings, P",
        labels=("dimension", "position"),
    )
    figure.colorbar(image, ax=left, label="value")
    image = canvas.heat(
        right, products, title="inner products, P Pᵀ", labels=("position", "position")
    )
    figure.colorbar(image, ax=right, label="inner product")
    figure.suptitle(title)
    return figure
