"""The layers of encoder and decoder: attention and feed-forward, each in a residual with a norm."""

import dataclasses
from collections.abc import Callable

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import Attention, MixerOutput, State, Stream
from attn.dropout import Dropout
from attn.tracing import begun, mixed

NORMS = ("post", "pre")
ACTIVATIONS = ("relu", "gelu", "swiglu")
Block = Callable[[Tensor], Tensor]


class FeedForward(nn.Module):
    """The same two-layer network at each position.

    ``y = W_2 f(W_1 x + b_1) + b_2`` with f ReLU (Vaswani et al. 2017, section 3.3) or GELU
    (Hendrycks and Gimpel 2016); ``swiglu``: ``y = W_2 (silu(W_1 x + b_1) * (W_3 x + b_3)) + b_2``
    (Shazeer 2020, "GLU Variants Improve Transformer"), a third larger at the same width.

    Raises:
        ValueError: an unknown activation.
    """

    def __init__(self, *, dim: int, inner_dim: int, activation: str, dropout: float) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            choices = ", ".join(ACTIVATIONS)
            raise ValueError(f"activation={activation}: unknown; choose one of {choices}")
        self.activation = activation
        gates = 2 if activation == "swiglu" else 1
        self.inner = nn.Linear(dim, gates * inner_dim)
        self.outer = nn.Linear(inner_dim, dim)
        self.dropout = Dropout(dropout, option="activation_dropout")
        for linear in (self.inner, self.outer):
            nn.init.zeros_(linear.bias)
        for block in (*self.inner.weight.split(inner_dim), self.outer.weight):
            nn.init.xavier_uniform_(block)

    def forward(self, x: Float[Tensor, "batch time dim"]) -> Float[Tensor, "batch time dim"]:
        """Apply the network to each position."""
        hidden = self.inner(x)
        if self.activation == "swiglu":
            gate, value = hidden.chunk(2, -1)
            hidden = F.silu(gate) * value
        elif self.activation == "gelu":
            hidden = F.gelu(hidden)
        left = self.dropout.relu(hidden) if self.activation == "relu" else self.dropout(hidden)
        y: Tensor = self.outer(left)
        return y


class Residual(nn.Module):
    """A block with its shortcut: ``norm(x + drop(f(x)))`` post, ``x + drop(f(norm(x)))`` pre.

    Post-norm is the paper's; pre-norm (Xiong et al. 2020, "On Layer Normalization in the
    Transformer Architecture") also trains deep stacks without care.

    Raises:
        ValueError: an unknown place of the norm.
    """

    def __init__(self, *, dim: int, norm: str, dropout: float) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"norm={norm}: unknown; choose one of {', '.join(NORMS)}")
        self.pre = norm == "pre"
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, block: Block) -> Tensor:
        """The block applied within its residual."""
        if self.pre:
            return self.dropout.add(x, block(self.norm(x)))
        y: Tensor = self.norm(self.dropout.add(x, block(x)))
        return y


@dataclasses.dataclass
class Mixing:
    """An attention as the block of a residual; its whole output is kept beside."""

    attention: Attention
    stream: Stream
    memory: Stream | None = None
    state: State | None = None
    capture: bool = False
    output: MixerOutput = dataclasses.field(init=False)

    def __call__(self, x: Tensor) -> Tensor:
        """What the attention mixes of the stream, with other vectors in it."""
        query = dataclasses.replace(self.stream, x=x)
        self.output = mixed(
            self.attention, query, self.memory, state=self.state, capture=self.capture
        )
        return self.output.y


@dataclasses.dataclass(frozen=True)
class LayerState:
    """What one decoder layer keeps: the states of its two attentions."""

    own: State
    cross: State

    def reorder(self, rows: Int[Tensor, " rows"]) -> "LayerState":
        """Both reordered."""
        return LayerState(self.own.reorder(rows), self.cross.reorder(rows))

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "LayerState":
        """Both for these sentences alone."""
        return LayerState(self.own.keep(sentences), self.cross.keep(sentences))

    def nbytes(self) -> int:
        """Bytes of both."""
        return self.own.nbytes() + self.cross.nbytes()


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward; Vaswani et al. 2017, figure 1, left."""

    def __init__(
        self, attention: Attention, feedforward: FeedForward, residuals: list[Residual]
    ) -> None:
        super().__init__()
        self.attention = attention
        self.feedforward = feedforward
        self.residuals = nn.ModuleList(residuals)

    def forward(self, stream: Stream, *, capture: bool = False) -> tuple[Stream, Tensor | None]:
        """The stream one layer up, and the weights if captured."""
        own = Mixing(self.attention, stream, capture=capture)
        x = self.residuals[0](stream.x, own)
        x = self.residuals[1](x, self.feedforward)
        return dataclasses.replace(stream, x=x), own.output.weights


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention, feed-forward; Vaswani et al. 2017, figure 1, right."""

    def __init__(
        self,
        attention: Attention,
        cross: Attention,
        feedforward: FeedForward,
        residuals: list[Residual],
    ) -> None:
        super().__init__()
        self.attention = attention
        self.cross = cross
        self.feedforward = feedforward
        self.residuals = nn.ModuleList(residuals)

    def start(
        self, memory: Stream, *, rows: int, capacity: int, capture: bool = False
    ) -> LayerState:
        """The state before the first token; to capture the weights of steps, it is traced."""
        own, cross = (
            begun(attention, memory, rows=rows, capacity=capacity, capture=capture)
            for attention in (self.attention, self.cross)
        )
        return LayerState(own, cross)

    def forward(
        self,
        stream: Stream,
        memory: Stream | None,
        *,
        state: LayerState | None = None,
        capture: bool = False,
    ) -> tuple[Stream, LayerState | None, list[Tensor | None]]:
        """The stream one layer up, the next state, and the weights (own, cross) if captured."""
        own = Mixing(self.attention, stream, None, state and state.own, capture)
        cross = Mixing(self.cross, stream, memory, state and state.cross, capture)
        x = self.residuals[0](stream.x, own)
        x = self.residuals[1](x, cross)
        x = self.residuals[2](x, self.feedforward)
        weights = [own.output.weights, cross.output.weights]
        kept, seen = own.output.state, cross.output.state
        after = None if kept is None or seen is None else LayerState(kept, seen)
        return dataclasses.replace(stream, x=x), after, weights
