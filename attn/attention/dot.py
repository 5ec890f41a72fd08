"""Multi-head dot-product attention without a scale."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "dot")
class DotAttention(ScoreAttention):
    """Multi-head dot-product attention without a scale.

    ``h = softmax(q k^T) v``: with queries and keys of unit variance the scores have variance
    ``d_k``, and few keys get all the weight. Luong et al. 2015, "Effective Approaches to
    Attention-based Neural Machine Translation", score ``dot``.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Luong et al. 2015",
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
        core = Core(score=Dot(1.0), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core)
