"""Multi-head scaled dot-product attention."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import ScaledDotProduct
from attn.score.projections import Projections
from attn.score.shell import ScoreAttention


@register("attention", "softmax")
class SoftmaxAttention(ScoreAttention):
    """Multi-head scaled dot-product attention.

    ``y = W_o [h_1 .. h_H]``, ``h = softmax(q k^T / sqrt(d_k)) v`` over the positions a query may
    see; zeros before ``W_o`` where it may see none. Vaswani et al. 2017, "Attention Is All You
    Need", section 3.2.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
    )

    def __init__(
        self,
        *,
        role: Role,
        query_dim: int,
        memory_dim: int,
        out_dim: int,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        projections = Projections(
            query_dim=query_dim,
            memory_dim=memory_dim,
            out_dim=out_dim,
            heads=heads,
            head_dim=head_dim,
            value_dim=value_dim,
            shared_input=role is not Role.CROSS,
            bias=bias,
        )
        scale = projections.head_dim**-0.5
        core = ScaledDotProduct(scale=scale, dropout=dropout, kernel=kernel)
        super().__init__(role=role, projections=projections, core=core)
