"""Proofs of talking heads."""

from typing import Any

import torch
from torch import Tensor

from attn.verify import written
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same


def _built(case: Case, before: Tensor, after: Tensor) -> Any:
    """The attention, its maps as given."""
    attention: Any = case.build()
    attention.core.before.weight.data, attention.core.after.weight.data = before, after
    return attention


def _maps() -> tuple[Tensor, Tensor]:
    return written.random(4, 4, seed=1), written.random(4, 4, seed=2)


@proof("attention", "talking_heads", "equals the formula written out")
def _formula(case: Case) -> None:
    before, after = _maps()
    attention = _built(case, before, after)
    query, memory = written.streams(case)

    def weigh(s: Tensor, mask: Tensor) -> Tensor:
        mixed = torch.einsum("gh,bhqk->bgqk", before, s)
        return torch.einsum("gh,bhqk->bgqk", after, written.softmax(mixed, mask))

    same(attention(query, memory).y, written.output(attention, weigh, query, memory))


@proof("attention", "talking_heads", "starts as softmax")
def _start(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    expected = written.output(attention, written.softmax, query, memory).nan_to_num()
    same(attention(query, memory).y, expected)


@proof("attention", "talking_heads", "permuted heads are relabelled, and back again is softmax")
def _relabelled(case: Case) -> None:
    permuted = torch.eye(4, dtype=torch.float64)[[2, 0, 3, 1]]
    query, memory = written.streams(case)
    attention = _built(case, permuted, permuted.T)
    expected = written.output(attention, written.softmax, query, memory)
    same(attention(query, memory).y, expected)
    plain = attention(query, memory, capture=True).weights
    attention = _built(case, permuted, torch.eye(4, dtype=torch.float64))
    same(attention(query, memory, capture=True).weights, plain[:, [2, 0, 3, 1]])


@proof("attention", "talking_heads", "mixing shows nothing that is hidden, nor learns from it")
def _hidden(case: Case) -> None:
    attention = _built(case, *_maps())
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    output = attention(query, memory, capture=True)
    _, mask, _ = written.scores(attention, query, memory)
    holds(output.y.isfinite().all(), "not finite")
    holds((output.weights[~mask.expand_as(output.weights)] == 0).all(), "a hidden key has a weight")
    output.y.square().sum().backward()
    for linear in (attention.core.before, attention.core.after):
        holds(linear.weight.grad.isfinite().all(), "a gradient is not finite")
    holds((output.y[~mask.any(-1)[:, 0]] == 0).all(), "a query that sees nothing found something")


@proof("attention", "talking_heads", "mixes in float32 under autocast too")
def _wide(case: Case) -> None:
    attention: Any = case.build()
    x = written.random(2, 4, 3, 5).float()
    with torch.autocast("cpu", torch.bfloat16):
        same(attention.core.before.float()(x), x, 0.0)
