"""Hard-coded Gaussian attention."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from attn.contract import (
    Capabilities,
    MixerOutput,
    Place,
    Role,
    State,
    Stream,
    allowed,
    one_row,
)
from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.registry import register
from attn.score import kernels
from attn.score.blocks import is_long, spans
from attn.score.projections import by_head, side_by_side
from attn.states import WindowState

REACH = 8  # beyond it a density of deviation 1 is below 1e-14


@register("attention", "gaussian")
class GaussianAttention(nn.Module):
    """Attention with fixed weights: a Gaussian around a place beside each query.

    ``h_i = sum_j N(j; i + o, 1) v_j`` over the keys that may be seen, the density as it is, not
    normalised; heads take turns with the offsets ``o``: -1 and 1 in an encoder, -1 and 0 in a
    decoder, unless they are given. No queries, no keys: half of the weights of softmax attention.
    You et al. 2020, "Hard-Coded Gaussian Attention for Neural Machine Translation".

    Raises:
        ValueError: heads that do not divide the width, no offsets, or offsets beyond 8.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.ENCODER, Role.DECODER}),
        weights="free",
        state="window",
        order_aware=True,
        time="T D",
        path="T / reach",
        paper="You et al. 2020",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        offsets: list[int] | None = None,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if heads < 1 or place.query_dim % heads:
            raise ValueError(f"heads={heads}: must divide the width {place.query_dim}")
        if offsets is None:
            offsets = [-1, 1] if place.role is Role.ENCODER else [-1, 0]
        if not offsets or any(abs(offset) > REACH for offset in offsets):
            raise ValueError(f"offsets={offsets}: must be some numbers from -{REACH} to {REACH}")
        self.role, self.heads = place.role, heads
        self.reach = REACH + max(map(abs, offsets))
        turns = [offsets[head % len(offsets)] for head in range(heads)]
        self.register_buffer("offset", torch.tensor(turns), persistent=False)
        self.value = nn.Linear(place.query_dim, place.query_dim, bias=bias)
        self.out = nn.Linear(place.query_dim, place.out_dim, bias=bias)
        for linear in (self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            if bias:
                nn.init.zeros_(linear.bias)
        self.dropout = Dropout(dropout)

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """No tokens yet; the values of no more than those within reach are kept."""
        sentences = rows if memory is None else memory.x.shape[0]
        sizes = {"dim": 0, "value": self.value.out_features // self.heads}
        shape = rows, self.heads
        return WindowState.empty(self.out.weight, shape, **sizes, sentences=sentences)

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,  # noqa: ARG002
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        value = by_head(self.value(query.x), self.heads)
        position, valid, after = query.position, query.valid, None
        if state is not None:
            state = cast("WindowState", state).append(value[..., :0], value, query)
            _, value, position, valid = state.filled()
            after = state.last(self.reach)
        context = self.mix(query.position, position, valid, value)
        shown = None
        if capture:
            shown = self.weights(query.position, position, valid, torch.float32)
        return MixerOutput(self.out(side_by_side(context)), after, shown)

    def mix(self, query: Tensor, key: Tensor, valid: Tensor, value: Tensor) -> Tensor:
        """The context, by blocks of queries where the sequence is long."""
        time = query.shape[1]
        parts = [(slice(None), slice(None))]
        if is_long(time, key.shape[1], self.reach):
            parts = list(spans(time, self.reach, ahead=self.role is Role.ENCODER))
        wide = at_least_float32(value.dtype)
        contexts = []
        for some, near in parts:
            weights = self.weights(query[:, some], key[:, near], valid[:, near], wide)
            used = self.dropout(weights.to(value.dtype))
            contexts.append(kernels.mix(used, value[:, :, near]))
        return torch.cat(contexts, 2)

    def weights(self, query: Tensor, key: Tensor, valid: Tensor, wide: torch.dtype) -> Tensor:
        """``N(j; i + o, 1)`` by head where a key may be seen, else 0; so out of reach."""
        distance = (one_row(key)[:, None, :] - one_row(query)[:, :, None])[:, None]
        beside = (distance - self.get_buffer("offset")[:, None, None]).to(wide)
        density = torch.exp(-0.5 * beside.square()) / math.sqrt(2 * math.pi)
        seen = allowed(query, key, valid, causal=self.role is Role.DECODER)
        return density * (seen & (distance.abs() <= self.reach))
