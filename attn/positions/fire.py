"""Biases of the scores by a small network of the distance, relative to the query's position."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import PositionKind
from attn.distances import Biases, Keys, Queries, relative
from attn.precision import at_least_float32
from attn.registry import register


@register("position", "fire")
class Fire(nn.Module):
    """A small network of the distance, which is measured against the query's own position.

    ``b_h(i, j) = MLP(psi(i - j) / psi(max(L, i)))_h``, ``psi(x) = log(c x + 1)``, with one hidden
    layer of ReLU, ``c`` and ``L`` learned: what the network reads lies within -1 to 1 at any
    length. For keys ahead of the query, in an encoder, ``psi(-x) = -psi(x)``, so that the sides
    differ. Always in float32. Li et al. 2024, "Functional Interpolation for Relative Positions
    Improves Long Context Transformers".

    Raises:
        ValueError: a hidden width below 1, a threshold or a rate that is not positive.
    """

    kind = PositionKind.BIAS

    def __init__(
        self, *, heads: int, hidden_dim: int = 32, threshold: float = 512.0, rate: float = 0.1
    ) -> None:
        super().__init__()
        if hidden_dim < 1:
            raise ValueError(f"hidden_dim={hidden_dim}: must be at least 1")
        for option, value in (("threshold", threshold), ("rate", rate)):
            if value <= 0:
                raise ValueError(f"{option}={value}: must be positive")
        # Learned as logarithms: both stay positive.
        self.log_threshold = nn.Parameter(torch.tensor(math.log(threshold)))
        self.log_rate = nn.Parameter(torch.tensor(math.log(rate)))
        self.inner, self.outer = nn.Linear(1, hidden_dim), nn.Linear(hidden_dim, heads)

    def bias(self, query_position: Queries, key_position: Keys) -> Biases:
        """What is added to the scores."""
        weight = self.inner.weight
        with torch.autocast(weight.device.type, enabled=False):
            share = self.share(query_position, key_position).to(weight.dtype)
            hidden = F.relu(self.inner(share[..., None]))
            biases: Tensor = self.outer(hidden)
        return biases.permute(0, 3, 1, 2)

    def share(
        self, query_position: Queries, key_position: Keys
    ) -> Float[Tensor, "most queries keys"]:
        """What the network reads: the distance as a share of the longest, both in logarithms."""
        wide = at_least_float32(self.log_rate.dtype)
        rate, threshold = self.log_rate.exp().to(wide), self.log_threshold.exp().to(wide)
        behind = -relative(query_position, key_position).to(wide)
        longest = torch.maximum(threshold, query_position.to(wide))[..., None]
        share = behind.sign() * (rate * behind.abs()).log1p() / (rate * longest).log1p()
        return share.clamp(-1, 1)
