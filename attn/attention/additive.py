"""Multi-head additive attention: a hidden layer over query and key."""

import math
from typing import Any

from torch import nn

from attn.contract import OUTSIDE, Capabilities, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.multihead import Parts
from attn.score.scores import Additive
from attn.score.unprojected import OptionallyProjected, UnprojectedValues

POSITIONS = OUTSIDE | {PositionKind.BIAS}


@register("attention", "additive")
class AdditiveAttention(OptionallyProjected):
    """Multi-head additive attention.

    ``h = softmax(s) v``, ``s_ij = u . tanh(W_q x_i + W_k m_j)`` with maps and a vector ``u`` for
    each head; ``head_dim`` is the width of this hidden layer. With ``projections=none`` values are
    the vectors as they are, each head a part of their width: Bahdanau et al. 2015, "Neural Machine
    Translation by Jointly Learning to Align and Translate", section A.1.2.

    Raises:
        ValueError: unknown projections, sizes that do not fit each other, a kernel that does not
            exist or is fused.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=POSITIONS,
        kernels=kernels.UNFUSED,
        paper="Bahdanau et al. 2015",
    )

    unprojected = UnprojectedValues

    @staticmethod
    def parts(maps: Any) -> Parts:
        """What it is made of."""
        return Parts(score=Additive(maps.heads, maps.head_dim))


@register("attention", "concat")
class ConcatAttention(OptionallyProjected):
    """Multi-head attention by a hidden layer over query and key, put side by side.

    ``h = softmax(s) v``, ``s_ij = u . tanh(W [x_i; m_j])`` with a matrix and a vector ``u`` for
    each head; ``head_dim`` is the width of this hidden layer. With ``W = [W_q W_k]`` it is
    attention=additive; they differ in how they begin, for ``W`` is drawn as one matrix. With
    ``projections=none`` values are the vectors as they are, each head a part of their width: Luong
    et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation", score
    ``concat``.

    Raises:
        ValueError: unknown projections, sizes that do not fit each other, a kernel that does not
            exist or is fused.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=POSITIONS,
        kernels=kernels.UNFUSED,
        paper="Luong et al. 2015",
    )

    unprojected = UnprojectedValues

    @staticmethod
    def parts(maps: Any) -> Parts:
        """What it is made of."""
        _draw_as_one(maps)
        return Parts(score=Additive(maps.heads, maps.head_dim))


def _draw_as_one(maps: Any) -> None:
    """Draw the maps of queries and keys as one matrix, uniformly after Glorot and Bengio 2010."""
    query, key = maps.of_scores()
    bound = math.sqrt(6 / (query.shape[1] + key.shape[1] + len(query)))
    for matrix in (query, key):
        nn.init.uniform_(matrix, -bound, bound)
