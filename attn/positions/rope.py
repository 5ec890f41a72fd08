"""Rotary positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.distances import angles, rates
from attn.precision import at_least_float32
from attn.registry import register

# How a head's width splits into pairs: the shape that does it, and the axis of a pair's two halves.
PAIRINGS = {"interleaved": ((-1, 2), -1), "halves": ((2, -1), -2)}


@register("position", "rope")
class Rotary(nn.Module):
    """Queries and keys are turned, pair by pair of their dimensions, by angles of their position.

    ``(x_a, x_b) -> (x_a cos(p r_i) - x_b sin(p r_i), x_a sin(p r_i) + x_b cos(p r_i))``,
    ``r_i = base^(-2i/d)``, the pair i being ``(2i, 2i+1)`` if interleaved and ``(i, i + d/2)`` if
    in halves, over the first ``d = fraction * head_dim`` dimensions; the others stay as they are. A
    product of query and key then depends on the difference of their positions alone. Turned in
    float32 under any autocast. Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position
    Embedding" (interleaved); GPT-NeoX and Llama pair halves.

    Raises:
        ValueError: an unknown pairing, a base that is not positive, a fraction outside 0 < f <= 1
            or that leaves no even number of dimensions.
    """

    kind = PositionKind.ROTARY

    def __init__(
        self,
        *,
        head_dim: int,
        base: float = 10000.0,
        pairing: str = "interleaved",
        fraction: float = 1.0,
    ) -> None:
        super().__init__()
        if base <= 0:
            raise ValueError(f"base={base}: must be positive")
        if pairing not in PAIRINGS:
            raise ValueError(f"pairing={pairing}: unknown; choose one of {', '.join(PAIRINGS)}")
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction={fraction}: must be above 0 and at most 1")
        width = round(fraction * head_dim, 6)
        if width < 1 or width % 2:
            raise ValueError(
                f"fraction={fraction}: is {width:g} of the {head_dim} dimensions of a head; "
                "must be an even number of them"
            )
        self.base, self.width = base, int(width)
        self.split, self.axis = PAIRINGS[pairing]

    def rotate(
        self, x: Float[Tensor, "batch heads time dim"], position: Int[Tensor, "rows time"]
    ) -> Float[Tensor, "batch heads time dim"]:
        """Queries or keys, turned; in their own format."""
        with torch.autocast(x.device.type, enabled=False):
            turned, rest = x.tensor_split((self.width,), -1)
            wide = turned.to(at_least_float32(x.dtype))
            # The rates are made anew: a buffer would be rounded with the model's weights.
            rate = rates(self.width, self.base, wide)
            sine, cosine = angles(one_row(position), rate)
            # As complex numbers: one product in place of four and two sums.
            pairs = wide.unflatten(-1, self.split).movedim(self.axis, -1).contiguous()
            numbers = torch.view_as_complex(pairs) * torch.complex(cosine, sine)[:, None]
            pairs = torch.view_as_real(numbers).movedim(-1, self.axis)
            turned = pairs.flatten(-2).to(x.dtype)
        return torch.cat((turned, rest), -1) if rest.shape[-1] else turned
