"""Cores: queries, keys and values by head in, the context of each query out."""

import torch
from torch import nn

from attn.dropout import Dropout
from attn.score import kernels
from attn.score.kernels import Context, Key, Mask, Query, Value, Weights


class ScaledDotProduct(nn.Module):
    """``softmax(scale * q k^T) v`` over the keys that the mask allows, by the kernel chosen.

    Raises:
        ValueError: a kernel that does not exist, a dropout rate out of range.
    """

    def __init__(self, *, scale: float, dropout: float, kernel: str) -> None:
        super().__init__()
        if kernel not in kernels.KERNELS:
            choices = ", ".join(kernels.KERNELS)
            raise ValueError(f"kernel={kernel}: unknown; choose one of {choices}")
        self.scale, self.kernel = scale, kernel
        self.dropout = Dropout(dropout)

    def forward(self, query: Query, key: Key, value: Value, mask: Mask) -> Context:
        """The context; zeros for a query that may see nothing."""
        rate = self.dropout.rate if self.training else 0.0
        if kernels.choose(self.kernel, query, key, rate) == "sdpa":
            return kernels.sdpa(query, key, value, mask, scale=self.scale, dropout=rate)
        return kernels.explicit(query, key, value, mask, scale=self.scale, dropout=self.dropout)

    @torch.no_grad()
    def weights(self, query: Query, key: Key, mask: Mask) -> Weights:
        """The weights before dropout, in float32, whatever the kernel and the format."""
        with torch.autocast(query.device.type, enabled=False):
            exact = kernels.weights(query.float(), key.float(), mask, self.scale)
        return exact * kernels.visible(mask)
