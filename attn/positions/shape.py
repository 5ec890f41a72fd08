"""Shifted sinusoidal positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.distances import angles, rates
from attn.registry import register


@register("position", "shape")
class Shape(nn.Module):
    """Sinusoidal positions, in training shifted by one random offset a sequence.

    ``PE(p + k)``, ``k`` uniform over ``0 .. max_shift``, drawn anew for each sequence in each
    batch, for source and target apart; ``k = 0`` in evaluation. ``PE`` is that of Vaswani et al.
    2017, computed in float32. Differences of positions are kept, their absolute values are not to
    be relied on. Kiyono et al. 2021, "SHAPE: Shifted Absolute Position Embedding for Transformers".

    Raises:
        ValueError: an odd width, a base that is not positive, a negative shift.
    """

    kind = PositionKind.INPUT
    room = None

    def __init__(self, *, dim: int, max_shift: int = 500, base: float = 10000.0) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"dim={dim}: must be even for sinusoidal positions")
        if base <= 0:
            raise ValueError(f"base={base}: must be positive")
        if max_shift < 0:
            raise ValueError(f"max_shift={max_shift}: must be at least 0")
        self.dim, self.max_shift, self.base = dim, max_shift, base

    def forward(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """The encoding of each position."""
        if self.training and self.max_shift:
            # Rows that were all the same differ from here on.
            offset = torch.randint(self.max_shift + 1, (len(position), 1), device=position.device)
            position = position + offset
        # The rates are made anew: a buffer would be rounded with the model's weights.
        rate = rates(self.dim, self.base, position)
        sine, cosine = angles(one_row(position), rate)
        return torch.stack((sine, cosine), -1).flatten(-2)
