"""Convolutions over time with gated linear units."""

import math
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attn.contract import Growth
from attn.dropout import Dropout
from attn.states import ConvolutionState

SQRT_HALF = math.sqrt(0.5)  # what a sum of two is multiplied by, so that its variance is theirs


class GatedConvolution(nn.Module):
    """A convolution over time, and a gated linear unit.

    ``y_i = a_i * sigmoid(b_i)``, ``[a_i; b_i] = W [x_{i-c} .. x_{i-c+k-1}] + b``, with zeros beyond
    the ends and at padding. ``k`` is the kernel size; ``c = k - 1`` if causal, so that ``y_i`` sees
    nothing behind ``x_i``, else ``(k - 1) // 2``. Dauphin et al. 2017, "Language Modeling with
    Gated Convolutional Networks"; Gehring et al. 2017, "Convolutional Sequence to Sequence
    Learning", section 3.2. Weights are drawn as in section 3.5 there, with variance
    ``4 p / (k dim)``, of which the gate leaves about ``p / (k dim)``; ``p`` is the share of the
    input that dropout leaves. Biases are zero.
    """

    growth: ClassVar[Growth] = Growth("K T D^2", path="T / before")

    def __init__(self, dim: int, kernel_size: int, *, causal: bool, dropout: float) -> None:
        super().__init__()
        self.dim, self.kernel_size = dim, kernel_size
        self.before = kernel_size - 1 if causal else (kernel_size - 1) // 2
        self.dropout = Dropout(dropout)
        self.map = normal_linear(kernel_size * dim, 2 * dim, variance=4 * (1 - dropout))

    def start(self, sentences: int, rows: int) -> ConvolutionState:
        """Zeros before the first token."""
        shape = (rows, self.before, self.dim)
        return ConvolutionState.of_zeros(self.map.weight, sentences, shape)

    def forward(
        self, x: Float[Tensor, "rows time dim"], valid: Bool[Tensor, "rows time"]
    ) -> Float[Tensor, "rows time dim"]:
        """The whole sequence."""
        behind = self.kernel_size - 1 - self.before
        return self._gated(F.pad(self._given(x, valid), (0, 0, self.before, behind)))

    def step(
        self,
        x: Float[Tensor, "rows time dim"],
        valid: Bool[Tensor, "rows time"],
        state: ConvolutionState,
    ) -> tuple[Float[Tensor, "rows time dim"], ConvolutionState]:
        """The next tokens, and the state after them; for a causal convolution."""
        around, after = state.followed_by(self._given(x, valid))
        return self._gated(around), after

    def _given(self, x: Tensor, valid: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(x)
        return dropped.masked_fill(~valid[..., None], 0)

    def _gated(self, around: Float[Tensor, "rows length dim"]) -> Float[Tensor, "rows time dim"]:
        # One product of matrices: on a CPU faster than torch's convolution, in a step three times.
        windows = around.unfold(1, self.kernel_size, 1).transpose(2, 3).flatten(2)
        return F.glu(self.map(windows), -1)


def normal_linear(inputs: int, outputs: int, *, variance: float = 1.0) -> nn.Linear:
    """A linear map with weights from ``N(0, variance / inputs)``, its bias zero."""
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, std=math.sqrt(variance / inputs))
    nn.init.zeros_(linear.bias)
    return linear
