"""The shell around a core with explicit scores: projections, states and masks."""

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from attn.contract import (
    KeyValueState,
    MixerOutput,
    Role,
    State,
    StaticKeyValueState,
    Stream,
    allowed,
)
from attn.precision import product_format
from attn.score.core import ScaledDotProduct
from attn.score.projections import Projections


class ScoreAttention(nn.Module):
    """Project, remember, mix, project out: ``contract.Attention`` for cores with scores."""

    def __init__(self, *, role: Role, projections: Projections, core: ScaledDotProduct) -> None:
        super().__init__()
        self.role = role
        self.projections = projections
        self.core = core

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:
        """The state before the first token: empty room, or the projected source."""
        if self.role is Role.CROSS:
            assert memory is not None
            key, value = self.projections.key_value_of(memory.x)
            # Contiguous, or every step of decoding would copy them before it multiplies.
            return StaticKeyValueState(
                key.contiguous(), value.contiguous(), memory.position, memory.valid
            )
        weight = self.projections.out.weight
        shape = (rows, self.projections.heads, capacity)
        numbers = torch.zeros((), dtype=product_format(weight), device=weight.device)
        whole = torch.zeros((), dtype=torch.long, device=weight.device)
        return KeyValueState(
            key=numbers.new_zeros(*shape, self.projections.head_dim),
            value=numbers.new_zeros(*shape, self.projections.value_dim),
            position=whole.new_zeros(rows, capacity),
            valid=whole.new_zeros(rows, capacity, dtype=torch.bool),
            length=0,
            sentences=rows if memory is None else memory.x.shape[0],
        )

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        if self.role is Role.CROSS:
            return self._cross(query, memory, state, capture)
        q, k, v = self.projections.all_of(query.x)
        position, valid = query.position, query.valid
        if state is not None:
            assert isinstance(state, KeyValueState)
            state = state.append(k, v, query)
            k, v, position, valid = state.filled()
        mask = allowed(query.position, position, valid, causal=self.role is Role.DECODER)
        context, weights = self._mix(q, k, v, mask, capture)
        return MixerOutput(self.projections.join(context), state, weights)

    def _cross(
        self, query: Stream, memory: Stream | None, state: State | None, capture: bool
    ) -> MixerOutput:
        if state is None:
            assert memory is not None
            state = self.start(memory, rows=memory.x.shape[0], capacity=0)
        assert isinstance(state, StaticKeyValueState)
        q = self.projections.query_of(query.x)
        beams = q.shape[0] // state.key.shape[0]
        if beams > 1:  # hypotheses of one sentence are more queries to the same keys
            q = q.unflatten(0, (-1, beams)).transpose(1, 2).flatten(2, 3)
        mask = state.valid[:, None, None, :].expand(-1, 1, q.shape[2], -1)
        context, weights = self._mix(q, state.key, state.value, mask, capture)
        if beams > 1:
            context = _rows(context, beams)
            weights = None if weights is None else _rows(weights, beams)
        return MixerOutput(self.projections.join(context), state, weights)

    def _mix(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Bool[Tensor, "batch 1 queries keys"],
        capture: bool,
    ) -> tuple[Tensor, Tensor | None]:
        return self.core(q, k, v, mask), self.core.weights(q, k, mask) if capture else None


def _rows(x: Tensor, beams: int) -> Tensor:
    """Queries that were folded into their sentence, as rows again."""
    return x.unflatten(2, (beams, -1)).transpose(1, 2).flatten(0, 1)
