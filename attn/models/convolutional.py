"""The convolutional encoder-decoder, with attention in each layer of its decoder."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import ClassVar, cast

from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Attention, Position, Role, State, Stream
from attn.dropout import Dropout
from attn.gated_convolution import SQRT_HALF, GatedConvolution, normal_linear
from attn.models.encoder_decoder import EncoderDecoder, States, check_sizes
from attn.models.transformer import Attentions
from attn.registry import register
from attn.states import ConvolutionState, RowState
from attn.tracing import begun, mixed

EMBEDDED = 0.1  # deviation of what the embeddings give


@dataclasses.dataclass(frozen=True)
class Stack:
    """How convolutional layers stand one on the other; ``embedded`` is dropped before them."""

    layers: int
    dim: int
    kernel_size: int
    dropout: float
    embedded: float

    def convolution(self, *, causal: bool) -> GatedConvolution:
        """The convolution of one layer."""
        return GatedConvolution(self.dim, self.kernel_size, causal=causal, dropout=self.dropout)

    def enter(self) -> nn.Linear:
        """The map from embeddings to the first layer."""
        return normal_linear(self.dim, self.dim, variance=1 - self.embedded)


class ConvolutionalEncoder(nn.Module):
    """Gated convolutions over the source, one on the other.

    ``h^0 = W e + b``, ``h^l = sqrt(1/2) (glu(conv(h^{l-1})) + h^{l-1})``; what the decoder sees of
    L layers is ``sqrt(1/2) (V h^L + c + e)``, e being the embeddings with their positions. Gehring
    et al. 2017, sections 3.2 and 3.3.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.enter = stack.enter()
        self.layers = nn.ModuleList(stack.convolution(causal=False) for _ in range(stack.layers))
        self.leave = normal_linear(stack.dim, stack.dim)

    def forward(
        self,
        stream: Stream,
        *,
        capture: bool = False,  # noqa: ARG002
    ) -> tuple[Stream, dict[str, Tensor]]:
        """The source as the decoder sees it; no weights."""
        x = self.enter(stream.x)
        for layer in self.layers:
            x = SQRT_HALF * (layer(x, stream.valid) + x)
        return dataclasses.replace(stream, x=SQRT_HALF * (self.leave(x) + stream.x)), {}


@dataclasses.dataclass(frozen=True)
class Scale(RowState):
    """What each row multiplies by what it sees of the source."""

    factor: Float[Tensor, " rows"]


class ConvolutionalDecoderLayer(nn.Module):
    """A gated convolution, then attention to the source.

    ``h = glu(conv(x))``, ``y = sqrt(1/2) (sqrt(1/2) (h + c) + x)``, ``c = sqrt(S) attention(d)``
    of the S tokens of the source, ``d = sqrt(1/2) (W h + b + g)``, g being the embeddings of the
    target with their positions. The mean of S vectors has an S-th of their variance, which
    ``sqrt(S)`` makes up for. Gehring et al. 2017, sections 3.3 and 3.4.
    """

    def __init__(self, stack: Stack, attention: Attention) -> None:
        super().__init__()
        self.convolution = stack.convolution(causal=True)
        self.query = normal_linear(stack.dim, stack.dim)
        self.cross = attention

    def start(self, memory: Stream, *, rows: int, capacity: int, capture: bool) -> States:
        """The state before the first token; to capture the weights of steps, it is traced."""
        cross = begun(self.cross, memory, rows=rows, capacity=capacity, capture=capture)
        return States((self.convolution.start(len(memory.x), rows), cross))

    def forward(
        self,
        x: Float[Tensor, "rows time dim"],
        target: Stream,
        scale: Float[Tensor, " rows"],
        state: States,
    ) -> tuple[Float[Tensor, "rows time dim"], States, Tensor | None]:
        """The target one layer up, the next state, and the weights if captured."""
        past, cross = state.parts
        h, after = self.convolution.step(x, target.valid, cast("ConvolutionState", past))
        query = dataclasses.replace(target, x=SQRT_HALF * (self.query(h) + target.x))
        seen = mixed(self.cross, query, state=cross)
        assert seen.state is not None
        context = seen.y * scale[:, None, None].to(seen.y.dtype)
        y = SQRT_HALF * (SQRT_HALF * (h + context) + x)
        return y, States((after, seen.state)), seen.weights


