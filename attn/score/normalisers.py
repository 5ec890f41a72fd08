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


class Sink(nn.Module):
    """``a_ij = exp(s_ij) / (exp(b_h) + sum_k exp(s_ik))``, ``b_h`` a number a head.

    The sink is a further key, whose score is ``b_h`` and whose value is zero. Where it is not
    ``learned``, ``b_h = 0``.
    """

    fault = ""

    def __init__(self, heads: int, *, learned: bool) -> None:
        super().__init__()
        scores = torch.zeros(heads)
        if learned:
            self.scores = nn.Parameter(scores)
        else:
            self.register_buffer("scores", scores, persistent=False)

    def sink(self) -> Float[Tensor, " heads"]:
        """The scores of the further key, by head."""
        return self.scores

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights; their sum is below 1."""
        ahead = self.scores.to(scores.dtype)[:, None, None].expand(*scores.shape[:3], 1)
        return torch.softmax(torch.cat((hide(scores, mask), ahead), -1), -1)[..., :-1]


class Sigmoid(nn.Module):
    """``a_ij = 1 / (1 + n_i exp(-s_ij))``, ``n_i`` being how many keys the query may see.

    That many, never the length of a tensor: padding and room for tokens to come change nothing.
    """

    fault = "a sigmoid is no softmax"

    def forward(self, scores: Weights, mask: Mask) -> Weights:
        """The weights."""
        count = mask.sum(-1, keepdim=True).clamp(min=1).to(scores.dtype)
        return torch.sigmoid(scores - count.log()).masked_fill(~mask, 0)
