"""Attentions whose heads share keys and values."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.multihead import MultiHeadAttention
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "gqa")
class GroupedQueryAttention(ScoreAttention):
    """Scaled dot-product attention in which groups of heads share a key and a value.

    ``h_i = softmax(q_i k_g^T / sqrt(d_k)) v_g`` for the ``H / G`` successive heads i of group g; a
    decoder keeps ``2 G d_k`` numbers a token. Ainslie et al. 2023, "GQA: Training Generalized
    Multi-Query Transformer Models from Multi-Head Checkpoints".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Ainslie et al. 2023",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        kv_heads: int = 2,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(
            place,
            heads=heads,
            head_dim=head_dim,
            value_dim=value_dim,
            kv_heads=kv_heads,
            bias=bias,
        )
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core)


@register("attention", "mqa")
class MultiQueryAttention(MultiHeadAttention):
    """Scaled dot-product attention in which all heads share one key and one value.

    ``h_i = softmax(q_i k^T / sqrt(d_k)) v``; a decoder keeps ``2 d_k`` numbers a token. Shazeer
    2019, "Fast Transformer Decoding: One Write-Head is All You Need".

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Shazeer 2019",
    )

    kv_heads = 1
