"""Attention that need not attend: a part of each query's weight may go to no key at all."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.normalisers import Sink
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "softmax_one")
class SoftmaxOneAttention(ScoreAttention):
    """Multi-head attention whose softmax has one more in its denominator.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j a_ij v_j``, ``a_ij = exp(s_ij) / (1 + sum_k
    exp(s_ik))``, ``s = q k^T / sqrt(d_k)``; zeros before ``W_o`` where a query may see nothing. The
    weights of a query whose scores are all low are near to zero. Miller 2023, "Attention Is Off By
    One".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        weights="partial",
        paper="Miller 2023",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(
            score=Dot(maps.head_dim**-0.5),
            normaliser=Sink(heads, learned=False),
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core)


@register("attention", "sink")
class SinkAttention(ScoreAttention):
    """Multi-head attention in which each head learns the score of a key without a value.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j a_ij v_j``, ``a_ij = exp(s_ij) / (exp(b_h) + sum_k
    exp(s_ik))``, ``s = q k^T / sqrt(d_k)``; zeros before ``W_o`` where a query may see nothing. The
    learned ``b_h`` start from 0, that is from softmax_one. OpenAI 2025, "gpt-oss-120b & gpt-oss-20b
    Model Card".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        weights="partial",
        paper="OpenAI 2025",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(
            score=Dot(maps.head_dim**-0.5),
            normaliser=Sink(heads, learned=True),
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core)
