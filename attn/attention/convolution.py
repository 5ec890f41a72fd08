"""Lightweight and dynamic convolutions: each position mixes those next to it, by taps."""

import dataclasses
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.registry import register
from attn.score.projections import by_head, side_by_side
from attn.states import ConvolutionState

BLOCK = 32  # positions mixed by one product of matrices; changes speed alone

Taps = Float[Tensor, "rows heads places taps"]


class Convolution(nn.Module):
    """Gate the input, mix each position with those next to it by ``taps``, project.

    Subclasses say what the taps are.
    """

    capabilities: Capabilities

    def __init__(
        self, place: Place, *, heads: int, kernel_size: int, bias: bool, dropout: float
    ) -> None:
        super().__init__()
        dim = place.query_dim
        if heads < 1 or dim % heads:
            raise ValueError(f"heads={heads}: must divide the width {dim}")
        if kernel_size < 1:
            raise ValueError(f"kernel_size={kernel_size}: must be at least 1")
        self.role, self.heads, self.kernel_size = place.role, heads, kernel_size
        self.before = kernel_size - 1 if place.role is Role.DECODER else (kernel_size - 1) // 2
        self.input = nn.Linear(dim, 2 * dim, bias=bias)
        self.out = nn.Linear(dim, place.out_dim, bias=bias)
        self.dropout = Dropout(dropout)
        for block in (*self.input.weight.split(dim), self.out.weight):
            nn.init.xavier_uniform_(block)
        for linear in (self.input, self.out):
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)

    def logits(self, x: Float[Tensor, "batch time dim"]) -> Taps:
        """The taps before the softmax, of each position or of all at once."""
        raise NotImplementedError

    def taps(self, x: Float[Tensor, "batch time dim"]) -> Taps:
        """Weights of the ``kernel_size`` positions around each, of sum 1; in float32 at least."""
        logits = self.logits(x)
        return logits.softmax(-1, dtype=at_least_float32(logits.dtype))

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """Zeros before the first token."""
        sentences = rows if memory is None else len(memory.x)
        weight = self.out.weight
        return ConvolutionState.of_zeros(weight, sentences, (rows, self.before, weight.shape[1]))

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,  # noqa: ARG002
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        x = F.glu(self.input(query.x), -1).masked_fill(~query.valid[..., None], 0)
        taps, after, weights = self.taps(x), None, None
        if state is None:
            around = F.pad(x, (0, 0, self.before, self.kernel_size - 1 - self.before))
        else:
            around, after = cast("ConvolutionState", state).followed_by(x)
        if capture and state is None:
            weights = self._weights(taps, query)
        used = self.dropout(taps).to(x.dtype)
        context = convolve(by_head(around, self.heads), used)
        return MixerOutput(self.out(side_by_side(context)), after, weights)

    @torch.no_grad()
    def _weights(self, taps: Tensor, query: Stream) -> Tensor:
        """The taps where they lie: a band around the diagonal."""
        time = query.x.shape[1]
        each = taps.expand(len(query.x), -1, time, -1)
        inner = band(each)[..., self.before : self.before + time]
        return inner.masked_fill(~query.valid[:, None, None, :], 0).float()


@register("attention", "lightconv")
class LightweightConvolution(Convolution):
    """Lightweight convolution: a window of fixed weights, the same at every position.

    ``y_i = W_o sum_k a_hk x_{i+k-c}``, ``a_h = softmax(w_h)`` over the ``kernel_size`` taps of head
    h, ``x = (W_1 u) * sigmoid(W_2 u)``; zeros beyond the ends and at padding. ``c`` is the last tap
    in a decoder, the middle one in an encoder. Wu et al. 2019, "Pay Less Attention with Lightweight
    and Dynamic Convolutions", section 3; they take 3, 7, 15 and then 31 taps, layer by layer.

    Raises:
        ValueError: heads that do not divide the width, a size below 1, a rate out of range.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.ENCODER, Role.DECODER}),
        weights="implied",
        state="convolution",
        order_aware=True,
        time="T K D",
        path="T / before",
        paper="Wu et al. 2019",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        kernel_size: int = 15,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(place, heads=heads, kernel_size=kernel_size, bias=bias, dropout=dropout)
        self.tap = nn.Parameter(torch.empty(heads, kernel_size))
        nn.init.xavier_uniform_(self.tap)

    def logits(self, x: Float[Tensor, "batch time dim"]) -> Taps:  # noqa: ARG002
        """The same for all sentences and positions."""
        return self.tap[None, :, None]


@register("attention", "dynconv")
class DynamicConvolution(Convolution):
    """Dynamic convolution: a window whose weights each position sets for itself.

    As ``lightconv``, with ``a_h = softmax(W_h x_i + b_h)`` for position i; b is there with
    ``bias``. Wu et al. 2019, "Pay Less Attention with Lightweight and Dynamic Convolutions",
    section 4.

    Raises:
        ValueError: heads that do not divide the width, a size below 1, a rate out of range.
    """

    capabilities = dataclasses.replace(LightweightConvolution.capabilities)

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        kernel_size: int = 15,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(place, heads=heads, kernel_size=kernel_size, bias=bias, dropout=dropout)
        self.tap = nn.Linear(place.query_dim, heads * kernel_size, bias=bias)
        nn.init.xavier_uniform_(self.tap.weight)
        if bias:
            nn.init.zeros_(self.tap.bias)

    def logits(self, x: Float[Tensor, "batch time dim"]) -> Taps:
        """Those of each position."""
        return by_head(self.tap(x), self.heads)


def convolve(
    around: Float[Tensor, "batch heads length dim"], taps: Taps
) -> Float[Tensor, "batch heads time dim"]:
    """``y_i = sum_k a_ik x_{i+k}``: blocks of positions by bands of taps, products of matrices.

    Taps of a single position serve all of them.
    """
    past = taps.shape[-1] - 1
    time = around.shape[2] - past
    size = min(BLOCK, time)
    missing = -time % size
    around = F.pad(around, (0, 0, 0, missing))
    blocks = around.unfold(2, size + past, size).transpose(-2, -1)
    if taps.shape[2] == 1:
        bands = band(taps.expand(-1, -1, size, -1))[:, :, None]
    else:
        bands = band(F.pad(taps, (0, 0, 0, missing)).unflatten(2, (-1, size)))
    return (bands @ blocks).flatten(2, 3)[:, :, :time]


def band(taps: Float[Tensor, "*rows time taps"]) -> Float[Tensor, "*rows time length"]:
    """A matrix for each row of taps, which stand at the diagonal: tap k of row i in column i + k.

    Each row of taps is made longer by zeros than a row of the matrix by one, so that all of them
    behind each other, read by the rows of the matrix, step to the right.
    """
    time, count = taps.shape[-2:]
    wide = F.pad(taps, (0, time)).flatten(-2)
    return wide[..., : time * (time + count - 1)].unflatten(-1, (time, time + count - 1))
