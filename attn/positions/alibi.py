"""Linear biases of the scores."""

import torch
from torch import nn

from attn.contract import PositionKind, Role
from attn.distances import Biases, Keys, Queries, relative
from attn.precision import at_least_float32
from attn.registry import register

ENCODERS = ("symmetric", "asymmetric", "shifted")


@register("position", "alibi")
class Alibi(nn.Module):
    """Scores fall linearly with the distance of the key, steeply in some heads, gently in others.

    ``b_h(i, j) = -m_h (i - j)`` in the decoder, ``m_h = 2^(-8h/H)`` for h from 1 to H; where H is
    no power of two, the slopes are those of the power below, then every other one of the power
    above. Press, Smith and Lewis 2022, "Train Short, Test Long: Attention with Linear Biases
    Enables Input Length Extrapolation". In an encoder, which the paper leaves open:

    - ``symmetric``: ``-m_h |i - j|``.
    - ``asymmetric``: ``-m_h,left (i - j)`` for keys behind and ``-m_h,right (j - i)`` for those
      ahead, both slopes learned from ``m_h`` on, so that a head may come to prefer a side.
    - ``shifted``: ``-m_h |i + 1/2 - j|``, which tells the two neighbours of a token apart.

    Raises:
        ValueError: an unknown form for the encoder.
    """

    kind = PositionKind.BIAS

    def __init__(self, *, role: Role, heads: int, encoder: str = "symmetric") -> None:
        super().__init__()
        if encoder not in ENCODERS:
            raise ValueError(f"encoder={encoder}: unknown; choose one of {', '.join(ENCODERS)}")
        self.form = encoder if role is Role.ENCODER else "causal"
        steep = torch.tensor(slopes(heads))
        if self.form == "asymmetric":
            # Of the logarithm, so that no slope turns to a rise.
            self.log_slopes = nn.Parameter(steep.log().repeat(2, 1))
        else:
            self.register_buffer("slopes", steep, persistent=False)

    def bias(self, query_position: Queries, key_position: Keys) -> Biases:
        """What is added to the scores."""
        ahead = relative(query_position, key_position)[:, None]
        learned = self.form == "asymmetric"
        steep = self.log_slopes.exp() if learned else self.get_buffer("slopes")
        steep = steep.to(at_least_float32(steep.dtype))[..., None, None]
        if learned:
            left, right = steep
            return left * ahead.clamp(max=0) - right * ahead.clamp(min=0)
        if self.form == "causal":
            return steep * ahead
        return -steep * (ahead - 0.5 if self.form == "shifted" else ahead).abs()


def slopes(heads: int) -> list[float]:
    """``2^(-8h/H)`` by head; see :class:`Alibi` where H is no power of two."""
    below = 1 << (heads.bit_length() - 1)
    own = [2 ** (-8 * h / below) for h in range(1, below + 1)]
    return own + [2 ** (-4 * h / below) for h in range(1, 2 * (heads - below), 2)]
