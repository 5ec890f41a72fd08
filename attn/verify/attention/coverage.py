"""Proofs of additive attention with coverage."""

import dataclasses
from typing import Any

import torch

from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import cut, rows


@proof("attention", "coverage", "the coverage of t words sums to t")
def _sums(case: Case) -> None:
    attention, memory = case.build(), case.memory((5, 2, 1))
    state: Any = attention(stream(3, 6), memory).state
    same(state.coverage.sum(-1), torch.full((3, HEADS), 6.0).double())


@proof("attention", "coverage", "without a weight for it equals additive attention")
def _without(case: Case) -> None:
    attention: Any = case.build()
    other: Any = dataclasses.replace(case, attention="additive", options={}).build()
    other.projections.load_state_dict(attention.projections.state_dict())
    with torch.no_grad():
        attention.cover.zero_()
        other.core.score.vector.copy_(attention.vector.view_as(other.core.score.vector))
    query, memory = stream(3, 7), case.memory()
    same(attention(query, memory).y, other(query, memory).y)


@proof("attention", "coverage", "what was seen changes what is seen next")
def _remembers(case: Case) -> None:
    attention, memory = case.build(), case.memory((5, 4, 3))
    query = stream(3, 1)
    first = attention(query, memory, capture=True)
    second = attention(query, state=first.state, capture=True)
    assert first.weights is not None
    assert second.weights is not None
    holds(not torch.allclose(first.weights, second.weights), "has forgotten")


@proof(
    "attention",
    "coverage",
    "step by step is all at once, and a hypothesis takes its coverage along",
)
def _reordered(case: Case) -> None:
    attention, memory = case.build(), case.memory((5, 3))
    assert memory is not None
    query, order = stream(4, 6), torch.tensor([1, 1, 3, 2])
    state = attention.start(memory, rows=4, capacity=6)
    with torch.no_grad():
        output = attention(cut(query, 0, 3), state=state)
        assert output.state is not None
        moved = rows(query, order)
        last = attention(cut(moved, 3, 6), state=output.state.reorder(order)).y
        each = rows(memory, torch.tensor([0, 0, 1, 1]))
        same(last, attention(moved, each).y[:, 3:])
