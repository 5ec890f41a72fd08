"""Multi-head bilinear attention."""

from typing import Any

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import Parts
from attn.score.norms import ByHeadLinear, Norms
from attn.score.scores import Dot
from attn.score.unprojected import OptionallyProjected


@register("attention", "general")
class GeneralAttention(OptionallyProjected):
    """Multi-head bilinear attention.

    ``h = softmax(q W k^T) v`` with a matrix ``W`` for each head, and no scale. Queries meet ``W``
    before they are turned by rotary positions: the scores then depend on distances alone. With
    ``projections=none``, ``h = softmax(x W m^T) m`` of the vectors as they are, each head a part of
    their width: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine
    Translation", score ``general``.

    Raises:
        ValueError: unknown projections, sizes that do not fit each other, a kernel that does not
            exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Luong et al. 2015",
    )

    @staticmethod
    def parts(maps: Any) -> Parts:
        """What it is made of."""
        norms = Norms(query=ByHeadLinear(maps.heads, maps.head_dim))
        return Parts(score=Dot(1.0), norms=norms)
