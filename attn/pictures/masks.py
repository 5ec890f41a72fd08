"""What an attention lets each position see, found out from the attention itself, and drawn.

What position i gives depends on what stands at position j if and only if its gradient for j is not
zero. That holds of masks, windows and taps, and of what has no mask at all, as linear attention.
What chooses its keys by what they say, as sparsemax does, may see whatever it chooses sometimes.
"""

import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from attn.contract import Attention, Role, Stream
from attn.pictures import canvas

TRIES = 4  # random inputs whose gradients are taken
DRAWS = 64  # random inputs whose weights are averaged

Seen = Bool[Tensor, "queries keys"]
Weights = Float[Tensor, "queries keys"]


def seen(attention: Attention, dim: int, length: int) -> tuple[Seen, Weights]:
    """What each position may see, and the mean weight of it over heads and random inputs."""
    found = torch.zeros(length, length, dtype=torch.bool)
    generator = torch.Generator().manual_seed(1)
    for _ in range(TRIES):
        found |= _reached(attention, *_inputs(attention.role, (1, length, dim), generator))
    with torch.no_grad():
        inputs = _inputs(attention.role, (DRAWS, length, dim), generator)
        weights = attention(*inputs, capture=True).weights
    assert weights is not None
    mean = weights.mean((0, 1))
    return found | (mean != 0), mean


@torch.no_grad()
def chooses(attention: Attention, dim: int, length: int) -> bool:
    """Whether what each position sees depends on what stands there: not the same in all draws."""
    generator = torch.Generator().manual_seed(2)
    inputs = _inputs(attention.role, (DRAWS, length, dim), generator)
    weights = attention(*inputs, capture=True).weights
    assert weights is not None
    found = (weights != 0).any(1)
    return bool((found != found[:1]).any())


def _reached(attention: Attention, query: Stream, memory: Stream | None) -> Seen:
    """Where the gradients of each position are not zero."""
    x = (query if memory is None else memory).x.requires_grad_()
    rows = attention(query, memory).y[0].sum(-1)
    reached = [torch.autograd.grad(row, x, retain_graph=True)[0][0] != 0 for row in rows]
    return torch.stack(reached).any(-1)


def _inputs(
    role: Role, shape: tuple[int, int, int], generator: torch.Generator
) -> tuple[Stream, Stream | None]:
    """Random vectors for the queries and, in the cross role, a source of the same length."""
    position = torch.arange(shape[1]).expand(shape[:2])
    query, memory = (
        Stream(
            torch.randn(shape, generator=generator, dtype=torch.float64),
            position,
            torch.ones(shape[:2], dtype=torch.bool),
        )
        for _ in range(2)
    )
    return query, memory if role is Role.CROSS else None


def draw(attention: Attention, dim: int, length: int, *, title: str) -> Figure:
    """A row for each position: in grey what it cannot see, in colour how much it sees."""
    found, weights = seen(attention, dim, length)
    limits = min(0.0, float(weights.min())), float(weights.max())
    weights = torch.where(found, weights, torch.nan)
    cross = attention.role is Role.CROSS
    some = f"not seen in {DRAWS} random inputs"
    grey = some if chooses(attention, dim, length) else "cannot be seen"
    figure, (axes,) = canvas.panels(1, 1, width=4.2, height=4.2)
    image = canvas.heat(
        axes,
        weights,
        limits=limits,
        title=title,
        labels=("position of the source" if cross else "position that is seen", "position"),
    )
    axes.set_aspect("equal")
    for ruled in (axes.set_xticks, axes.set_yticks):
        ruled([place - 0.5 for place in range(1, length)], minor=True)
    axes.grid(which="minor", color="white", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    figure.colorbar(image, ax=axes, shrink=0.86, label=f"mean weight; grey: {grey}")
    return figure


def built(attention: Attention) -> Attention:
    """The attention in float64 and evaluation mode, as it is looked at."""
    made: Attention = attention.double().eval()  # type: ignore[attr-defined]
    return made
