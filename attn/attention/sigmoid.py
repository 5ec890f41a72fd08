"""Attention that judges each key by itself."""

from attn.contract import Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.normalisers import Sigmoid
from attn.score.projections import Projections


@register("attention", "sigmoid")
class SigmoidAttention(MultiHeadAttention):
    """Multi-head attention whose weights are sigmoids, no key taking from another.

    ``y = W_o [h_1 .. h_H]``, ``h_i = sum_j sigmoid(q_i . k_j / sqrt(d_k) - log n_i) v_j`` over the
    ``n_i`` positions that a query may see: where all scores are 0, the weights sum to nearly 1;
    zeros before ``W_o`` where it may see none. Ramapuram et al. 2024, "Theory, Analysis, and Best
    Practices for Sigmoid Self-Attention".

    Raises:
        ValueError: sizes that do not fit each other, a fused kernel.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.UNFUSED,
        weights="free",
        paper="Ramapuram et al. 2024",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:  # noqa: ARG004
        """What it is made of."""
        return Parts(normaliser=Sigmoid())
