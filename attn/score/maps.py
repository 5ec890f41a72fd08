"""Maps between the scores, or the weights, of all heads."""

import torch
from torch import Tensor, nn

from attn.score.kernels import Weights


class HeadMap(nn.Module):
    """``x'_g = sum_h P_gh x_h``: what each head has becomes a mixture of what all have.

    ``P`` starts as the identity. It works in the format of ``x``, under autocast too. ``of`` names
    what is mixed.
    """

    def __init__(self, heads: int, *, of: str) -> None:
        super().__init__()
        self.fault = f"{of} are mixed across heads"
        self.weight = nn.Parameter(torch.eye(heads))

    def forward(self, x: Weights) -> Weights:
        """The mixtures."""
        with torch.autocast(x.device.type, enabled=False):
            mixed: Tensor = torch.einsum("gh,bhqk->bgqk", self.weight.to(x.dtype), x)
            return mixed
