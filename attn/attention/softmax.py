"""Multi-head scaled dot-product attention."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention


@register("attention", "softmax")
class SoftmaxAttention(MultiHeadAttention):
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
