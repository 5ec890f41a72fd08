"""Average attention: each position looks at the mean of all before it."""

import dataclasses
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.registry import register
from attn.states import RowState


@dataclasses.dataclass(frozen=True)
class AverageState(RowState):
    """The sum of the tokens so far, and how many they are, in float32."""

    total: Float[Tensor, "rows dim"]
    count: Float[Tensor, " rows"]


@register("attention", "average")
class AverageAttention(nn.Module):
    """Average attention: the mean of the past through a feed-forward network, gated.

    ``y_i = s(a_i) * x_i + s(b_i) * g_i``, ``[a_i; b_i] = W [x_i; g_i] + b``,
    ``g_i = W_2 relu(W_1 m_i + b_1) + b_2``, ``m_i = (x_1 + .. + x_i) / i``, padding left out; s is
    the sigmoid. It has a feed-forward network of its own and one head, whatever the model has.
    Zhang, Xiong and Su 2018, "Accelerating Neural Transformer via an Average Attention Network",
    section 3.

    Raises:
        ValueError: a size below 1, a dropout rate out of range.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.DECODER}),
        weights="implied",
        state="mean",
        time="T D F",
        paper="Zhang et al. 2018",
    )

    def __init__(self, place: Place, *, feedforward_dim: int = 2048, dropout: float = 0.0) -> None:
        super().__init__()
        if feedforward_dim < 1:
            raise ValueError(f"feedforward_dim={feedforward_dim}: must be at least 1")
        dim = place.query_dim
        assert place.out_dim == dim
        self.role = place.role
        self.inner = nn.Linear(dim, feedforward_dim)
        self.outer = nn.Linear(feedforward_dim, dim)
        self.gates = nn.Linear(2 * dim, 2 * dim)
        self.dropout = Dropout(dropout)
        for linear in (self.inner, self.outer, self.gates):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """No tokens yet."""
        weight = self.outer.weight
        total = weight.new_zeros((rows, len(weight)), dtype=at_least_float32(weight.dtype))
        return AverageState(rows if memory is None else len(memory.x), total, total[:, 0].clone())

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,  # noqa: ARG002
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        wide = at_least_float32(query.x.dtype)
        count = query.valid.cumsum(1).to(wide)
        total = query.x.to(wide).masked_fill(~query.valid[..., None], 0).cumsum(1)
        after, weights = None, None
        if state is not None:
            past = cast("AverageState", state)
            count, total = count + past.count[:, None], total + past.total[:, None]
            after = dataclasses.replace(past, total=total[:, -1], count=count[:, -1])
        elif capture:
            weights = _weights(query.valid, count)
        mean = (total / count.clamp(min=1)[..., None]).to(query.x.dtype)
        return MixerOutput(self._gated(query.x, self._feedforward(mean)), after, weights)

    def _feedforward(self, mean: Tensor) -> Tensor:
        y: Tensor = self.outer(self.dropout(F.relu(self.inner(mean))))
        return y

    def _gated(self, x: Tensor, mean: Tensor) -> Tensor:
        own, past = self.gates(torch.cat((x, mean), -1)).sigmoid().chunk(2, -1)
        return own * x + past * mean


def _weights(valid: Tensor, count: Tensor) -> Float[Tensor, "batch 1 time keys"]:
    """The same share of every real token up to one's own."""
    seen = valid[:, None, None, :].expand(-1, -1, valid.shape[1], -1).tril()
    return (seen / count.clamp(min=1)[:, None, :, None]).float()
