"""Multi-head attention with normalised queries and keys."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.norms import Norms, RootMeanSquare
from attn.score.projections import Projections


@register("attention", "qk_norm")
class QKNormAttention(MultiHeadAttention):
    """Multi-head attention with normalised queries and keys.

    ``h = softmax(N(q) N(k)^T / sqrt(d_k)) v``, ``N(x) = g x / sqrt(mean(x^2) + 1e-6)`` within each
    head, before rotary positions, with learned gains ``g`` for queries and others for keys, both
    the same for all heads. The gains take the place of a learned scale: no score exceeds
    ``sqrt(d_k) max|g_q g_k|``. Henry et al. 2020, "Query-Key Normalization for Transformers", in
    the form of Qwen3; for vectors of length 1 and a learned scale see attention=cosine.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Henry et al. 2020",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        dim = maps.head_dim
        return Parts(norms=Norms(query=RootMeanSquare(dim), key=RootMeanSquare(dim)))
