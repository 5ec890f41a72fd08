"""Luong's local attention: to a window of the source."""

import torch
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.precision import at_least_float32
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention, folded, unfolded
from attn.states import StaticKeyValueState


@register("attention", "local_m")
class MonotonicLocalAttention(ScoreAttention):
    """Attention to the source around the place that the target has reached.

    Target word t sees the source words j with ``|j - t| <= radius``, and zeros once none is left;
    the scores are scaled products. Luong et al. 2015, "Effective Approaches to Attention-based
    Neural Machine Translation", section 3.2, local-m.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.CROSS}),
        kernels=kernels.KERNELS,
        state="static",
        order_aware=True,
        path="T / radius",
        paper="Luong et al. 2015",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        radius: int = 10,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        if radius < 0:
            raise ValueError(f"radius={radius}: must not be negative")
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        super().__init__(
            place,
            projections=maps,
            core=core,
            pattern=lambda query, key: (query - key).abs() <= radius,
        )
        self.radius = radius


@register("attention", "local_p")
class PredictiveLocalAttention(ScoreAttention):
    """Attention to the source around a place that is predicted for each target word.

    ``p_t = S sigmoid(v . tanh(W_p h_t))`` with the length S of the source, padding not counted;
    ``a_tj = softmax_j(q_t . k_j / sqrt(d_k)) exp(-(j - p_t)^2 / (2 sigma^2))`` over the j with
    ``|j - p_t| <= radius``, ``sigma = radius / 2``. Luong et al. 2015, "Effective Approaches to
    Attention-based Neural Machine Translation", section 3.2, local-p.

    Raises:
        ValueError: sizes that do not fit each other, a kernel other than explicit products.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.CROSS}),
        kernels=kernels.UNFUSED,
        weights="partial",
        state="static",
        order_aware=True,
        paper="Luong et al. 2015",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        radius: int = 10,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        if radius < 1:
            raise ValueError(f"radius={radius}: must be at least 1")
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        core.require("a Gaussian follows its softmax")
        super().__init__(place, projections=maps, core=core)
        self.radius = radius
        self.hidden = nn.Linear(place.query_dim, place.query_dim, bias=False)
        self.predict = nn.Linear(place.query_dim, 1, bias=False)
        for linear in (self.hidden, self.predict):
            nn.init.xavier_uniform_(linear.weight)

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the source; the whole target and a part of it are the same."""
        if state is None:
            assert memory is not None
            state = self.start(memory, rows=memory.x.shape[0], capacity=0)
        assert isinstance(state, StaticKeyValueState)
        q = self.projections.query_of(query.x)
        beams = q.shape[0] // state.key.shape[0]
        share = folded(self.share(query.x)[:, None], beams)
        weights = self.weigh(folded(q, beams), share, state)
        mixed = kernels.mix(self.core.dropout(weights.to(state.value.dtype)), state.value)
        shown = unfolded(weights.detach().float(), beams) if capture else None
        return MixerOutput(self._out(unfolded(mixed, beams), query), state, shown)

    def share(self, x: Tensor) -> Tensor:
        """Where in the source each target word looks, as a share of its length."""
        score = self.predict(torch.tanh(self.hidden(x)))
        return torch.sigmoid(score.to(at_least_float32(score.dtype)))

    def weigh(self, q: Tensor, share: Tensor, state: StaticKeyValueState) -> Tensor:
        """Weights of shape (sentences, heads, queries, keys), in float32 at least."""
        length = state.valid.sum(-1)[:, None, None, None]
        beside = state.position[:, None, None, :] - share * length
        mask = state.valid[:, None, None, :] & (beside.detach().abs() <= self.radius)
        exact = self.core.attend(q, state.key, mask)
        return exact * torch.exp(-beside.square() / (0.5 * self.radius**2))
