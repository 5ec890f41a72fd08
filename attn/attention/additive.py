"""Multi-head additive attention: a hidden layer over query and key."""

import math

from torch import nn

from attn.contract import OUTSIDE, Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import MultiHeadAttention, Parts
from attn.score.projections import Projections
from attn.score.scores import Additive

POSITIONS = OUTSIDE | {PositionKind.BIAS}


@register("attention", "additive")
class AdditiveAttention(MultiHeadAttention):
    """Multi-head additive attention.

    ``h = softmax(s) v``, ``s_ij = u . tanh(W_q x_i + W_k m_j)`` with maps and a vector ``u`` for
    each head; ``head_dim`` is the width of this hidden layer. Bahdanau et al. 2015, "Neural Machine
    Translation by Jointly Learning to Align and Translate", section A.1.2.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist or is fused.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=POSITIONS,
        kernels=kernels.UNFUSED,
        paper="Bahdanau et al. 2015",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        return Parts(score=Additive(maps.heads, maps.head_dim))


@register("attention", "concat")
class ConcatAttention(MultiHeadAttention):
    """Multi-head attention by a hidden layer over query and key, put side by side.

    ``h = softmax(s) v``, ``s_ij = u . tanh(W [x_i; m_j])`` with a matrix and a vector ``u`` for
    each head; ``head_dim`` is the width of this hidden layer. With ``W = [W_q W_k]`` it is
    attention=additive; they differ in how they begin, for ``W`` is drawn as one matrix. Luong et
    al. 2015, "Effective Approaches to Attention-based Neural Machine Translation", score
    ``concat``.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist or is fused.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=POSITIONS,
        kernels=kernels.UNFUSED,
        paper="Luong et al. 2015",
    )

    @staticmethod
    def parts(maps: Projections) -> Parts:
        """What it is made of."""
        _draw_as_one(maps)
        return Parts(score=Additive(maps.heads, maps.head_dim))


def _draw_as_one(maps: Projections) -> None:
    """Draw the maps of queries and keys as one matrix, uniformly after Glorot and Bengio 2010."""
    hidden = maps.sizes[0]
    if hasattr(maps, "joint"):
        widths, matrices = 2 * maps.joint.in_features, [maps.joint.weight[: 2 * hidden]]
    else:
        widths = maps.query.in_features + maps.key_value.in_features
        matrices = [maps.query.weight, maps.key_value.weight[:hidden]]
    bound = math.sqrt(6 / (widths + hidden))
    for matrix in matrices:
        nn.init.uniform_(matrix, -bound, bound)
