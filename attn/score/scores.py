"""Scores: how well a key answers a query.

A score that is a product of two vectors says so by ``as_dot``: fused kernels can then serve it.
"""

from torch import Tensor, nn

from attn.score import kernels
from attn.score.kernels import Key, Query, Weights


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
