"""Proofs of multi-head scaled dot-product attention."""

import math
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role
from attn.score.projections import Projections
from attn.verify import written
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import proof, same
from attn.verify.uniform import uniform


@proof("attention", "softmax", "equals the formula written out")
def _formula(case: Case) -> None:
    attention: Any = case.build()
    query, memory = written.streams(case)
    expected = written.output(attention, written.softmax, query, memory)
    same(attention(query, memory).y, expected)


def _matrices(maps: Projections) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``W_q``, ``W_k``, ``W_v`` and ``W_o``; written to, they change the attention."""
    out = maps.out.weight.data
    if hasattr(maps, "joint"):
        query, key, value = maps.joint.weight.data.chunk(3)
        return query, key, value, out
    key, value = maps.key_value.weight.data.chunk(2)
    return maps.query.weight.data, key, value, out


@proof("attention", "softmax", "with one head equals the formula number by number")
def _by_hand(case: Case) -> None:
    attention: Any = case.build(heads=1)
    query, memory = written.streams(case)
    source = memory or query
    w_q, w_k, w_v, w_o = _matrices(attention.projections)
    expected = torch.zeros_like(query.x)
    for row in range(3):
        for i in range(7):
            last = i if case.role is Role.DECODER else source.x.shape[1]
            seen = [j for j in range(source.x.shape[1]) if source.valid[row, j] and j <= last]
            q = w_q @ query.x[row, i]
            powers = [math.exp(q @ w_k @ source.x[row, j] / math.sqrt(DIM)) for j in seen]
            for j, power in zip(seen, powers, strict=True):
                expected[row, i] += power / sum(powers) * (w_o @ w_v @ source.x[row, j])
    same(attention(query, memory).y, expected)


@proof("attention", "softmax", "with W_q = 0 gives the mean of what may be seen")
def _mean(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory()
    w_q, _, w_v, w_o = _matrices(attention.projections)
    w_q.zero_()
    weights = uniform(case, query, memory)
    output = attention(query, memory, capture=True)
    same(output.weights, weights, 1e-6)
    same(output.y, weights[:, 0] @ (memory or query).x @ w_v.T @ w_o.T)


@proof("attention", "softmax", "heads in another order, those of W_o too, give the same")
def _order_of_heads(case: Case) -> None:
    attention: Any = case.build()
    query, memory = written.streams(case)
    before, order = attention(query, memory), torch.tensor([2, 0, 3, 1])
    *maps, w_o = _matrices(attention.projections)
    for matrix in maps:
        matrix.copy_(matrix.unflatten(0, (HEADS, -1))[order].flatten(0, 1))
    w_o.copy_(w_o.unflatten(1, (HEADS, -1))[:, order].flatten(1, 2))
    same(attention(query, memory).y, before.y)
