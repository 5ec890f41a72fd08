"""Ways to find the curve of a library that a given one is a copy of: the most score wins.

Each is made of the library once, and then takes queries.
"""

from collections.abc import Callable

import torch
from generate import STEPS, Curves
from jaxtyping import Float
from torch import Tensor

from attn.attention import lookup

POINTS = 32  # of a curve that is resampled
# Chosen on seed 0, which is not reported: how near steps must be, how far times count as distance.
WIDTH, TIME = 0.6, 2.0
AT_ONCE = 10  # queries that dynamic time warping takes at once

Scores = Float[Tensor, "queries curves"]
Searcher = Callable[[Curves], Scores]


def by_time(curves: Curves) -> Float[Tensor, "curves features"]:
    """A curve as one vector: its points at even times."""
    return _resampled(curves, torch.linspace(0, 1, STEPS).expand(len(curves), -1)).flatten(1)


def by_arc(curves: Curves) -> Float[Tensor, "curves features"]:
    """A curve as one vector: its points at even lengths of the way, whatever its pace."""
    lengths = curves.diff(dim=1).norm(dim=-1).cumsum(-1)
    way = torch.nn.functional.pad(lengths, (1, 0))
    return _resampled(curves, way / way[:, -1:]).flatten(1)


def _resampled(curves: Curves, at: Tensor) -> Tensor:
    """The points at even values of ``at``, which grows from 0 to 1, on straight lines."""
    wanted = torch.linspace(0, 1, POINTS).expand(len(curves), -1).contiguous()
    right = torch.searchsorted(at.contiguous(), wanted).clamp(1, STEPS - 1)
    before, behind = at.gather(1, right - 1), at.gather(1, right)
    share = ((wanted - before) / (behind - before).clamp(min=1e-9)).clamp(0, 1)[..., None]
    left, right = (
        curves.gather(1, index[..., None].expand(-1, -1, 2)) for index in (right - 1, right)
    )
    return left + share * (right - left)


def nearest(library: Curves, encode: Callable[[Curves], Tensor]) -> Searcher:
    """Nearest neighbour by Euclidean distance."""
    keys = encode(library)
    return lambda curves: -torch.cdist(encode(curves), keys)


def attention(library: Curves, encode: Callable[[Curves], Tensor]) -> Searcher:
    """One key a curve; the values are one-hot, so that what is looked up are the weights."""
    keys, names = encode(library), torch.eye(len(library))
    return lambda curves: lookup(encode(curves), keys, names)


def unit(encode: Callable[[Curves], Tensor]) -> Callable[[Curves], Tensor]:
    """An encoding around its own mean point, and of length 1; sharp, so that weights differ."""

    def encoded(curves: Curves) -> Tensor:
        points = encode(curves - curves.mean(1, keepdim=True))
        return 10 * points / points.norm(dim=-1, keepdim=True)

    return encoded


def with_norms(library: Curves, encode: Callable[[Curves], Tensor]) -> Searcher:
    """One key a curve, in which its norm stands too: see ``distance_keys``."""
    keys, names = distance_keys(encode(library)), torch.eye(len(library))
    return lambda curves: lookup(distance_queries(encode(curves)), keys, names)


def step_attention(library: Curves, *, width: float = WIDTH, time: float = TIME) -> Searcher:
    """One key a step of every curve, and the mean over a query's steps of what they look up.

    A step is its place and its time, ``s = [x, y, c t] / width``.
    """

    def steps(curves: Curves) -> Tensor:
        pace = torch.linspace(0, 1, STEPS)[:, None].expand(len(curves), -1, 1)
        return (torch.cat((curves, time * pace), -1) / width).flatten(0, 1)

    keys = distance_keys(steps(library))
    names = torch.eye(len(library)).repeat_interleave(STEPS, 0)

    def search(curves: Curves) -> Scores:
        found = lookup(distance_queries(steps(curves)), keys, names)
        return found.unflatten(0, (-1, STEPS)).mean(1)

    return search


def distance_keys(x: Tensor) -> Tensor:
    """Keys ``[k, -|k|^2 / 2]``: with queries ``[q, 1]``, ``q . k = (|q|^2 - |q - k|^2) / 2``.

    Softmax does not see what all keys have in common, and so weighs by distance alone.
    """
    return torch.cat((x, -x.square().sum(-1, keepdim=True) / 2), -1)


def distance_queries(x: Tensor) -> Tensor:
    """Queries ``[q, 1]``, times what ``lookup`` divides by."""
    return torch.nn.functional.pad(x, (0, 1), value=1.0) * (x.shape[-1] + 1) ** 0.5


def warping(library: Curves) -> Searcher:
    """Dynamic time warping: the least sum of squared distances along a path that never goes back.

    ``D_ij = |a_i - b_j|^2 + min(D_{i-1,j}, D_{i,j-1}, D_{i-1,j-1})``; Sakoe and Chiba 1978,
    without a band.
    """

    def search(curves: Curves) -> Scores:
        return torch.cat([-distances(some, library) for some in curves.split(AT_ONCE)])

    return search


def distances(some: Curves, others: Curves) -> Scores:
    """The distance of every two curves, all pairs at once, diagonal by diagonal."""
    cost = torch.cdist(some[:, None], others[None]).square()
    rows, columns = cost.shape[-2:]
    far = cost.new_full((*cost.shape[:2], rows + 1), torch.inf)
    older, newer = far.clone(), far.clone()  # indexed by row + 1
    older[..., 0] = 0.0
    for diagonal in range(rows + columns - 1):
        row = torch.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        step = torch.minimum(torch.minimum(newer[..., row], newer[..., row + 1]), older[..., row])
        older, newer = newer, far.clone()
        newer[..., row + 1] = cost[..., row, diagonal - row] + step
    return newer[..., rows]


METHODS: dict[str, Callable[[Curves], Searcher]] = {
    "euclidean, by time": lambda library: nearest(library, by_time),
    "euclidean, by arc": lambda library: nearest(library, by_arc),
    "dynamic time warping": warping,
    "attention, by time, raw": lambda library: attention(library, by_time),
    "attention, by time, unit": lambda library: attention(library, unit(by_time)),
    "attention, by time, norms": lambda library: with_norms(library, by_time),
    "attention, by arc, norms": lambda library: with_norms(library, by_arc),
    "attention, step by step": step_attention,
}
