"""What attention and positions promise to the layers that use them: roles, streams, states, masks.

An attention is a module that reads a query stream and, in the cross role, a memory stream. What a
position may see follows from the role and from explicit position indices, never from tensor
lengths, so that whole sequences, prefixes and single steps of decoding are one expression.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Role(str, Enum):
    """Where an attention stands in an encoder-decoder."""

    ENCODER = "encoder"
    DECODER = "decoder"
    CROSS = "cross"


class PositionKind(str, Enum):
    """How a position scheme enters the model."""

    NONE = "none"
    INPUT = "input"


@dataclasses.dataclass(frozen=True)
class Stream:
    """One batch of sequences with everything that describes it."""

    x: Float[Tensor, "batch time dim"]
    position: Int[Tensor, "batch time"]
    valid: Bool[Tensor, "batch time"]


@runtime_checkable
class State(Protocol):
    """What one attention keeps of a sentence while it is decoded; a value owned by the caller."""

    def reorder(self, rows: Int[Tensor, " rows"]) -> "State":
        """The state whose row i is the present row ``rows[i]``; a row may come twice, or not."""

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "State":
        """The state of these sentences alone, all their rows included."""

    def nbytes(self) -> int:
        """Bytes in use, preallocated room left out."""


@dataclasses.dataclass(frozen=True)
class MixerOutput:
    """What an attention returns; weights only when captured, in float32, before dropout."""

    y: Float[Tensor, "batch time dim"]
    state: State | None = None
    weights: Float[Tensor, "batch heads time keys"] | None = None
    aux: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """What a variant can do, declared on its class; checks, lists and the suite read it."""

    roles: frozenset[Role]
    positions: frozenset[PositionKind]
    kernels: tuple[str, ...]
    weights: str = "exact"
    state: str = "kv"
    order_aware: bool = False


@runtime_checkable
class Attention(Protocol):
    """The contract of every attention; implementations are ``nn.Module``s."""

    capabilities: Capabilities
    role: Role

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:
        """The state before the first token.

        In the decoder role, room for ``capacity`` tokens of ``rows`` rows; in the cross role,
        ``memory`` projected once, shared by the ``rows / sentences`` rows of each sentence.
        """

    def __call__(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix: without a state the whole sequence at once, with one the next n >= 1 tokens.

        A state is consumed: use the one that comes back.
        """


@runtime_checkable
class Position(Protocol):
    """A position scheme of kind INPUT: what is added to the embeddings.

    ``room`` is how many positions it knows, from 0 on; None where there is no limit.
    """

    kind: PositionKind
    room: int | None

    def __call__(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time dim"]:
        """The encoding of each position."""


def allowed(
    query: Int[Tensor, "batch queries"],
    key: Int[Tensor, "batch keys"],
    valid: Bool[Tensor, "batch keys"],
    *,
    causal: bool,
) -> Bool[Tensor, "batch 1 queries keys"]:
    """Which key each query may see: real ones and, if causal, none at a later position."""
    mask = valid[:, None, None, :].expand(-1, 1, query.shape[1], -1)
    if causal:
        mask = mask & (key[:, None, None, :] <= query[:, None, :, None])
    return mask


@dataclasses.dataclass(frozen=True)
class KeyValueState:
    """Keys and values of the tokens so far, in preallocated room; one row a hypothesis."""

    key: Float[Tensor, "rows heads capacity dim"]
    value: Float[Tensor, "rows heads capacity value"]
    position: Int[Tensor, "rows capacity"]
    valid: Bool[Tensor, "rows capacity"]
    length: int
    sentences: int

    def append(
        self,
        key: Float[Tensor, "rows heads time dim"],
        value: Float[Tensor, "rows heads time value"],
        stream: Stream,
    ) -> "KeyValueState":
        """The state with new tokens; written in place, unless gradients are recorded."""
        end = self.length + key.shape[2]
        if end > self.position.shape[1]:
            raise ValueError(
                f"the state has room for {self.position.shape[1]} tokens, {end} were given"
            )
        state = self._map(Tensor.clone) if torch.is_grad_enabled() else self
        state.key[:, :, self.length : end] = key
        state.value[:, :, self.length : end] = value
        state.position[:, self.length : end] = stream.position
        state.valid[:, self.length : end] = stream.valid
        return dataclasses.replace(state, length=end)

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens so far."""
        n = self.length
        return self.key[:, :, :n], self.value[:, :, :n], self.position[:, :n], self.valid[:, :n]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "KeyValueState":
        """Rows picked by index; only the part in use is copied."""
        return self._select(rows, self.sentences)

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "KeyValueState":
        """All rows of the sentences given."""
        beams = self.key.shape[0] // self.sentences
        offsets = torch.arange(beams, device=sentences.device)
        rows = (sentences[:, None] * beams + offsets).flatten()
        return self._select(rows, len(sentences))

    def _select(self, rows: Tensor, sentences: int) -> "KeyValueState":
        def pick(tensor: Tensor) -> Tensor:
            axis = 2 if tensor.dim() == 4 else 1
            room = tensor.new_empty((len(rows), *tensor.shape[1:]))
            used = tensor.narrow(axis, 0, self.length)
            room.narrow(axis, 0, self.length).copy_(used.index_select(0, rows))
            return room

        return dataclasses.replace(self._map(pick), sentences=sentences)

    def _map(self, change: Callable[[Tensor], Tensor]) -> "KeyValueState":
        return dataclasses.replace(
            self,
            key=change(self.key),
            value=change(self.value),
            position=change(self.position),
            valid=change(self.valid),
        )

    def nbytes(self) -> int:
        """Bytes of the part in use."""
        return sum(tensor.nbytes for tensor in self.filled())


@dataclasses.dataclass(frozen=True)
class StaticKeyValueState:
    """Keys and values of the source, one row a sentence, shared by the sentence's hypotheses."""

    key: Float[Tensor, "sentences heads keys dim"]
    value: Float[Tensor, "sentences heads keys value"]
    position: Int[Tensor, "sentences keys"]
    valid: Bool[Tensor, "sentences keys"]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "StaticKeyValueState":  # noqa: ARG002
        """Itself: hypotheses move inside their sentence only."""
        return self

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "StaticKeyValueState":
        """The rows of the sentences given."""
        return StaticKeyValueState(
            *(
                tensor.index_select(0, sentences)
                for tensor in (self.key, self.value, self.position, self.valid)
            )
        )

    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(t.nbytes for t in (self.key, self.value, self.position, self.valid))
