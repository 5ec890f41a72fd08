"""Learned biases by bucket of distances."""

import math

import torch
from torch import nn

from attn.contract import PositionKind, Role
from attn.distances import Biases, Keys, Queries, clipped, relative
from attn.registry import register


@register("position", "t5")
class T5Bias(nn.Module):
    """One learned number a head and bucket of distances, added to the scores.

    ``b_h(i, j) = B[bucket(j - i), h]``. An encoder has half of the buckets for keys ahead of the
    query; a decoder has none for them. Of the n buckets of a side, the first n/2 hold one distance
    each, the others grow geometrically up to ``max_distance``; the last holds all beyond. All
    layers of a role share one table, drawn from ``N(0, 1/D)``. Raffel et al. 2020, "Exploring the
    Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 2.1; T5 itself
    leaves out the scale ``1 / sqrt(d_k)`` of the scores, which here is the attention's own matter.

    Raises:
        ValueError: buckets that do not halve as often as needed, a distance that the single ones
            cover.
    """

    kind = PositionKind.BIAS
    shared = True

    def __init__(
        self, *, dim: int, role: Role, heads: int, buckets: int = 32, max_distance: int = 128
    ) -> None:
        super().__init__()
        if buckets < 4 or buckets % 4:
            raise ValueError(f"buckets={buckets}: must be a multiple of 4, at least 4")
        both = role is Role.ENCODER
        # The same bound for both roles, so that one setting fits a whole model.
        if max_distance <= buckets // 2:
            raise ValueError(
                f"max_distance={max_distance}: must be above half of buckets={buckets}"
            )
        self.max_distance = max_distance
        count = buckets // 2 if both else buckets
        side = [bucket(distance, count, max_distance) for distance in range(max_distance + 1)]
        ahead = [count + number for number in side] if both else [0] * len(side)
        rows = [*reversed(side), *ahead[1:]]
        self.register_buffer("rows", torch.tensor(rows), persistent=False)
        self.table = nn.Embedding(buckets, heads)
        nn.init.normal_(self.table.weight, std=dim**-0.5)

    def bias(self, query_position: Queries, key_position: Keys) -> Biases:
        """What is added to the scores."""
        row = clipped(relative(query_position, key_position), self.max_distance)
        by_distance = self.table(self.get_buffer("rows"))
        return by_distance.t()[:, row].transpose(0, 1)


def bucket(distance: int, buckets: int, max_distance: int) -> int:
    """The bucket of a distance >= 0, of the buckets of one side."""
    single = buckets // 2
    if distance < single:
        return distance
    # Rounded, so that a distance at the edge of a bucket does not fall to the one below.
    share = math.log(distance / single) / math.log(max_distance / single)
    return min(single + int(round(share * single, 9)), buckets - 1)
