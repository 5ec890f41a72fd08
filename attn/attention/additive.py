"""Multi-head additive attention: a hidden layer over query and key."""

import math

from torch import nn

from attn.contract import OUTSIDE, Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Additive
from attn.score.shell import ScoreAttention

POSITIONS = OUTSIDE | {PositionKind.BIAS}


@register("attention", "additive")
class AdditiveAttention(ScoreAttention):
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
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(score=Additive(heads, maps.head_dim), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core)


@register("attention", "concat")
class ConcatAttention(ScoreAttention):
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
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        _draw_as_one(maps, place)
        core = Core(score=Additive(heads, maps.head_dim), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core)


def _draw_as_one(maps: Projections, place: Place) -> None:
    """Draw the maps of queries and keys as one matrix, uniformly after Glorot and Bengio 2010."""
    hidden = maps.sizes[0]
    bound = math.sqrt(6 / (place.query_dim + place.memory_dim + hidden))
    if place.role is Role.CROSS:
        matrices = [maps.query.weight, maps.key_value.weight[:hidden]]
    else:
        matrices = [maps.joint.weight[: 2 * hidden]]
    for matrix in matrices:
        nn.init.uniform_(matrix, -bound, bound)