class ConvolutionalDecoder(nn.Module):
    """Gated convolutions over the target so far, one on the other, each with attention."""

    def __init__(self, stack: Stack, attention: Attentions) -> None:
        super().__init__()
        self.enter = stack.enter()
        self.layers = nn.ModuleList(
            ConvolutionalDecoderLayer(stack, attention(Role.CROSS, layer, stack.dim))
            for layer in range(stack.layers)
        )
        self.leave, self.dropout = normal_linear(stack.dim, stack.dim), Dropout(stack.dropout)

    def start(self, memory: Stream, *, rows: int, capacity: int, capture: bool = False) -> States:
        """The state before the first token; to capture the weights of steps, it is traced."""
        factor = memory.valid.sum(1).to(self.leave.weight.dtype).sqrt()
        each = rows // max(len(factor), 1)
        return States((
            Scale(len(factor), factor.repeat_interleave(each, 0)),
            *(
                layer.start(memory, rows=rows, capacity=capacity, capture=capture)
                for layer in self._layers()
            ),
        ))

    def forward(
        self,
        stream: Stream,
        memory: Stream | None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> tuple[Tensor, State | None, dict[str, Tensor]]:
        """The hidden states, the next state, and the weights if captured."""
        began = state
        if began is None:
            assert memory is not None
            rows, time = stream.valid.shape
            began = self.start(memory, rows=rows, capacity=time, capture=capture)
        scale, *before = cast("States", began).parts
        x, after, weights = self.enter(stream.x), [scale], {}
        factor = cast("Scale", scale).factor
        for number, (layer, past) in enumerate(zip(self._layers(), before, strict=True)):
            x, kept, seen = layer(x, stream, factor, cast("States", past))
            after.append(kept)
            if seen is not None:
                weights[f"cross.{number}"] = seen
        hidden = self.dropout(self.leave(x))
        return hidden, None if state is None else States(tuple(after)), weights

    def _layers(self) -> list[ConvolutionalDecoderLayer]:
        return cast("list[ConvolutionalDecoderLayer]", list(self.layers))


@register("model", "convolutional")
class Convolutional(EncoderDecoder):
    """Gated convolutions over both sides, and attention to the source in each decoder layer.

    A layer mixes ``encoder_kernel`` or ``decoder_kernel`` successive words, so that L layers of
    size k reach over ``L (k - 1) + 1``. Dropout stands before each convolution and before the
    output; embeddings have a deviation of 0.1. Gehring et al. 2017, "Convolutional Sequence to
    Sequence Learning", with one width and with attentions of any kind, whose keys and values are
    made of the same vectors (the paper has keys without the embeddings of the source); without its
    normalised weights, and without making the encoder's gradients smaller. The default sizes are
    those that fairseq takes for IWSLT14.
    ``heads`` and ``attention_dropout`` are what the attention sections take theirs from.

    Raises:
        ValueError: sizes below 1, unknown choices, tied embeddings of separate vocabularies.
    """

    roles: ClassVar[Mapping[Role, str | None]] = {Role.CROSS: "decoder_layers"}

    def __init__(
        self,
        *,
        source_size: int,
        target_size: int,
        joint: bool,
        attention: Attentions,
        position: Callable[[int], Position | None],
        encoder_layers: int = 4,
        decoder_layers: int = 3,
        encoder_kernel: int = 3,
        decoder_kernel: int = 3,
        dim: int = 256,
        heads: int = 1,
        tied: str = "all",
        dropout: float = 0.2,
        attention_dropout: float = 0.0,
        embedding_dropout: float | None = None,
    ) -> None:
        del heads, attention_dropout  # the attentions were built with them
        check_sizes(
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers,
            encoder_kernel=encoder_kernel,
            decoder_kernel=decoder_kernel,
            dim=dim,
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
        # As small as the paper's, or gates are no halves, and each layer makes its input larger.
        for table in dict.fromkeys((self.source_embedding, self.target_embedding)):
            table.weight.data.mul_(EMBEDDED)
        embedded = self.dropout.rate
        reads = Stack(encoder_layers, dim, encoder_kernel, dropout, embedded)
        self.encoder = ConvolutionalEncoder(reads)
        writes = Stack(decoder_layers, dim, decoder_kernel, dropout, embedded)
        self.decoder = ConvolutionalDecoder(writes, attention)
        self.encoder_norm, self.decoder_norm = nn.Identity(), nn.Identity()
