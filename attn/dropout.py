"""Dropout that draws its random bits cheaply on a CPU."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int16
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
        if not self._cheaply(x):
            return F.dropout(x, self.rate)
        return _Dropped.apply(x, *lanes(x.shape, self.rate))  # type: ignore[no-untyped-call]

    def add(
        self, x: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """``x`` and what is left of ``y``."""
        if not self._cheaply(x):
            return x + self(y)
        return _Added.apply(x, y, *lanes(y.shape, self.rate))  # type: ignore[no-untyped-call]

    def relu(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """What is left of ``max(x, 0)``."""
        if not self._cheaply(x):
            return self(F.relu(x))
        return _Rectified.apply(x, *lanes(x.shape, self.rate))  # type: ignore[no-untyped-call]

    def _cheaply(self, x: Tensor) -> bool:
        """Whether something is dropped here by random bits: the compiler fuses torch's own."""
        drops = self.training and self.rate > 0
        return drops and x.device.type == "cpu" and not torch.compiler.is_compiling()


class LockedDropout(Dropout):
    """The same numbers of a sequence are dropped at all of its steps.

    Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks", there called variational.
    """

    def forward(self, x: Float[Tensor, "rows time dim"]) -> Float[Tensor, "rows time dim"]:
        """Drop and rescale in training; the input itself in evaluation."""
        return x if not self.training or self.rate == 0 else x * self.mask(x)

    def mask(self, x: Float[Tensor, "rows time dim"]) -> Float[Tensor, "rows 1 dim"]:
        """What each row is multiplied by, at whatever step."""
        mask: Tensor = super().forward(torch.ones_like(x[:, :1]))
        return mask


def lanes(shape: torch.Size, rate: float) -> tuple[Int16[Tensor, "*shape"], float]:
    """0 with probability ``rate``, else 1, and the factor of what is left.

    From the CPU's default generator.
    """
    count, dropped = shape.numel(), round(LANES * rate)
    # A generator of numpy's draws them in half the time of torch's, whose seed it takes.
    seed = int(torch.randint(2**63 - 1, ()))
    drawn = np.random.PCG64DXSM(seed).random_raw((count + 3) // 4)
    draws = torch.from_numpy(drawn.view(np.int64))
    # Compared in place: that is vectorised, a comparison into a new tensor of bools is not.
    kept = draws.view(torch.int16)[:count].ge_(dropped - LANES // 2)
    return kept.view(shape), LANES / (LANES - dropped)


def drop(
    x: Float[Tensor, "*shape"], kept: Int16[Tensor, "*shape"], scale: float
) -> Float[Tensor, "*shape"]:
    """``x * kept * scale``, in one pass."""
    return torch.addcmul(x.new_zeros(()), x, kept.to(x.dtype), value=scale)


# Their gradients are written out so that what is kept for them is two bytes a number, or nothing.


class _Dropped(torch.autograd.Function):
    """``x * kept * scale``."""

    @staticmethod
    def forward(ctx, x, kept, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return drop(x, kept, scale)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        (kept,) = ctx.saved_tensors
        return drop(grad, kept, ctx.scale), None, None


class _Added(torch.autograd.Function):
    """``x + y * kept * scale``."""

    @staticmethod
    def forward(ctx, x, y, kept, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        ctx.save_for_backward(kept)
        ctx.scale, ctx.format = scale, y.dtype
        return torch.addcmul(x, y, kept.to(y.dtype), value=scale)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        (kept,) = ctx.saved_tensors
        return grad, drop(grad.to(ctx.format), kept, ctx.scale), None, None


class _Rectified(torch.autograd.Function):
    """``y = max(x, 0) * kept * scale``; where that is above 0, its slope is ``scale``."""

    @staticmethod
    def forward(ctx, x, kept, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        y = drop(x.clamp_min(0), kept, scale)
        ctx.save_for_backward(y)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        (y,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(grad, y, 0).mul_(ctx.scale), None, None
