"""Relative positions as vectors that meet keys, and values too."""

from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import PositionKind
from attn.distances import Keys, Queries, clipped, pick, relative, total
from attn.registry import register


@register("position", "shaw")
class Shaw(nn.Module):
    """One learned vector a distance, added to each key; shared by the heads of a layer.

    ``s_ij = q_i . (k_j + a^K_c(j-i)) / sqrt(d_k)``,
    ``c(x) = clip(x, -max_distance, max_distance)``. Shaw, Uszkoreit and Vaswani 2018,
    "Self-Attention with Relative Position Representations"; the form with vectors for keys alone
    lost nothing there, and any kernel can serve it.

    Raises:
        ValueError: a distance below 1.
    """

    kind = PositionKind.CONTENT

    def __init__(self, *, head_dim: int, max_distance: int = 16) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.keys = _table(max_distance, head_dim)

    def content(
        self,
        query: Float[Tensor, "batch heads queries dim"],
        key: Float[Tensor, "batch groups keys dim"],  # noqa: ARG002
        query_position: Queries,
        key_position: Keys,
    ) -> Float[Tensor, "batch heads queries keys"]:
        """What is added to the scores before they are scaled."""
        row = clipped(relative(query_position, key_position), self.max_distance)
        return pick(query @ self.keys.weight.t(), row)


@register("position", "shaw_values")
class ShawValues(Shaw):
    """One learned vector a distance, added to each key, and another, added to each value.

    As ``shaw``, and ``y_i = sum_j a_ij (v_j + a^V_c(j-i))``; no fused kernel can serve this. Shaw,
    Uszkoreit and Vaswani 2018, "Self-Attention with Relative Position Representations", section
    3.2.

    Raises:
        ValueError: a distance below 1.
    """

    kind = PositionKind.VALUES

    def __init__(self, *, head_dim: int, max_distance: int = 16) -> None:
        super().__init__(head_dim=head_dim, max_distance=max_distance)
        self.vectors = _table(max_distance, head_dim)

    def values(
        self,
        weights: Float[Tensor, "batch heads queries keys"],
        query_position: Queries,
        key_position: Keys,
    ) -> Float[Tensor, "batch heads queries value"]:
        """What is added to the context: one product with the weights of each distance."""
        row = clipped(relative(query_position, key_position), self.max_distance)
        return total(weights, row, 2 * self.max_distance + 1) @ self.vectors.weight


def _table(max_distance: int, head_dim: int) -> nn.Embedding:
    """A vector for each distance from -max_distance to max_distance."""
    if max_distance < 1:
        raise ValueError(f"max_distance={max_distance}: must be at least 1")
    table = nn.Embedding(2 * max_distance + 1, head_dim)
    nn.init.xavier_uniform_(table.weight)
    return table
