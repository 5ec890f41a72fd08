"""The shell around a core with explicit scores: projections, positions, states and masks."""

from collections.abc import Callable
from typing import Any, cast

from jaxtyping import Shaped
from torch import Tensor, nn

from attn.contract import (
    InnerPosition,
    MixerOutput,
    Place,
    PositionKind,
    Role,
    State,
    Stream,
    allowed,
    one_row,
)
from attn.score.core import Core
from attn.states import KeyValueState, StaticKeyValueState, Tokens

Pattern = Callable[[Tensor, Tensor], Tensor]
BENT = frozenset({PositionKind.CONTENT, PositionKind.VALUES})
NO_VECTORS = "position vectors that meet the values are no bias of the scores"


class ScoreAttention(nn.Module):
    """Project, turn, remember, mix, project out: ``contract.Attention`` for cores with scores.

    Args:
        place: where it stands.
        projections: from streams to queries, keys and values by head, and back: ``Projections``,
            or what has its methods and sizes.
        core: from those to the context.
        norms: ``query`` and ``key``, maps of both before they are turned and remembered.
        pattern: from positions (rows, queries, 1) and (rows, 1, keys) to which key each query may
            see, the mask of the role apart.
        gate: from the context by head and the query's stream to the context.
        position: the scheme that acts within; None: the one that the place makes.
    """

    def __init__(
        self,
        place: Place,
        *,
        projections: Any,
        core: Core,
        norms: nn.Module | None = None,
        pattern: Pattern | None = None,
        gate: nn.Module | None = None,
        position: InnerPosition | None = None,
    ) -> None:
        super().__init__()
        self.role = place.role
        self.projections, self.core = projections, core
        self.norms: Any = norms
        self.pattern, self.gate = pattern, gate
        if position is None and place.position is not None:
            position = place.position(projections.heads, projections.head_dim)
        self.position: Any = position
        self.kind = PositionKind.NONE if position is None else position.kind
        if self.kind is PositionKind.VALUES:
            core.require(NO_VECTORS)
            if projections.value_dim != projections.head_dim:
                raise ValueError(
                    f"value_dim={projections.value_dim}: must equal "
                    f"head_dim={projections.head_dim}, the width of the position scheme's vectors"
                )

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:
        """The state before the first token: empty room, or the projected source."""
        if self.role is Role.CROSS:
            assert memory is not None
            key, value = self.projections.key_value_of(memory.x)
            if self.norms is not None:
                key = self.norms.key(key)
            # Contiguous, or every step of decoding would copy them before it multiplies.
            return StaticKeyValueState(
                key.contiguous(), value.contiguous(), memory.position, memory.valid
            )
        return self.empty(rows, capacity, rows if memory is None else memory.x.shape[0])

    def empty(self, rows: int, capacity: int, sentences: int) -> State:
        """Room for the tokens of a decoder."""
        maps = self.projections
        return KeyValueState.empty(
            maps.weight,
            (capacity, rows, maps.kv_heads),
            dim=maps.head_dim,
            value=maps.value_dim,
            sentences=sentences,
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
        if self.norms is not None:
            q, k = self.norms.query(q), self.norms.key(k)
        if self.kind is PositionKind.ROTARY:
            q, k = self.turn(q, query.position), self.turn(k, query.position)
        position, valid, after = query.position, query.valid, None
        if state is not None:
            after = cast("Tokens", state).append(k, v, query)
            k, v, position, valid = after.filled()
        context = self.mix(q, k, v, query.position, position, valid)
        weights = None
        if capture:
            mask, bias, _ = self.terms(q, k, query.position, position, valid)
            weights = self.core.weights(q, k, mask, bias)
        return MixerOutput(self._out(context, query), after, weights)

    def turn(self, x: Tensor, position: Tensor) -> Tensor:
        """Queries or keys, turned by their positions."""
        turned: Tensor = self.position.rotate(x, position)
        return turned

    def mix(
        self, q: Tensor, k: Tensor, v: Tensor, query: Tensor, key: Tensor, valid: Tensor
    ) -> Tensor:
        """The context of self-attention, given the positions of queries and keys."""
        return self.core(q, k, v, *self.terms(q, k, query, key, valid))

    def terms(
        self, q: Tensor, k: Tensor, query: Tensor, key: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor | None, Callable[[Tensor], Tensor] | None]:
        """What each query may see, and what its position adds to the scores and the context."""
        mask = allowed(query, key, valid, causal=self.role is Role.DECODER)
        if self.pattern is not None:
            mask = mask & self.pattern(query[:, :, None], key[:, None, :])[:, None]
        return mask, *self._position(q, k, query, key)

    def _position(
        self, q: Tensor, k: Tensor, query: Tensor, key: Tensor
    ) -> tuple[Tensor | None, Callable[[Tensor], Tensor] | None]:
        """What the position scheme adds to the scores, and what to the context."""
        at = one_row(query), one_row(key)
        if self.kind is PositionKind.BIAS:
            return self.position.bias(*at), None
        if self.kind not in BENT:
            return None, None
        scheme = self.position
        bias = scheme.content(q, k, *at) * self.core.score.scale
        if self.kind is PositionKind.CONTENT:
            return bias, None
        return bias, lambda weights: scheme.values(weights, *at)

    def _cross(
        self, query: Stream, memory: Stream | None, state: State | None, capture: bool
    ) -> MixerOutput:
        if state is None:
            assert memory is not None
            state = self.start(memory, rows=memory.x.shape[0], capacity=0)
        assert isinstance(state, StaticKeyValueState)
        q = self.projections.query_of(query.x)
        if self.norms is not None:
            q = self.norms.query(q)
        beams = q.shape[0] // state.key.shape[0]
        q = folded(q, beams)
        mask = state.valid[:, None, None, :].expand(-1, 1, q.shape[2], -1)
        if self.pattern is not None:
            at = folded(query.position[:, None, :, None], beams)[:, 0]
            mask = mask & self.pattern(at, state.position[:, None, :])[:, None]
        context = self.core(q, state.key, state.value, mask)
        weights = self.core.weights(q, state.key, mask) if capture else None
        context = unfolded(context, beams)
        weights = None if weights is None else unfolded(weights, beams)
        return MixerOutput(self._out(context, query), state, weights)

    def _out(self, context: Tensor, query: Stream) -> Tensor:
        return self.projections.join(context if self.gate is None else self.gate(context, query.x))


def folded(
    x: Shaped[Tensor, "rows heads time width"], beams: int
) -> Shaped[Tensor, "sentences heads queries width"]:
    """The hypotheses of one sentence as more queries to the same keys."""
    return x if beams == 1 else x.unflatten(0, (-1, beams)).transpose(1, 2).flatten(2, 3)


def unfolded(
    x: Shaped[Tensor, "sentences heads queries width"], beams: int
) -> Shaped[Tensor, "rows heads time width"]:
    """Queries that were folded into their sentence, as rows again."""
    return x if beams == 1 else x.unflatten(2, (beams, -1)).transpose(1, 2).flatten(0, 1)
