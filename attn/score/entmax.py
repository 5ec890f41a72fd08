"""Normalisers that give exact zeros: sparsemax, 1.5-entmax, entmax of any alpha from 1 to 2.

All are ``a = argmax_p p . s + H_alpha(p)`` over the simplex, ``H_alpha`` being Tsallis' entropy,
that is ``a_j = max((alpha - 1) s_j - tau, 0)^(1 / (alpha - 1))`` with the one ``tau`` for which the
row sums to 1. Peters, Niculae, Martins 2019, "Sparse Sequence-to-Sequence Models". Where the
largest of the scores is 0, tau lies between -1 and 0.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.score.kernels import Mask, Weights
from attn.score.normalisers import hide

NO_SOFTMAX = "entmax is no softmax"
# Nearer to 1 than this, the powers lose too many digits of float32; it is softmax by then.
LEAST = 1.01


def sparsemax(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """``max(s - tau, 0)``, alpha being 2: the point of the simplex nearest to the scores."""

    def solve(scores: Tensor) -> Tensor:
        ordered = scores.sort(-1, descending=True).values
        largest, count = ordered[..., :1].clone(), _counts(scores)
        ordered -= largest
        sums = ordered.cumsum(-1)
        size = (ordered.mul_(count).add_(1) > sums).sum(-1, keepdim=True)
        return (scores - largest).sub_((sums.gather(-1, size - 1) - 1) / size).relu_()

    return _solved(scores, 2.0, solve)


def entmax15(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """``max(s / 2 - tau, 0)^2``, alpha being 1.5: tau is the root of a quadratic equation."""

    def solve(scores: Tensor) -> Tensor:
        x = _from_the_largest(scores / 2)
        ordered, count = x.sort(-1, descending=True).values, _counts(x)
        mean, square = ordered.cumsum(-1) / count, ordered.square().cumsum(-1) / count
        spread = (1 / count - (square - mean.square())).relu()
        thresholds = mean - spread.sqrt()
        size = (thresholds <= ordered).sum(-1, keepdim=True)
        return (x - thresholds.gather(-1, size - 1)).relu().square()

    return _solved(scores, 1.5, solve)


def entmax(
    scores: Float[Tensor, "*rows keys"], alpha: Float[Tensor, "*#rows 1"]
) -> Float[Tensor, "*rows keys"]:
    """``max((alpha - 1) s - tau, 0)^(1 / (alpha - 1))``: tau is found by halving its interval."""

    def solve(scores: Tensor) -> Tensor:
        x = _from_the_largest(scores * (alpha - 1))
        power = 1 / (alpha - 1)
        tau, width = torch.full_like(x[..., :1], -1.0), 1.0
        for _ in range(_digits(x)):
            width /= 2
            above = (x - (tau + width)).relu().pow(power).sum(-1, keepdim=True) >= 1
            tau = torch.where(above, tau + width, tau)
        weights = (x - tau).relu().pow(power)
        return weights / weights.sum(-1, keepdim=True)

    return _solved(scores, alpha, solve)


def _from_the_largest(x: Tensor) -> Tensor:
    return x - x.amax(-1, keepdim=True)


def _counts(x: Tensor) -> Tensor:
    return torch.arange(1, x.shape[-1] + 1, device=x.device, dtype=x.dtype)


def _digits(x: Tensor) -> int:
    """How many binary digits the numbers of a format have."""
    return 1 - round(math.log2(torch.finfo(x.dtype).eps))


def _solved(scores: Tensor, alpha: Tensor | float, solve: Callable[[Tensor], Tensor]) -> Tensor:
    applied: Any = _Entmax.apply
    weights: Tensor = applied(scores, alpha, solve)
    return weights


class _Entmax(torch.autograd.Function):
    """Weights, and their gradients from themselves: the threshold is an implicit function.

    With ``r_j = a_j^(2 - alpha)`` where ``a_j > 0``, else 0, and ``m = r / sum r``:
    ``da / ds = diag(r) - r r^T / sum r``, and ``da / dalpha =
    (a - m) / (alpha - 1)^2 - (a log a - m sum(a log a)) / (alpha - 1)``. Correia, Niculae,
    Martins 2019, "Adaptively Sparse Transformers", proposition 1.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, alpha: Tensor | float, solve: Any) -> Tensor:
        weights: Tensor = solve(scores)
        ctx.alpha = alpha if isinstance(alpha, float) else None  # whose powers are far cheaper
        ctx.save_for_backward(weights, None if isinstance(alpha, float) else alpha)
        return weights

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        weights, learned = ctx.saved_tensors
        alpha = learned if ctx.alpha is None else ctx.alpha
        rates = torch.where(weights > 0, weights.pow(2 - alpha), 0.0)
        shares = rates / rates.sum(-1, keepdim=True)
        centred = gradient - (gradient * shares).sum(-1, keepdim=True)
        if not ctx.needs_input_grad[1]:
            return rates * centred, None, None
        # What is shared out by m, in proposition 1, is what the centred gradient leaves out.
        logs = torch.special.xlogy(weights, weights)
        by_alpha = weights / (alpha - 1) ** 2 - logs / (alpha - 1)
        return rates * centred, (by_alpha * centred).sum_to_size(alpha.shape), None


class Sparsemax(nn.Module):
    """``a_i = sparsemax(s_i)``."""

    fault = NO_SOFTMAX

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights."""
        return sparsemax(hide(scores, mask))


class Entmax15(nn.Module):
    """``a_i = 1.5-entmax(s_i)``."""

    fault = NO_SOFTMAX

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights."""
        return entmax15(hide(scores, mask))


class Entmax(nn.Module):
    """``a_i = alpha-entmax(s_i)``, ``alpha = 1.01 + 0.99 sigmoid(w)``, one ``w`` a head, learned.

    Raises:
        ValueError: an alpha to start from that is out of range.
    """

    fault = NO_SOFTMAX

    def __init__(self, heads: int, alpha: float) -> None:
        super().__init__()
        if not LEAST < alpha < 2:
            raise ValueError(
                f"alpha={alpha}: must be above {LEAST} (near to 1, softmax) and below 2 (sparsemax)"
            )
        share = (alpha - LEAST) / (2 - LEAST)
        self.weight = nn.Parameter(torch.full((heads,), math.log(share / (1 - share))))

    def alpha(self) -> Float[Tensor, " heads"]:
        """The alpha of each head."""
        return LEAST + (2 - LEAST) * self.weight.sigmoid()

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights."""
        return entmax(hide(scores, mask), self.alpha().to(scores.dtype)[:, None, None])
