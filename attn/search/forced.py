"""Translations that begin with what is given."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.tokenizers import PAD


def all_but(token: Int[Tensor, " rows"], vocabulary: int) -> Bool[Tensor, "rows vocabulary"]:
    """Every token but the one that must be said; none where that is padding, which forces none."""
    every = torch.arange(vocabulary, device=token.device)
    return (every != token[:, None]) & (token != PAD)[:, None]
