"""No positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.registry import register


@register("position", "none")
class NoPosition(nn.Module):
    """Nothing tells the order of tokens but the causal mask of the decoder.

    An encoder then sees a bag of words, unless its attention knows order itself; that is refused
    unless ``allow_bag_of_words`` is true. Haviv et al. 2022, "Transformer Language Models without
    Positional Encodings Still Learn Positional Information".
    """

    kind = PositionKind.NONE
    room = None

    def __init__(self, *, dim: int, allow_bag_of_words: bool = False) -> None:
        super().__init__()
        self.dim, self.allow_bag_of_words = dim, allow_bag_of_words

    def forward(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """Zeros, which are one number seen everywhere; a model does not add them."""
        return torch.zeros((), device=position.device).expand(*one_row(position).shape, self.dim)
