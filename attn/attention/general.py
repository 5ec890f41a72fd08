"""Multi-head bilinear attention."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.norms import ByHeadLinear, Norms
from attn.score.projections import Projections
from attn.score.scores import Dot


@register("attention", "general")
class GeneralAttention(MultiHeadAttention):
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

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        norms = Norms(query=ByHeadLinear(maps.heads, maps.head_dim))
        return Parts(score=Dot(1.0), norms=norms)
