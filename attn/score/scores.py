"""Scores: how well a key answers a query.

A score that is a product of two vectors says so by ``as_dot``: fused kernels can then serve it.
"""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from attn.precision import at_least_float32
from attn.score import kernels
from attn.score.kernels import Key, Query, Weights

# Numbers of a hidden layer over pairs that are made at once: 16 MiB of float32. On a CPU, more take
# twice the time, measured, though in training parts are made twice.
AT_ONCE = 1 << 22


class Dot(nn.Module):
    """``s_ij = scale * q_i . k_j``; scaled by ``1 / sqrt(d_k)`` in Vaswani et al. 2017."""

    fault = ""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def as_dot(self, query: Query, key: Key) -> tuple[Tensor, Tensor, float]:
        """Query, key and factor of the product that the score is."""
        return query, key, self.scale

    def forward(self, query: Query, key: Key) -> Weights:
        """The scores; the query is scaled first, so that short formats do not overflow."""
        left, right, scale = self.as_dot(query, key)
        return kernels.products(left if scale == 1 else left * scale, right)


class Additive(nn.Module):
    """``s_ij = v_h . tanh(q_i + k_j)``, a hidden layer over each pair, its output ``v_h`` by head.

    Where the layer would be large it is made for some queries after others, and in training once
    more for the gradient instead of being kept. Drawn uniformly after Glorot and Bengio 2010.
    """

    fault = "an additive score is no product of two vectors"

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.at_once = AT_ONCE
        self.vector = nn.Parameter(torch.empty(heads, dim))
        bound = (6 / (dim + 1)) ** 0.5
        nn.init.uniform_(self.vector, -bound, bound)

    def forward(self, query: Query, key: Key) -> Weights:
        """The scores, in float32 at least."""
        wide = at_least_float32(query.dtype)
        query, key = query.to(wide), key.to(wide)
        some = max(1, self.at_once // max(1, query[:, :, 0].numel() * key.shape[2]))
        if some >= query.shape[2]:
            return self._scores(query, key)
        return torch.cat([self._remade(part, key) for part in query.split(some, 2)], 2)

    def _remade(self, query: Query, key: Key) -> Weights:
        if not torch.is_grad_enabled():
            return self._scores(query, key)
        made: Tensor = checkpoint(
            self._scores, query, key, use_reentrant=False, preserve_rng_state=False
        )
        return made

    def _scores(self, query: Query, key: Key) -> Weights:
        with torch.autocast(query.device.type, enabled=False):
            hidden = torch.tanh(query[:, :, :, None] + key[:, :, None])
            vector = self.vector.to(hidden.dtype)[..., None]
            # The pairs as rows of one product: its other side is then no copy for each query.
            return torch.matmul(hidden.flatten(2, 3), vector).view(hidden.shape[:-1])
