"""Attention that need not attend: a part of each query's weight may go to no key at all."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.normalisers import Sink
from attn.score.projections import Projections


@register("attention", "softmax_one")
class SoftmaxOneAttention(MultiHeadAttention):
    """Multi-head attention whose softmax has one more in its denominator.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j a_ij v_j``, ``a_ij = exp(s_ij) / (1 + sum_k
    exp(s_ik))``, ``s = q k^T / sqrt(d_k)``; zeros before ``W_o`` where a query may see nothing. The
    weights of a query whose scores are all low are near to zero. Miller 2023, "Attention Is Off By
    One".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        weights="partial",
        paper="Miller 2023",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        return Parts(normaliser=Sink(maps.heads, learned=False))


@register("attention", "sink")
class SinkAttention(MultiHeadAttention):
    """Multi-head attention in which each head learns the score of a key without a value.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j a_ij v_j``, ``a_ij = exp(s_ij) / (exp(b_h) + sum_k
    exp(s_ik))``, ``s = q k^T / sqrt(d_k)``; zeros before ``W_o`` where a query may see nothing. The
    learned ``b_h`` start from 0, that is from softmax_one. OpenAI 2025, "gpt-oss-120b & gpt-oss-20b
    Model Card".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        weights="partial",
        paper="OpenAI 2025",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        return Parts(normaliser=Sink(maps.heads, learned=True))
