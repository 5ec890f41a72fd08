"""Learned positions."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import PositionKind, one_row
from attn.registry import register


@register("position", "learned")
class Learned(nn.Module):
    """One learned vector a position, added to the embeddings.

    ``PE(p) = E[p]``, drawn from ``N(0, 1/D)``. Gehring et al. 2017, "Convolutional Sequence to
    Sequence Learning"; row (E) of Vaswani et al. 2017.

    Raises:
        ValueError: a size below 1; when called, a position beyond the table.
    """

    kind = PositionKind.INPUT

    def __init__(self, *, dim: int, max_positions: int = 512) -> None:
        super().__init__()
        if max_positions < 1:
            raise ValueError(f"max_positions={max_positions}: must be at least 1")
        self.room = max_positions
        self.table = nn.Embedding(max_positions, dim)
        nn.init.normal_(self.table.weight, std=dim**-0.5)

    def forward(self, position: Int[Tensor, "batch time"]) -> Float[Tensor, "rows time dim"]:
        """The vector of each position."""
        position = one_row(position)
        last = self.table.num_embeddings
        if position.device.type == "cpu" and position.numel() and int(position.max()) >= last:
            raise ValueError(
                f"position {int(position.max())} is beyond position.max_positions={last}; "
                "raise it, or shorten the text"
            )
        vectors: Tensor = self.table(position)
        return vectors
