"""Attention whose weights are differences of two softmaxes, so that common noise cancels."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.precision import at_least_float32
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.kernels import Bias, Context, Key, Mask, Query, Value
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention

EPSILON = 1e-5


class Norm(nn.Module):
    """``g x / sqrt(mean(x^2) + 1e-5)`` over a pair of heads, in the format of ``x``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Context) -> Context:
        """The context, normed."""
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), EPSILON)


class DifferentialCore(Core):
    """``(1 - lambda_init) norm(A_1 v - lambda A_2 v)``: heads 2i and 2i + 1 are two halves of one.

    The value of such a pair is that of both side by side, and so is its context. Both products are
    computed apart: a difference of contexts is what a difference of weights gives, by any kernel.

    Raises:
        ValueError: a lambda_init out of range, a kernel that does not exist.
    """

    def __init__(self, head_dim: int, *, lambda_init: float, kernel: str) -> None:
        super().__init__(score=Dot(head_dim**-0.5), dropout=0.0, kernel=kernel)
        if not 0 <= lambda_init < 1:
            raise ValueError(
                f"lambda_init={lambda_init}: must be at least 0 and below 1; the output is "
                "multiplied by 1 - lambda_init"
            )
        self.lambda_init = lambda_init
        self.vectors = nn.Parameter(0.1 * torch.randn(2, 2, head_dim))
        self.norm = Norm(2 * head_dim)

    def share(self) -> Float[Tensor, ""]:
        """``lambda = exp(a_1 . b_1) - exp(a_2 . b_2) + lambda_init``."""
        first, second = (self.vectors[:, 0] * self.vectors[:, 1]).sum(-1).exp()
        share: Tensor = first - second + self.lambda_init
        return share

    def forward(
        self,
        query: Query,
        key: Key,
        value: Value,
        mask: Mask,
        bias: Bias | None = None,
        more: Callable[[Tensor], Tensor] | None = None,
    ) -> Context:
        """The context; zeros for a query that may see nothing."""
        assert more is None
        value = value.unflatten(1, (-1, 2)).transpose(2, 3).flatten(3)
        first, second = (
            Core.forward(
                self,
                query[:, i::2],
                key[:, i::2],
                value,
                mask,
                None if bias is None else bias[:, i::2],
            )
            for i in (0, 1)
        )
        wide = at_least_float32(first.dtype)
        mixed = first.to(wide) - self.share() * second.to(wide)
        scaled = ((1 - self.lambda_init) * self.norm(mixed)).to(first.dtype)
        return scaled.unflatten(3, (2, -1)).transpose(2, 3).flatten(1, 2)

    @torch.no_grad()
    def weights(
        self, query: Query, key: Key, mask: Mask, bias: Bias | None = None
    ) -> Float[Tensor, "batch pairs queries keys"]:
        """The weights of each pair, in float32: their rows sum to ``1 - lambda``."""
        both = super().weights(query, key, mask, bias)
        return both[:, 0::2] - self.share().float() * both[:, 1::2]


@register("attention", "differential")
class DifferentialAttention(ScoreAttention):
    """Multi-head attention with the difference of two softmaxes in each pair of heads.

    ``y = W_o [h_1 .. h_{H/2}]``, ``h = (1 - lambda_init) RMSNorm((softmax(q_1 k_1^T / sqrt(d)) -
    lambda softmax(q_2 k_2^T / sqrt(d))) v)``, ``v`` of width ``2 d``, ``lambda = exp(a_1 . b_1) -
    exp(a_2 . b_2) + lambda_init``, ``a`` and ``b`` learned; zeros before ``W_o`` where a query may
    see nothing. ``lambda_init = 0.8 - 0.6 exp(-0.3 (l - 1))`` in layer ``l``, from 1 on, unless it
    is given. Ye, Dong, Xia, Sun, Zhu, Huang, Wei 2024, "Differential Transformer".

    Raises:
        ValueError: an odd number of heads, dropout of weights, other sizes that do not fit each
            other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind) - {PositionKind.VALUES},
        kernels=kernels.KERNELS,
        weights="signed",
        even_heads=True,
        paper="Ye et al. 2024",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        bias: bool = False,
        lambda_init: float | None = None,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        if heads % 2:
            raise ValueError(f"heads={heads}: must be even; two heads attend together")
        if dropout:
            raise ValueError(
                f"dropout={dropout}: must be 0 with attention=differential, which drops no "
                "weights; model.attention_dropout=0 sets it for all"
            )
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=head_dim, bias=bias)
        share = scheduled(place.layer) if lambda_init is None else lambda_init
        core = DifferentialCore(maps.head_dim, lambda_init=share, kernel=kernel)
        super().__init__(place, projections=maps, core=core)


def scheduled(layer: int) -> float:
    """The ``lambda_init`` of a layer, here from 0 on: 0.2 in the first, nearly 0.8 far above."""
    return 0.8 - 0.6 * math.exp(-0.3 * layer)
