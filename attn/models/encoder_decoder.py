"""What all encoder-decoders share: embeddings, the output projection, states, weights by name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attn.contract import Position, PositionKind, State, Stream
from attn.dropout import Dropout
from attn.precision import stream_format

TIES = ("none", "decoder", "all")


class Encoder(Protocol):
    """Reads the source."""

    def __call__(
        self, stream: Stream, *, capture: bool = False
    ) -> tuple[Stream, dict[str, Tensor]]:
        """The source as the decoder sees it, and the weights if captured, as ``encoder.0`` ..."""


class Decoder(Protocol):
    """Reads the target so far, and looks at the source."""

    def start(self, memory: Stream, *, rows: int, capacity: int, capture: bool = False) -> State:
        """The state before the first token; to capture the weights of steps, it is traced."""

    def __call__(
        self,
        stream: Stream,
        memory: Stream | None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> tuple[Tensor, State | None, dict[str, Tensor]]:
        """The hidden states, the next state, the weights if captured, as ``cross.0`` ...

        Without a state the whole target at once, given the source; with one the next tokens.
        """


@dataclasses.dataclass(frozen=True)
class States:
    """States side by side, which move together."""

    parts: tuple[State, ...]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "States":
        """All reordered."""
        return States(tuple(part.reorder(rows) for part in self.parts))

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "States":
        """All for these sentences alone."""
        return States(tuple(part.keep(sentences) for part in self.parts))

    def nbytes(self) -> int:
        """Bytes of all."""
        return sum(part.nbytes() for part in self.parts)


@dataclasses.dataclass(frozen=True)
class Translating:
    """What is kept of the sentences that are being translated.

    ``weights`` are those of the step that led here, if captured, named as ``attend`` names them.
    """

    state: State
    length: int
    weights: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)

    def reorder(self, rows: Int[Tensor, " rows"]) -> "Translating":
        """The state whose row i is the present row ``rows[i]``."""
        return Translating(self.state.reorder(rows), self.length)

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "Translating":
        """The state of these sentences alone."""
        return Translating(self.state.keep(sentences), self.length)

    def nbytes(self) -> int:
        """Bytes in use."""
        return self.state.nbytes()


class EncoderDecoder(nn.Module):
    """An encoder and a decoder between embeddings and an output projection.

    Subclasses make ``encoder`` and ``decoder``, and ``encoder_norm`` and ``decoder_norm``, which
    are applied to what these give. Embeddings are multiplied by ``sqrt(dim)``, positions are added,
    and the embedding matrix may be the output projection too. Embeddings are drawn from
    ``N(0, 1/dim)``.

    Raises:
        ValueError: unknown ties, tied embeddings of separate vocabularies, a rate out of range.
    """

    encoder: Encoder
    decoder: Decoder
    encoder_norm: nn.Module
    decoder_norm: nn.Module

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        position: Callable[[int], Position | None],
        dim: int,
        tied: str,
        dropout: float,
        embedding_dropout: float | None,
    ) -> None:
        super().__init__()
        if tied not in TIES:
            raise ValueError(f"tied={tied}: unknown; choose one of {', '.join(TIES)}")
        if tied == "all" and not joint:
            raise ValueError("tied=all: needs a joint vocabulary; choose one of none, decoder")
        self.dim = dim
        self.target_embedding = nn.Embedding(target_size, dim)
        nn.init.normal_(self.target_embedding.weight, std=dim**-0.5)
        self.source_embedding = self.target_embedding
        if tied != "all":
            self.source_embedding = nn.Embedding(source_size, dim)
            nn.init.normal_(self.source_embedding.weight, std=dim**-0.5)
        self.output = nn.Linear(dim, target_size, bias=False)
        if tied == "none":
            nn.init.normal_(self.output.weight, std=dim**-0.5)
        else:
            self.output.weight = self.target_embedding.weight
        self.source_position, self.target_position = position(dim), position(dim)
        if embedding_dropout is None:
            self.dropout = Dropout(dropout)
        else:
            self.dropout = Dropout(embedding_dropout, option="embedding_dropout")
        self.source_dropout = self.target_dropout = self.dropout

    @property
    def output_weight(self) -> Float[Tensor, "vocabulary dim"]:
        """The matrix of the output projection."""
        return self.output.weight

    @property
    def room(self) -> int | None:
        """The most tokens of a sentence that the positions know; none where there is no limit."""
        schemes = (self.source_position, self.target_position)
        rooms = [one.room for one in schemes if one is not None and one.room is not None]
        return min(rooms, default=None)

    def encode(
        self, source: Int[Tensor, "sentences time"], valid: Bool[Tensor, "sentences time"]
    ) -> Stream:
        """The source as the decoder sees it."""
        return self._encode(source, valid, capture=False)[0]

    def start(
        self, memory: Stream, *, rows: int, capacity: int, capture: bool = False
    ) -> Translating:
        """The decoder's state before the first token, for rows / sentences hypotheses of each.

        With ``capture``, the state after each step has the weights of that step.
        """
        state = self.decoder.start(memory, rows=rows, capacity=capacity, capture=capture)
        return Translating(state, 0)

    def step(
        self, tokens: Int[Tensor, "rows new"], state: Translating
    ) -> tuple[Float[Tensor, "rows new dim"], Translating]:
        """The hidden states of the next tokens, and the state after them."""
        valid = torch.ones_like(tokens, dtype=torch.bool)
        stream = self._stream(tokens, valid, state.length, source=False)
        hidden, after, weights = self.decoder(stream, None, state=state.state)
        assert after is not None
        length = state.length + tokens.shape[1]
        return self.decoder_norm(hidden), Translating(after, length, weights)

    def project(self, hidden: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows vocabulary"]:
        """The logits of hidden states."""
        logits: Tensor = self.output(hidden)
        return logits

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        valid: Bool[Tensor, "batch source"],
        inputs: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch time dim"]:
        """The hidden states of all target tokens at once, each given those before it."""
        memory, _ = self._encode(source, valid, capture=False)
        return self._decode(memory, inputs, capture=False)[0]

    def attend(
        self,
        source: Int[Tensor, "batch source"],
        valid: Bool[Tensor, "batch source"],
        inputs: Int[Tensor, "batch time"],
    ) -> dict[str, Tensor]:
        """The attention weights of every layer, as ``encoder.0``, ``decoder.0``, ``cross.0`` ..."""
        memory, read = self._encode(source, valid, capture=True)
        return read | self._decode(memory, inputs, capture=True)[1]

    def _encode(
        self, source: Tensor, valid: Tensor, *, capture: bool
    ) -> tuple[Stream, dict[str, Tensor]]:
        stream = self._stream(source, valid, 0, source=True)
        memory, weights = self.encoder(stream, capture=capture)
        return dataclasses.replace(memory, x=self.encoder_norm(memory.x)), weights

    def _decode(
        self, memory: Stream, inputs: Tensor, *, capture: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        # Padding needs no mask here: it comes last, and no earlier token sees it.
        valid = torch.ones_like(inputs, dtype=torch.bool)
        stream = self._stream(inputs, valid, 0, source=False)
        hidden, _, weights = self.decoder(stream, memory, capture=capture)
        return self.decoder_norm(hidden), weights

    def _stream(self, tokens: Tensor, valid: Tensor, start: int, *, source: bool) -> Stream:
        embedding = self.source_embedding if source else self.target_embedding
        scheme = self.source_position if source else self.target_position
        end = start + tokens.shape[1]
        position = torch.arange(start, end, device=tokens.device).expand(tokens.shape)
        x = embedding(tokens) * self.dim**0.5
        if scheme is not None and scheme.kind is PositionKind.INPUT:
            x = x + scheme(position)
        dropout = self.source_dropout if source else self.target_dropout
        return Stream(dropout(stream_format(x)), position, valid)


def check_sizes(**sizes: int) -> None:
    """Refuse sizes below 1.

    Raises:
        ValueError: one is.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size}: must be at least 1")
