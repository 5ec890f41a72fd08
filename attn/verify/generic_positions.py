"""What every position scheme proves, whatever it computes.

The names P1 to P4 are the columns of ``attn verify``.
"""

from typing import Any

import torch
from torch import Tensor

from attn.contract import OUTSIDE, PositionKind
from attn.verify import schemes
from attn.verify.cases import DIM, HEADS, Case
from attn.verify.proofs import holds, proof, same

HEAD_DIM = DIM // HEADS
QUERIES, KEYS = 5, 7


def scheme(case: Case) -> Any:
    """The scheme of a case with random tables, in float64 and evaluation mode."""
    made = schemes.scheme(case, **case.position_options)
    for parameter in made.parameters():  # tables may begin as zeros
        torch.nn.init.normal_(parameter)
    return made


def tables(made: Any, query: Tensor, key: Tensor) -> list[Tensor]:
    """All that a scheme gives for queries and keys at these positions."""
    generator = torch.Generator().manual_seed(0)

    def vectors(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    if made.kind in OUTSIDE:
        return [made(query), made(key)]
    q, k = vectors(1, HEADS, 1, HEAD_DIM), vectors(1, HEADS, 1, HEAD_DIM)
    left = q.expand(len(query), -1, query.shape[1], -1)
    right = k.expand(len(key), -1, key.shape[1], -1)
    if made.kind is PositionKind.ROTARY:
        return [made.rotate(left, query), made.rotate(right, key)]
    if made.kind is PositionKind.BIAS:
        return [made.bias(query, key)]
    found = [made.content(left, right, query, key)]
    if made.kind is PositionKind.VALUES:
        weights = torch.ones(len(query), HEADS, query.shape[1], key.shape[1], dtype=torch.float64)
        found.append(made.values(weights, query, key))
    return found


def _positions() -> tuple[Tensor, Tensor]:
    """Queries at the end of their keys, as in decoding."""
    return torch.arange(KEYS - QUERIES, KEYS).expand(2, -1), torch.arange(KEYS).expand(2, -1)


@proof("position", None, "P1: what it gives is finite and repeats itself")
def _finite(case: Case) -> None:
    made, (query, key) = scheme(case), _positions()
    first, second = tables(made, query, key), tables(made, query, key)
    for one, other in zip(first, second, strict=True):
        holds(one.isfinite().all(), "something is not finite")
        same(one, other, 0.0)


@proof("position", None, "P2: sentences may stand at positions of their own")
def _rows(case: Case) -> None:
    made, (query, key) = scheme(case), _positions()
    together = tables(made, query + torch.tensor([[0], [4]]), key + torch.tensor([[0], [4]]))
    for row, first in enumerate((0, 4)):
        alone = tables(made, query[:1] + first, key[:1] + first)
        for one, whole in zip(alone, together, strict=True):
            same(one, whole.expand(2, *whole.shape[1:])[row : row + 1])


@proof("position", None, "P3: positions count, not places in the tensor")
def _places(case: Case) -> None:
    made, (query, key) = scheme(case), _positions()
    order, query = torch.tensor([3, 0, 4, 2, 1]), query.clone()
    one, *others = tables(made, query[:, order], key)
    whole, *rest = tables(made, query, key)
    axis = whole.dim() - 2
    same(one, whole.index_select(axis, order))
    if made.kind is PositionKind.VALUES:
        same(others[0], rest[0].index_select(axis, order))


@proof("position", None, "P4: bf16 does not reach what positions alone decide")
def _autocast(case: Case) -> None:
    made, (query, key) = scheme(case).float(), _positions()
    if made.kind not in OUTSIDE | {PositionKind.BIAS}:
        return
    far = 500 if getattr(made, "room", None) is None else 0
    plain = tables(made, query + far, key + far)
    with torch.autocast("cpu", torch.bfloat16):
        short = tables(made, query + far, key + far)
    for one, other in zip(plain, short, strict=True):
        same(one, other, 1e-6)
