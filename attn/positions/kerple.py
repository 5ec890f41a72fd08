"""Biases of the scores that fall with the distance, as fast as each head learns."""

import torch
from torch import Tensor, nn

from attn.contract import PositionKind
from attn.distances import Biases, Keys, Queries, relative
from attn.precision import at_least_float32
from attn.registry import register


class _Kernel(nn.Module):
    """What both forms share: two positive numbers a head, learned as logarithms, and distances."""

    kind = PositionKind.BIAS

    def __init__(self, *, heads: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter((2 - 2 * torch.rand(heads)).log())

    def _parts(self, shape: Tensor, query: Queries, key: Keys) -> tuple[Tensor, ...]:
        """Scale, shape and distance, in float32 at least and of fitting axes."""
        wide = at_least_float32(shape.dtype)
        scale, shape = (
            by_head.to(wide)[:, None, None] for by_head in (self.log_scale.exp(), shape)
        )
        return scale, shape, relative(query, key)[:, None].abs().to(wide)


@register("position", "kerple")
class Kerple(_Kernel):
    """Scores fall with the logarithm of the distance: less and less the farther away a key is.

    ``b_h(i, j) = -r_h log(1 + s_h |i - j|)``, ``r, s > 0`` learned by each head and layer, drawn as
    the authors do: ``r`` uniform over 0 to 2, ``s`` over 0 to 1. Chi et al. 2022, "KERPLE:
    Kernelized Relative Positional Embedding for Length Extrapolation", the logarithmic variant.
    """

    def __init__(self, *, heads: int) -> None:
        super().__init__(heads=heads)
        self.log_rate = nn.Parameter((1 - torch.rand(heads)).log())

    def bias(self, query_position: Queries, key_position: Keys) -> Biases:
        """What is added to the scores."""
        scale, rate, distance = self._parts(self.log_rate.exp(), query_position, key_position)
        return -scale * (rate * distance).log1p()


@register("position", "kerple_power")
class KerplePower(_Kernel):
    """Scores fall with a power of the distance; ALiBi is the power 1.

    ``b_h(i, j) = -r_h |i - j|^s_h``, ``r > 0`` and ``0 < s < 2`` learned by each head and layer;
    ``r`` drawn uniformly over 0 to 2, as the authors do, ``s`` too. Chi et al. 2022, "KERPLE:
    Kernelized Relative Positional Embedding for Length Extrapolation", the power variant.
    """

    def __init__(self, *, heads: int) -> None:
        super().__init__(heads=heads)
        self.exponent = nn.Parameter(torch.rand(heads).logit(eps=1e-3))

    def bias(self, query_position: Queries, key_position: Keys) -> Biases:
        """What is added to the scores."""
        power = 2 * self.exponent.sigmoid()
        scale, power, distance = self._parts(power, query_position, key_position)
        return -scale * distance**power
