"""Attention with weights that are exactly zero where a key is far from the best."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.entmax import Entmax, Entmax15, Sparsemax
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "sparsemax")
class SparsemaxAttention(MultiHeadAttention):
    """Multi-head attention whose weights are the point of the simplex nearest to the scores.

    ``y = W_o [h_1 .. h_H]``, ``h = sparsemax(q k^T / sqrt(d_k)) v``, ``sparsemax(s)_j = max(s_j -
    tau, 0)`` with the tau for which the weights sum to 1; zeros before ``W_o`` where a query may
    see nothing. A key that scores 1 less than the best gets no weight at all. Martins, Astudillo
    2016, "From Softmax to Sparsemax".

    Raises:
        ValueError: sizes that do not fit each other, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        time="T S (D + H log S)",
        paper="Martins and Astudillo 2016",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:  # noqa: ARG004
        """What it is made of."""
        return Parts(normaliser=Sparsemax())


@register("attention", "entmax15")
class Entmax15Attention(MultiHeadAttention):
    """Multi-head attention with weights halfway between softmax and sparsemax.

    ``y = W_o [h_1 .. h_H]``, ``h = 1.5-entmax(q k^T / sqrt(d_k)) v``, ``1.5-entmax(s)_j = max(s_j /
    2 - tau, 0)^2`` with the tau for which the weights sum to 1; zeros before ``W_o`` where a query
    may see nothing. A key that scores 2 less than the best gets no weight at all. Peters, Niculae,
    Martins 2019, "Sparse Sequence-to-Sequence Models".

    Raises:
        ValueError: sizes that do not fit each other, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        time="T S (D + H log S)",
        paper="Peters et al. 2019",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:  # noqa: ARG004
        """What it is made of."""
        return Parts(normaliser=Entmax15())


@register("attention", "entmax")
class EntmaxAttention(ScoreAttention):
    """Multi-head attention in which each head learns how sparse its weights are.

    ``y = W_o [h_1 .. h_H]``, ``h = alpha_h-entmax(q k^T / sqrt(d_k)) v``, ``alpha-entmax(s)_j =
    max((alpha - 1) s_j - tau, 0)^(1 / (alpha - 1))`` with the tau for which the weights sum to 1;
    zeros before ``W_o`` where a query may see nothing. Every ``alpha_h`` starts from ``alpha`` and
    stays between 1.01, near to softmax, and 2, sparsemax. Correia, Niculae, Martins 2019,
    "Adaptively Sparse Transformers".

    Raises:
        ValueError: sizes that do not fit each other, an alpha out of range, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        time="T S (D + H log 1/eps)",
        paper="Correia et al. 2019",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        alpha: float = 1.5,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(
            score=Dot(maps.head_dim**-0.5),
            normaliser=Entmax(heads, alpha),
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core)
