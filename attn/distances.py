"""Distances between positions, and the sines and cosines that position schemes are made of.

Angles need float32: in bf16 the product of a position and a rate is wrong by radians from some
hundred tokens on. So nothing here is computed in a shorter format, autocast or not.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from attn.precision import at_least_float32

# Where all rows are the same, a scheme may be given one of them.
Queries = Int[Tensor, "rows queries"]
Keys = Int[Tensor, "others keys"]
Distances = Int[Tensor, "most queries keys"]
Biases = Float[Tensor, "most heads queries keys"]
_seen: Any = WeakTensorKeyDictionary()


def relative(query: Queries, key: Keys) -> Distances:
    """``j - i``, how far each key j lies ahead of each query i; negative for keys behind it."""
    return key[:, None, :] - query[:, :, None]


def span(query: Queries, key: Keys) -> tuple[int, int]:
    """The least and the greatest ``i - j``.

    Elsewhere than on a CPU, looking is a wait for the device: it is done once for all layers that
    are given the same positions. A compiler cannot follow what is remembered between calls.
    """
    if torch.compiler.is_compiling() or (len(query) > 1 and len(key) > 1):
        return _look(-relative(query, key))
    (first, last), (start, end) = _ends(query), _ends(key)
    return first - end, last - start


def _ends(position: Queries) -> tuple[int, int]:
    """The least and the greatest position, remembered as long as the tensor is and stays as is."""
    owner = position if position._base is None else position._base
    view = position.storage_offset(), position.shape, position.stride(), position._version
    known = _seen.setdefault(owner, {})
    if view not in known:
        known[view] = _look(position)
    return known[view]


def _look(numbers: Tensor) -> tuple[int, int]:
    least, most = torch.stack(numbers.aminmax()).tolist()
    return least, most


def clipped(distance: Distances, most: int) -> Distances:
    """Rows of a table of ``2 most + 1`` distances: ``clip(j - i, -most, most) + most``."""
    return distance.clamp(-most, most) + most


def pick(
    by_distance: Float[Tensor, "batch heads queries distances"], row: Distances
) -> Float[Tensor, "batch heads queries keys"]:
    """What each query has for the distance of each key."""
    batch, heads = by_distance.shape[:2]
    return by_distance.gather(-1, row[:, None].expand(batch, heads, -1, -1))


def total(
    weights: Float[Tensor, "batch heads queries keys"], row: Distances, distances: int
) -> Float[Tensor, "batch heads queries distances"]:
    """The weights of all keys at the same distance, summed: what :func:`pick` is transposed."""
    index = row[:, None].expand_as(weights)
    return weights.new_zeros(*weights.shape[:3], distances).scatter_add(-1, index, weights)


def rates(width: int, base: float, like: Tensor) -> Float[Tensor, " pairs"]:
    """``base^(-2i / width)`` for each pair of dimensions, on the device of ``like``."""
    wide = at_least_float32(like.dtype)
    exponents = torch.arange(0, width, 2, device=like.device, dtype=wide) / width
    return torch.pow(base, -exponents)


def angles(
    position: Int[Tensor, "*shape"], rate: Float[Tensor, " pairs"]
) -> tuple[Float[Tensor, "*shape pairs"], Float[Tensor, "*shape pairs"]]:
    """Sine and cosine of each position times each rate."""
    wide = at_least_float32(rate.dtype)
    turned = position[..., None].to(wide) * rate.to(wide)
    return turned.sin(), turned.cos()
