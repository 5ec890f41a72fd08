"""The Transformer."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attn.contract import Attention, Position, PositionKind, Role, Stream
from attn.dropout import Dropout
from attn.layers import DecoderLayer, EncoderLayer, FeedForward, LayerState, Residual
from attn.precision import stream_format
from attn.registry import register

TIES = ("none", "decoder", "all")


@dataclasses.dataclass(frozen=True)
class TransformerState:
    """What the decoder keeps of the sentences it is translating."""

    layers: tuple[LayerState, ...]
    length: int
    weights: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    """Those of the step that led here, if captured, named as ``attend`` does."""

    def reorder(self, rows: Int[Tensor, " rows"]) -> "TransformerState":
        """The state whose row i is the present row ``rows[i]``."""
        return TransformerState(tuple(s.reorder(rows) for s in self.layers), self.length)

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "TransformerState":
        """The state of these sentences alone."""
        return TransformerState(tuple(s.keep(sentences) for s in self.layers), self.length)

    def nbytes(self) -> int:
        """Bytes in use."""
        return sum(state.nbytes() for state in self.layers)


@register("model", "transformer")
class Transformer(nn.Module):
    """Encoder and decoder of attention and feed-forward layers alone.

    Embeddings are multiplied by ``sqrt(dim)``, positions are added, and the embedding matrix may
    be the output projection too. Embeddings are drawn from ``N(0, 1/dim)``, all else after Glorot.
    ``heads`` and ``attention_dropout`` are what the attention sections take theirs from.
    Vaswani et al. 2017, "Attention Is All You Need", section 3.

    Raises:
        ValueError: sizes below 1, unknown choices, tied embeddings of separate vocabularies.
    """

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        attention: Callable[[Role, int, int], Attention],
        position: Callable[[int], Position | None],
        encoder_layers: int = 6,
        decoder_layers: int = 6,
        dim: int = 512,
        feedforward_dim: int = 2048,
        heads: int = 8,
        activation: str = "relu",
        norm: str = "post",
        tied: str = "all",
        dropout: float = 0.1,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        embedding_dropout: float | None = None,
    ) -> None:
        super().__init__()
        del heads, attention_dropout  # the attentions were built with them
        sizes = {
            "encoder_layers": encoder_layers,
            "decoder_layers": decoder_layers,
            "dim": dim,
            "feedforward_dim": feedforward_dim,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name}={size}: must be at least 1")
        self.dim = dim
        self._embed(source_size, target_size, joint, tied)
        self.source_position, self.target_position = position(dim), position(dim)
        if embedding_dropout is None:
            self.dropout = Dropout(dropout)
        else:
            self.dropout = Dropout(embedding_dropout, option="embedding_dropout")

        def parts(blocks: int) -> tuple[FeedForward, list[Residual]]:
            feedforward = FeedForward(
                dim=dim,
                inner_dim=feedforward_dim,
                activation=activation,
                dropout=activation_dropout,
            )
            return feedforward, [
                Residual(dim=dim, norm=norm, dropout=dropout) for _ in range(blocks)
            ]

        self.encoder = nn.ModuleList(
            EncoderLayer(attention(Role.ENCODER, layer, dim), *parts(2))
            for layer in range(encoder_layers)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(
                attention(Role.DECODER, layer, dim), attention(Role.CROSS, layer, dim), *parts(3)
            )
            for layer in range(decoder_layers)
        )
        final = nn.LayerNorm if norm == "pre" else nn.Identity
        self.encoder_norm, self.decoder_norm = final(dim), final(dim)

    def _embed(self, source_size: int, target_size: int, joint: bool, tied: str) -> None:
        if tied not in TIES:
            raise ValueError(f"tied={tied}: unknown; choose one of {', '.join(TIES)}")
        if tied == "all" and not joint:
            raise ValueError("tied=all: needs a joint vocabulary; choose one of none, decoder")
        self.target_embedding = nn.Embedding(target_size, self.dim)
        nn.init.normal_(self.target_embedding.weight, std=self.dim**-0.5)
        self.source_embedding = self.target_embedding
        if tied != "all":
            self.source_embedding = nn.Embedding(source_size, self.dim)
            nn.init.normal_(self.source_embedding.weight, std=self.dim**-0.5)
        self.output = nn.Linear(self.dim, target_size, bias=False)
        if tied == "none":
            nn.init.normal_(self.output.weight, std=self.dim**-0.5)
        else:
            self.output.weight = self.target_embedding.weight

    @property
    def output_weight(self) -> Float[Tensor, "vocabulary dim"]:
        """The matrix of the output projection."""
        return self.output.weight

    @property
    def room(self) -> int | None:
        """The most tokens of a sentence that the positions know; none where there is no limit."""
        return None if self.target_position is None else self.target_position.room

    def encode(
        self, source: Int[Tensor, "sentences time"], valid: Bool[Tensor, "sentences time"]
    ) -> Stream:
        """The source as the decoder sees it."""
        return self._encode(source, valid, {}, capture=False)

    def start(
        self, memory: Stream, *, rows: int, capacity: int, capture: bool = False
    ) -> TransformerState:
        """The decoder's state before the first token, for rows / sentences hypotheses of each.

        With ``capture``, the state after each step has the weights of that step.
        """
        layers = (
            layer.start(memory, rows=rows, capacity=capacity, capture=capture)
            for layer in self._decoder()
        )
        return TransformerState(tuple(layers), 0)

    def step(
        self, tokens: Int[Tensor, "rows new"], state: TransformerState
    ) -> tuple[Float[Tensor, "rows new dim"], TransformerState]:
        """The hidden states of the next tokens, and the state after them."""
        valid = torch.ones_like(tokens, dtype=torch.bool)
        stream = self._stream(tokens, valid, state.length, source=False)
        states, weights = [], {}
        for number, (layer, before) in enumerate(zip(self._decoder(), state.layers, strict=True)):
            stream, after, seen = layer(stream, None, state=before)
            states.append(after)
            weights.update(_named(number, seen))
        hidden = self.decoder_norm(stream.x)
        return hidden, TransformerState(tuple(states), state.length + tokens.shape[1], weights)

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
        return self._decode(self._encode(source, valid, {}, capture=False), inputs, {}, False)

    def attend(
        self,
        source: Int[Tensor, "batch source"],
        valid: Bool[Tensor, "batch source"],
        inputs: Int[Tensor, "batch time"],
    ) -> dict[str, Tensor]:
        """The attention weights of every layer, as ``encoder.0``, ``decoder.0``, ``cross.0`` ..."""
        weights: dict[str, Tensor] = {}
        self._decode(self._encode(source, valid, weights, capture=True), inputs, weights, True)
        return weights

    def _decoder(self) -> list[DecoderLayer]:
        return [layer for layer in self.decoder if isinstance(layer, DecoderLayer)]

    def _encode(
        self, source: Tensor, valid: Tensor, weights: dict[str, Tensor], *, capture: bool
    ) -> Stream:
        stream = self._stream(source, valid, 0, source=True)
        for number, layer in enumerate(self.encoder):
            stream, seen = layer(stream, capture=capture)
            if seen is not None:
                weights[f"encoder.{number}"] = seen
        return dataclasses.replace(stream, x=self.encoder_norm(stream.x))

    def _decode(
        self, memory: Stream, inputs: Tensor, weights: dict[str, Tensor], capture: bool
    ) -> Tensor:
        # Padding needs no mask here: it comes last, and no earlier token sees it.
        valid = torch.ones_like(inputs, dtype=torch.bool)
        stream = self._stream(inputs, valid, 0, source=False)
        for number, layer in enumerate(self._decoder()):
            stream, _, seen = layer(stream, memory, capture=capture)
            weights.update(_named(number, seen))
        hidden: Tensor = self.decoder_norm(stream.x)
        return hidden

    def _stream(self, tokens: Tensor, valid: Tensor, start: int, *, source: bool) -> Stream:
        embedding = self.source_embedding if source else self.target_embedding
        scheme = self.source_position if source else self.target_position
        end = start + tokens.shape[1]
        position = torch.arange(start, end, device=tokens.device).expand(tokens.shape)
        x = embedding(tokens) * self.dim**0.5
        if scheme is not None and scheme.kind is PositionKind.INPUT:
            x = x + scheme(position)
        return Stream(self.dropout(stream_format(x)), position, valid)


def _named(number: int, weights: Sequence[Tensor | None]) -> dict[str, Tensor]:
    """The weights that a decoder layer's two attentions give, by name."""
    pairs = zip(("decoder", "cross"), weights, strict=True)
    return {f"{name}.{number}": one for name, one in pairs if one is not None}
