"""Relative positions as projected sines and cosines, and two vectors in place of the query."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import PositionKind, Role
from attn.distances import Keys, Queries, angles, pick, rates, relative, span
from attn.registry import register
from attn.score import kernels
from attn.score.projections import by_head


@register("position", "transformer_xl")
class TransformerXL(nn.Module):
    """Keys have a content and a place, queries answer both, and each head prefers some of both.

    ``s_ij = ((q_i + u) . k_j + (q_i + v) . W_R r_(i-j)) / sqrt(d_k)``, ``r`` being the sines and
    cosines of Vaswani et al. 2017 at the distance ``i - j``, ``u``, ``v`` and ``W_R`` learned by
    each layer; ``u`` and ``v`` start at zero. Dai et al. 2019, "Transformer-XL: Attentive Language
    Models beyond a Fixed-Length Context", section 3.3, without its recurrence over segments.

    Raises:
        ValueError: an odd width, a base that is not positive.
    """

    kind = PositionKind.CONTENT

    def __init__(
        self, *, dim: int, role: Role, heads: int, head_dim: int, base: float = 10000.0
    ) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"dim={dim}: must be even for sinusoidal positions")
        if base <= 0:
            raise ValueError(f"base={base}: must be positive")
        self.causal = role is Role.DECODER
        self.dim, self.base = dim, base
        self.projection = nn.Linear(dim, heads * head_dim, bias=False)
        nn.init.xavier_uniform_(self.projection.weight)
        self.content_bias = nn.Parameter(torch.zeros(heads, 1, head_dim))
        self.place_bias = nn.Parameter(torch.zeros(heads, 1, head_dim))

    def content(
        self,
        query: Float[Tensor, "batch heads queries dim"],
        key: Float[Tensor, "batch groups keys dim"],
        query_position: Queries,
        key_position: Keys,
    ) -> Float[Tensor, "batch heads queries keys"]:
        """What is added to ``q . k`` before it is scaled."""
        preferred = self.content_bias.expand(len(query), -1, -1, -1).to(key.dtype)
        behind = -relative(query_position, key_position)
        first, last = span(query_position, key_position)
        if self.causal:  # keys ahead are masked; places for them need not be made
            behind, first, last = behind.clamp(min=0), max(first, 0), max(last, 0)
        places = by_head(self._places(first, last)[None], len(self.content_bias))
        by_distance = torch.matmul(query + self.place_bias, places.transpose(-2, -1))
        return kernels.products(preferred, key) + pick(by_distance, behind - first)

    def _places(self, first: int, last: int) -> Float[Tensor, "distances width"]:
        """``W_R r`` for each distance, once for the whole batch."""
        weight = self.projection.weight
        distances = torch.arange(first, last + 1, device=weight.device)
        projected: Tensor = self.projection(
            torch.cat(angles(distances, rates(self.dim, self.base, weight)), -1).to(weight.dtype)
        )
        return projected
