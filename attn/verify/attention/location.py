"""Proofs of attention to places of the source."""

import dataclasses
from typing import Any

import torch

from attn.score.projections import by_head, side_by_side
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import ProofError, holds, proof, same
from attn.verify.uniform import uniform


@proof("attention", "location", "equals the formula written out")
def _formula(case: Case) -> None:
    attention: Any = case.build(max_source_length=9)
    query, memory = stream(3, 7), case.memory((5, 2, 1))
    assert memory is not None
    scores = (query.x @ attention.scores.weight.T).unflatten(-1, (HEADS, 9)).transpose(1, 2)
    hidden = ~memory.valid[:, None, None]
    weights = scores[..., :5].masked_fill(hidden, -torch.inf).softmax(-1)
    context = weights @ by_head(attention.value(memory.x), HEADS)
    same(attention(query, memory).y, attention.out(side_by_side(context)))


@proof("attention", "location", "weights do not depend on what the source says")
def _blind(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7), case.memory()
    assert memory is not None
    other = dataclasses.replace(memory, x=memory.x.flip(-1) * 3)
    first, second = (attention(query, one, capture=True) for one in (memory, other))
    assert first.weights is not None
    assert second.weights is not None
    same(first.weights, second.weights, 0.0)
    holds(not torch.equal(first.y, second.y), "the values do not count either")


@proof("attention", "location", "with W_a = 0 gives the mean of what may be seen")
def _mean(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7), case.memory()
    attention.scores.weight.data.zero_()
    same(attention(query, memory, capture=True).weights, uniform(case, query, memory), 1e-6)


@proof("attention", "location", "a source beyond max_source_length is refused, padding is not")
def _refused(case: Case) -> None:
    attention, query = case.build(max_source_length=4), stream(3, 7)
    attention(query, case.memory((4, 2, 0)))
    try:
        attention(query, case.memory((5, 2, 0)))
    except ValueError:
        return
    raise ProofError("a source of 5 tokens was taken, there are 4 scores")
