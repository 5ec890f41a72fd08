"""Multi-head dot-product attention without a scale."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.projections import Projections
from attn.score.scores import Dot


@register("attention", "dot")
class DotAttention(MultiHeadAttention):
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

    @staticmethod
    def parts(maps: Projections) -> Parts:  # noqa: ARG004
        """What it is made of."""
        return Parts(score=Dot(1.0))
