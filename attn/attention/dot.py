"""Multi-head dot-product attention without a scale."""

from typing import Any

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import Parts
from attn.score.scores import Dot
from attn.score.unprojected import OptionallyProjected


@register("attention", "dot")
class DotAttention(OptionallyProjected):
    """Multi-head dot-product attention without a scale.

    ``h = softmax(q k^T) v``: with queries and keys of unit variance the scores have variance
    ``d_k``, and few keys get all the weight. With ``projections=none``, ``h = softmax(x m^T) m`` of
    the vectors as they are, each head a part of their width: Luong et al. 2015, "Effective
    Approaches to Attention-based Neural Machine Translation", score ``dot``.

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
    def parts(maps: Any) -> Parts:  # noqa: ARG004
        """What it is made of."""
        return Parts(score=Dot(1.0))
