"""What attention and positions promise to the layers that use them: roles, streams, states, masks.

An attention is a module that reads a query stream and, in the cross role, a memory stream. What a
position may see follows from the role and from explicit position indices, never from tensor
lengths, so that whole sequences, prefixes and single steps of decoding are one expression. Within
a row, positions ascend: an attention that keeps sums of the past in place of its tokens takes what
comes before in the tensor for what comes before in the sentence.
"""

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import Protocol, runtime_checkable

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
    INPUT = "input"  # added to the embeddings
    ROTARY = "rotary"  # turns queries and keys
    BIAS = "bias"  # added to the scores, whatever the words
    CONTENT = "content"  # added to the scores, by what query and key say
    VALUES = "values"  # as CONTENT, and to the values


OUTSIDE = frozenset({PositionKind.NONE, PositionKind.INPUT})


@dataclasses.dataclass(frozen=True)
class Stream:
    """One batch of sequences with everything that describes it.

    The positions of the real tokens of a row ascend, with gaps or without, and a state is given
    tokens behind those that it has. Where there are scores of all pairs, any order will do.
    """

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


@dataclasses.dataclass(frozen=True)
class Growth:
    """How one layer grows with its sequence; Vaswani et al. 2017, table 1.

    Args:
        time: its operations, ``T`` queries, ``S`` keys, width ``D``.
        sequential: how many of them must follow each other: ``1``, or ``T`` where each step needs
            the one before.
        path: the most layers, or steps of one, between two positions: ``1``, ``T``, or ``T / NAME``
            where a position sees no further than the attribute ``NAME`` of the layer tells.
    """

    time: str
    sequential: str = "1"
    path: str = "1"


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """What a variant can do, declared on its class; checks, lists and the suite read it.

    Args:
        roles: where it can stand.
        positions: the kinds of position schemes that may act within it.
        kernels: the values of its option ``kernel``; empty if it has none.
        weights: what ``capture`` gives: ``exact`` rows of sum 1, ``partial`` rows of at most 1,
            ``free`` rows of any sum, ``signed``, or ``implied``: computed for the picture alone.
            Where a state no longer knows its tokens, a traced one gives them step by step.
        state: what a decoder keeps of a sentence: ``kv`` grows with it, all others do not.
        even_heads: whether two heads work together, so that their number must be even.
        remembers: whether, in the cross role, each hypothesis has a state of its own, beside the
            source that those of a sentence share.
        order_aware: whether it tells the order of its keys without positions.
        gap: how far step by step may lie from all at once, where that is part of the method.
        time: operations of one layer, ``T`` queries, ``S`` keys, width ``D``.
        sequential: how many of them must follow each other, see ``Growth``.
        path: the most layers between two positions, see ``Growth``.
        paper: where it comes from.
        only: options that do not act wherever it stands; given where none acts, they are refused.
    """

    roles: frozenset[Role]
    positions: frozenset[PositionKind] = OUTSIDE
    kernels: tuple[str, ...] = ()
    weights: str = "exact"
    state: str = "kv"
    even_heads: bool = False
    remembers: bool = False
    order_aware: bool = False
    gap: float = 0.0
    time: str = "T S D"
    sequential: str = "1"
    path: str = "1"
    paper: str = ""
    only: tuple["Only", ...] = ()

    @property
    def growth(self) -> Growth:
        """How a layer grows with its sequence."""
        return Growth(self.time, self.sequential, self.path)


@dataclasses.dataclass(frozen=True)
class Only:
    """An option that acts in some roles alone, or beside some kinds of position schemes alone."""

    option: str
    where: str  # in words
    roles: frozenset[Role] = frozenset(Role)
    positions: frozenset[PositionKind] = frozenset(PositionKind)

    def __str__(self) -> str:
        """The option, and where it acts."""
        return f"{self.option} ({self.where})"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an attention is to stand: role, widths around it, who makes its positions, layer.

    ``position``, given the number of heads and the width of each, makes the scheme that acts within
    the attention; None where none does. ``layer`` counts the layers of the role from 0 on.
    """

    role: Role
    query_dim: int
    memory_dim: int
    out_dim: int
    position: Callable[[int, int], "InnerPosition"] | None = None
    layer: int = 0


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
class InnerPosition(Protocol):
    """A position scheme within a self-attention; it has the method that its kind calls for.

    ``ROTARY``: ``rotate(x, position)``, queries or keys by head, turned. ``BIAS``:
    ``bias(query_position, key_position)``, of shape (batch or 1, heads, queries, keys), added to
    the scores. ``CONTENT``: ``content(query, key, query_position, key_position)``, likewise but
    before the scores are scaled. ``VALUES``: also ``values(weights, query_position,
    key_position)``, of shape (batch, heads, queries, value), added to what the values give.
    """

    kind: PositionKind


@runtime_checkable
class Position(Protocol):
    """A position scheme of kind INPUT: what is added to the embeddings.

    ``room`` is how many positions it knows, from 0 on; None where there is no limit.
    """

    kind: PositionKind
    room: int | None

    def __call__(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """The encoding of each position, in one row where all rows are the same."""


def one_row(position: Int[Tensor, "batch time"]) -> Int[Tensor, "rows time"]:
    """The positions, a single row of them where all rows are that one expanded."""
    return position[:1] if position.stride(0) == 0 else position


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
