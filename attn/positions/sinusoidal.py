"""Sinusoidal positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.registry import register


@register("position", "sinusoidal")
class Sinusoidal(nn.Module):
    """Sines and cosines of fixed wavelengths, added to the embeddings.

    ``PE(p, 2i) = sin(p / base^(2i/D))``, ``PE(p, 2i+1) = cos(p / base^(2i/D))``, always computed in
    float32. Vaswani et al. 2017, "Attention Is All You Need", section 3.5.

    Raises:
        ValueError: an odd width, a base that is not positive.
    """

    kind = PositionKind.INPUT
    room = None

    def __init__(self, *, dim: int, base: float = 10000.0) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"dim={dim}: must be even for sinusoidal positions")
        if base <= 0:
            raise ValueError(f"base={base}: must be positive")
        exponents = torch.arange(0, dim, 2, dtype=torch.float32) / dim
        self.register_buffer("rates", base**-exponents, persistent=False)

    def forward(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """The encoding of each position."""
        position = one_row(position)
        rates: Tensor = self.get_buffer("rates")
        angles = position[..., None].float() * rates
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)
