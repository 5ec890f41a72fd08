"""Attention that judges each key by itself."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.normalisers import Sigmoid
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "sigmoid")
class SigmoidAttention(ScoreAttention):
    """Multi-head attention whose weights are sigmoids, no key taking from another.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j sigmoid(q_i . k_j / sqrt(d_k) - log n_i) v_j`` over the
    ``n_i`` positions that a query may see: where all scores are 0, the weights sum to nearly 1;
    zeros before ``W_o`` where it may see none. Ramapuram et al. 2024, "Theory, Analysis, and Best
    Practices for Sigmoid Self-Attention".

    Raises:
        ValueError: sizes that do not fit each other, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        weights="free",
        paper="Ramapuram et al. 2024",
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
            normaliser=Sigmoid(),
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core)
