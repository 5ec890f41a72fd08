"""Dropout that draws its random bits cheaply on a CPU."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

LANES = 1 << 16


class Dropout(nn.Module):
    """``y = x * m / (1 - p)``, m being 0 with probability p and else 1; nothing in evaluation.

    On a CPU, torch draws one number from a serial generator for each element. Here every draw of
    64 bits decides four elements, 16 bits each: the rate is ``p`` rounded to 1/65536. On other
    devices torch's own kernel is used. Srivastava et al. 2014, "Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting".

    Raises:
        ValueError: a rate outside 0 <= p < 1.
    """

    def __init__(self, rate: float, *, option: str = "dropout") -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"{option}={rate}: must be at least 0 and below 1")
        self.rate = rate

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        return f"{self.rate}"

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop and rescale in training; the input itself in evaluation."""
        if not self.training or self.rate == 0:
            return x
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(x, self.rate)
        return x * scaled_mask(x.shape, self.rate, x.dtype)

    def steady(self, x: Float[Tensor, "rows time dim"]) -> Float[Tensor, "rows 1 dim"]:
        """A mask that drops the same numbers of a sequence at all of its steps.

        Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent
        Neural Networks", there called variational.
        """
        mask: Tensor = self(torch.ones_like(x[:, :1]))
        return mask


def scaled_mask(shape: torch.Size, rate: float, dtype: torch.dtype) -> Float[Tensor, "*shape"]:
    """0 with probability ``rate``, else 1 / (1 - rate); from the CPU's default generator."""
    count = shape.numel()
    # All 64 bits are random only over the whole range: random_() alone leaves the sign bit 0.
    draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    dropped = round(LANES * rate)
    # Compared in place: that is vectorised, a comparison into a new tensor of bools is not.
    kept = draws.view(torch.int16)[:count].ge_(dropped - LANES // 2)
    return kept.view(shape).to(dtype).mul_(LANES / (LANES - dropped))
