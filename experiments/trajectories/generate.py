"""Smooth random curves in the plane, in families of like ones; noised and time-warped copies."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FAMILIES, SIBLINGS = 25, 4
STEPS = 64
WAVES = 4
UNLIKE = 0.35  # of a sibling's own curve, beside that of its family
KNOTS = 6

Curves = Float[Tensor, "curves steps 2"]
Times = Float[Tensor, "curves steps"]


class Library:
    """Curves ``x(t)``, ``0 <= t <= 1``: an offset and some waves, ``sum_k c_k cos(pi k t) / k``.

    Sizes and offsets differ; the mean distance from a curve's own middle is about 1.
    """

    def __init__(self, generator: torch.Generator) -> None:
        draw = (FAMILIES, SIBLINGS, 2, WAVES)
        family = torch.randn(FAMILIES, 1, 2, WAVES, generator=generator)
        own = torch.randn(draw, generator=generator)
        size = (0.3 * torch.randn(FAMILIES, SIBLINGS, 1, 1, generator=generator)).exp()
        waves = size * (family + UNLIKE * own) / torch.arange(1, WAVES + 1)
        self.waves = waves.flatten(0, 1)
        self.offset = 0.5 * torch.randn(FAMILIES * SIBLINGS, 1, 2, generator=generator)

    def at(self, times: Times, which: Tensor | slice = slice(None)) -> Curves:
        """Where some curves are at given times."""
        angles = math.pi * times[..., None] * torch.arange(1, WAVES + 1)
        return self.offset[which] + torch.einsum("ctk,cdk->ctd", angles.cos(), self.waves[which])

    def curves(self) -> Curves:
        """All of them, at an even pace."""
        pace = torch.linspace(0, 1, STEPS).expand(FAMILIES * SIBLINGS, -1)
        return self.at(pace)

    def copies(
        self, which: Tensor, *, noise: float, warp: float, generator: torch.Generator
    ) -> Curves:
        """Copies of some curves, at an uneven pace and with noise at every step."""
        curves = self.at(warped(len(which), warp, generator), which)
        return curves + noise * torch.randn(curves.shape, generator=generator)


def warped(count: int, warp: float, generator: torch.Generator) -> Times:
    """Times from 0 to 1 that never go back: even ones and, by a share ``warp``, uneven ones.

    The pace of the uneven ones is a line through ``exp(1.5 z)``, ``z`` normal, at some knots.
    """
    knots = (1.5 * torch.randn(count, 1, KNOTS, generator=generator)).exp()
    pace = torch.nn.functional.interpolate(knots, STEPS - 1, mode="linear", align_corners=True)
    uneven = torch.nn.functional.pad(pace[:, 0].cumsum(-1), (1, 0))
    return (1 - warp) * torch.linspace(0, 1, STEPS) + warp * uneven / uneven[:, -1:]
