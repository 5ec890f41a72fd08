"""Maps of queries and keys by head, before they are turned and remembered."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attn.precision import at_least_float32

ByHead = Float[Tensor, "batch heads time dim"]


class Norms(nn.Module):
    """One map for the queries and one for the keys."""

    def __init__(self, *, query: nn.Module, key: nn.Module | None = None) -> None:
        super().__init__()
        self.query = query
        self.key = nn.Identity() if key is None else key


class RootMeanSquare(nn.Module):
    """``x / sqrt(mean(x^2) + eps) * g``, one gain a channel, the same for all heads.

    Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".
    """

    def __init__(self, dim: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: ByHead) -> ByHead:
        """The vectors at a common length, computed in float32 at least."""
        wide = x.to(at_least_float32(x.dtype))
        return F.rms_norm(wide, self.gain.shape, self.gain.to(wide.dtype), self.eps).to(x.dtype)


class Unit(nn.Module):
    """``x / |x|``, computed in float32 at least; zero stays zero."""

    def forward(self, x: ByHead) -> ByHead:
        """The vectors at length 1."""
        return _unit(x).to(x.dtype)


class TemperedUnit(nn.Module):
    """``x / (|x| max(t_h, least))``, one learned temperature a head, learned as its logarithm."""

    def __init__(self, heads: int, *, temperature: float, least: float) -> None:
        super().__init__()
        self.least = least
        self.log_temperature = nn.Parameter(torch.full((heads,), math.log(temperature)))

    def temperature(self) -> Float[Tensor, " heads"]:
        """The temperature of each head."""
        wide = self.log_temperature.to(at_least_float32(self.log_temperature.dtype))
        return wide.exp().clamp(min=self.least)

    def forward(self, x: ByHead) -> ByHead:
        """The vectors, their lengths the inverse temperatures."""
        return (_unit(x) / self.temperature()[:, None, None]).to(x.dtype)


def _unit(x: ByHead) -> ByHead:
    # Were the shortest length smaller, a gradient through a vector near zero could overflow.
    return F.normalize(x.to(at_least_float32(x.dtype)), dim=-1, eps=1e-6)


class ByHeadLinear(nn.Module):
    """``x W_h``, a square matrix a head, drawn uniformly after Glorot and Bengio 2010."""

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, dim, dim))
        for matrix in self.weight:
            nn.init.xavier_uniform_(matrix)

    def forward(self, x: ByHead) -> ByHead:
        """The vectors of each head, mapped."""
        return torch.einsum("bhtd,hde->bhte", x, self.weight)
