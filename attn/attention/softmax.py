"""Multi-head scaled dot-product attention."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Dot
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
        paper="Vaswani et al. 2017",
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
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core)
