"""The Transformer."""

import dataclasses
from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

from attn.contract import Attention, Position, Role, State, Stream
from attn.layers import DecoderLayer, EncoderLayer, FeedForward, LayerState, Residual
from attn.models.encoder_decoder import EncoderDecoder, States, check_sizes
from attn.registry import register

Attentions = Callable[[Role, int, int], Attention]


@dataclasses.dataclass(frozen=True)
class Blocks:
    """What the layers of a Transformer are made of, but for their attentions."""

    dim: int
    feedforward_dim: int
    activation: str
    norm: str
    dropout: float
    activation_dropout: float

    def parts(self, count: int) -> tuple[FeedForward, list[Residual]]:
        """The feed-forward network and the residuals of one layer."""
        feedforward = FeedForward(
            dim=self.dim,
            inner_dim=self.feedforward_dim,
            activation=self.activation,
            dropout=self.activation_dropout,
        )
        return feedforward, [
            Residual(dim=self.dim, norm=self.norm, dropout=self.dropout) for _ in range(count)
        ]

    def final_norm(self) -> nn.Module:
        """What follows the last layer: pre-norm leaves its stream without a norm."""
        return nn.LayerNorm(self.dim) if self.norm == "pre" else nn.Identity()


class TransformerEncoder(nn.ModuleList):
    """Layers of self-attention and feed-forward, one on the other."""

    def __init__(self, attention: Attentions, layers: int, blocks: Blocks) -> None:
        super().__init__(
            EncoderLayer(attention(Role.ENCODER, layer, blocks.dim), *blocks.parts(2))
            for layer in range(layers)
        )

    def forward(self, stream: Stream, *, capture: bool = False) -> tuple[Stream, dict[str, Tensor]]:
        """The stream as the last layer gives it, and the weights if captured."""
        weights = {}
        for number, layer in enumerate(self):
            stream, seen = layer(stream, capture=capture)
            if seen is not None:
                weights[f"encoder.{number}"] = seen
        return stream, weights


class TransformerDecoder(nn.ModuleList):
    """Layers of self-attention, attention to the source, and feed-forward."""

    def __init__(self, attention: Attentions, layers: int, blocks: Blocks) -> None:
        super().__init__(
            DecoderLayer(
                attention(Role.DECODER, layer, blocks.dim),
                attention(Role.CROSS, layer, blocks.dim),
                *blocks.parts(3),
            )
            for layer in range(layers)
        )

    def start(self, memory: Stream, *, rows: int, capacity: int, capture: bool = False) -> State:
        """The state before the first token; to capture the weights of steps, it is traced."""
        return States(
            tuple(
                layer.start(memory, rows=rows, capacity=capacity, capture=capture)
                for layer in self._layers()
            )
        )

    def forward(
        self,
        stream: Stream,
        memory: Stream | None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> tuple[Tensor, State | None, dict[str, Tensor]]:
        """The hidden states, the next state, and the weights if captured."""
        layers, after = self._layers(), []
        weights: dict[str, Tensor] = {}
        before = [None] * len(layers) if state is None else cast("States", state).parts
        for number, (layer, past) in enumerate(zip(layers, before, strict=True)):
            past = cast("LayerState | None", past)
            stream, kept, seen = layer(stream, memory, state=past, capture=capture)
            after.append(kept)
            pairs = zip(("decoder", "cross"), seen, strict=True)
            weights |= {f"{role}.{number}": one for role, one in pairs if one is not None}
        return stream.x, None if state is None else States(tuple(after)), weights

    def _layers(self) -> list[DecoderLayer]:
        return [layer for layer in self if isinstance(layer, DecoderLayer)]


@register("model", "transformer")
class Transformer(EncoderDecoder):
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
        attention: Attentions,
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
        del heads, attention_dropout  # the attentions were built with them
        check_sizes(
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers,
            dim=dim,
            feedforward_dim=feedforward_dim,
        )
        super().__init__(
            source_size=source_size,
            target_size=target_size,
            joint=joint,
            position=position,
            dim=dim,
            tied=tied,
            dropout=dropout,
            embedding_dropout=embedding_dropout,
        )

        blocks = Blocks(dim, feedforward_dim, activation, norm, dropout, activation_dropout)
        self.encoder = TransformerEncoder(attention, encoder_layers, blocks)
        self.decoder = TransformerDecoder(attention, decoder_layers, blocks)
        self.encoder_norm, self.decoder_norm = blocks.final_norm(), blocks.final_norm()
