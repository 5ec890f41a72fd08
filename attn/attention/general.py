"""Multi-head bilinear attention."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.norms import ByHeadLinear, Norms
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "general")
class GeneralAttention(ScoreAttention):
    """Multi-head bilinear attention.

    ``h = softmax(q W k^T) v`` with a matrix ``W`` for each head, and no scale. Queries meet ``W``
    before they are turned by rotary positions: the scores then depend on distances alone. Luong et
    al. 2015, "Effective Approaches to Attention-based Neural Machine Translation", score
    ``general``.

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
        norms = Norms(query=ByHeadLinear(heads, maps.head_dim))
        core = Core(score=Dot(1.0), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core, norms=norms)
