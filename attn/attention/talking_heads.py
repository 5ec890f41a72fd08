"""Attention whose heads exchange their scores, and their weights."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.maps import HeadMap
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "talking_heads")
class TalkingHeadsAttention(ScoreAttention):
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
        if heads == 1:
            raise ValueError("heads=1: has no other to talk to; must be at least 2")
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(
            score=Dot(maps.head_dim**-0.5),
            before=HeadMap(heads, of="scores"),
            after=HeadMap(heads, of="weights"),
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core)
