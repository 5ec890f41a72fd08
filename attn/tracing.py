"""Weights step by step, of attentions too whose states no longer know their tokens.

Such a state is traced: beside it are kept the tokens that it stands for, from which the weights
of a step are computed as those of whole sequences are. What the attention gives stays the same.
"""

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.contract import Attention, MixerOutput, Role, State, Stream
from attn.states import RowState


@dataclasses.dataclass(frozen=True)
class Past(RowState):
    """The tokens so far, one row a hypothesis."""

    x: Float[Tensor, "rows time dim"]
    position: Int[Tensor, "rows time"]
    valid: Bool[Tensor, "rows time"]

    def stream(self, rows: int) -> Stream:
        """The tokens of each of so many rows, of which successive ones may share a sentence."""
        each = rows // max(len(self.x), 1)
        parts = (self.x, self.position, self.valid)
        return Stream(*(part.repeat_interleave(each, 0) for part in parts))


@dataclasses.dataclass(frozen=True)
class Source(Past):
    """The tokens of the source, one row a sentence, shared by the sentence's hypotheses."""

    def reorder(self, rows: Int[Tensor, " rows"]) -> "Source":  # noqa: ARG002
        """Itself: hypotheses move inside their sentence only."""
        return self


@dataclasses.dataclass(frozen=True)
class Traced:
    """A state, and the tokens that it stands for."""

    state: State
    tokens: Past

    def reorder(self, rows: Int[Tensor, " rows"]) -> "Traced":
        """Both reordered."""
        return Traced(self.state.reorder(rows), self.tokens.reorder(rows))

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "Traced":
        """Both for these sentences alone."""
        return Traced(self.state.keep(sentences), self.tokens.keep(sentences))

    def nbytes(self) -> int:
        """Bytes of both."""
        return self.state.nbytes() + self.tokens.nbytes()


def begun(
    attention: Attention, memory: Stream, *, rows: int, capacity: int, capture: bool
) -> State:
    """The state of an attention before the first token; traced if weights are to be captured."""
    state = attention.start(memory, rows=rows, capacity=capacity)
    if not capture:
        return state
    parts = (memory.x, memory.position, memory.valid)
    if attention.role is Role.CROSS:
        return Traced(state, Source(len(memory.x), *parts))
    none = (part.new_empty((rows, 0, *part.shape[2:])) for part in parts)
    return Traced(state, Past(len(memory.x), *none))


def mixed(
    attention: Attention,
    query: Stream,
    memory: Stream | None = None,
    *,
    state: State | None = None,
    capture: bool = False,
) -> MixerOutput:
    """What an attention gives; of a traced state always with the weights by which it does."""
    if not isinstance(state, Traced):
        return attention(query, memory, state=state, capture=capture)
    output, tokens = attention(query, state=state.state, capture=True), state.tokens
    assert output.state is not None
    if attention.role is Role.DECODER:
        tokens = _grown(tokens, query)
    weights = output.weights
    if weights is None or weights.shape[-1] < tokens.x.shape[1]:
        weights = _again(attention, query, tokens.stream(len(query.x)))
    return dataclasses.replace(output, state=Traced(output.state, tokens), weights=weights)


@torch.no_grad()
def _again(attention: Attention, query: Stream, tokens: Stream) -> Tensor:
    """The weights of all tokens at once, those of the last ones."""
    own = attention.role is Role.DECODER
    output = attention(tokens, capture=True) if own else attention(query, tokens, capture=True)
    assert output.weights is not None
    return output.weights[:, :, -query.x.shape[1] :]


def _grown(past: Past, query: Stream) -> Past:
    """The tokens so far and the next ones."""
    return dataclasses.replace(
        past,
        x=torch.cat((past.x, query.x), 1),
        position=torch.cat((past.position, query.position), 1),
        valid=torch.cat((past.valid, query.valid), 1),
    )
