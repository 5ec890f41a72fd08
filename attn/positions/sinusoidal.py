"""Sinusoidal positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.distances import angles, rates
from attn.registry import register

LAYOUTS = ("interleaved", "halves")


@register("position", "sinusoidal")
class Sinusoidal(nn.Module):
    """Sines and cosines of fixed wavelengths, added to the embeddings; computed in float32.

    ``interleaved``: ``PE(p, 2i) = sin(p r_i)``, ``PE(p, 2i+1) = cos(p r_i)``,
    ``r_i = base^(-2i/D)``; Vaswani et al. 2017, "Attention Is All You Need", section 3.5. The last
    rate is ``base^(-(D-2)/D)``, somewhat above ``1 / base``.

    ``halves``: ``PE(p, i) = sin(p r_i)``, ``PE(p, D/2 + i) = cos(p r_i)``,
    ``r_i = base^(-i/(D/2-1))`` for i from 0 to D/2 - 1, so that the last rate is ``1 / base``: what
    tensor2tensor and fairseq compute.

    Raises:
        ValueError: an odd width, a base that is not positive, an unknown layout.
    """

    kind = PositionKind.INPUT
    room = None

    def __init__(self, *, dim: int, base: float = 10000.0, layout: str = "interleaved") -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"dim={dim}: must be even for sinusoidal positions")
        if base <= 0:
            raise ValueError(f"base={base}: must be positive")
        if layout not in LAYOUTS:
            raise ValueError(f"layout={layout}: unknown; choose one of {', '.join(LAYOUTS)}")
        self.dim, self.base, self.layout = dim, base, layout

    def forward(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """The encoding of each position."""
        # The rates are made anew: a buffer would be rounded with the model's weights.
        sine, cosine = angles(one_row(position), self._rates(position))
        if self.layout == "halves":
            return torch.cat((sine, cosine), -1)
        return torch.stack((sine, cosine), -1).flatten(-2)

    def _rates(self, position: Tensor) -> Float[Tensor, " pairs"]:
        if self.layout == "interleaved":
            return rates(self.dim, self.base, position)
        pairs = torch.arange(self.dim // 2, dtype=torch.float32, device=position.device)
        return torch.pow(self.base, -(pairs / max(self.dim // 2 - 1, 1)))
