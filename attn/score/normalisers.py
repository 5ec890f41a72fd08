"""Normalisers: from scores to weights.

Each takes scores in float32 at least and what may be seen; where nothing may, any finite row will
do, since it is zeroed afterwards.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.score.kernels import Mask, Weights


def hide(scores: Weights, mask: Mask) -> Weights:
    """The scores, those of hidden keys as low as they go.

    The most negative number, not -inf: a query that may see nothing then gives no NaN.
    """
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


class Softmax(nn.Module):
    """``a_ij = exp(s_ij) / sum_k exp(s_ik)``."""

    fault = ""

    def sink(self) -> Float[Tensor, " heads"] | None:
        """The scores of a further key of value zero, by head; there is none."""
        return None

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights."""
        return torch.softmax(hide(scores, mask), -1)
