"""Attention whose heads exchange their scores, and their weights."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.maps import HeadMap
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.projections import Projections


@register("attention", "talking_heads")
class TalkingHeadsAttention(MultiHeadAttention):
    """Multi-head attention with learned mixtures across heads, before and after the softmax.

    ``y = W_o [h_1 .. h_H]``, ``h = W softmax(L q k^T / sqrt(d_k)) v``, ``L`` and ``W`` being maps
    from heads to heads that start as the identity; zeros before ``W_o`` where a query may see
    nothing. Scores are mixed before the mask hides any; rows of weights may have any sum. Shazeer,
    Lan, Cheng, Ding, Hou 2020, "Talking-Heads Attention".

    Raises:
        ValueError: sizes that do not fit each other, a single head, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        weights="free",
        time="T S (D + H^2)",
        paper="Shazeer et al. 2020",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        if maps.heads == 1:
            raise ValueError("heads=1: has no other to talk to; must be at least 2")
        scores, weights = (HeadMap(maps.heads, of=of) for of in ("scores", "weights"))
        return Parts(before=scores, after=weights)
