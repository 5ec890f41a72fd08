"""Proofs of additive attention with coverage."""

import dataclasses
from typing import Any

import torch

from attn.contract import Stream
from attn.score.projections import side_by_side
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import in_steps, stepped

LENGTHS = (5, 2, 0)


def _given(case: Case, lengths: tuple[int, ...] = LENGTHS) -> tuple[Stream, Stream]:
    memory = case.memory(lengths)
    assert memory is not None
    return stream(len(lengths), 7), memory


@proof("attention", "coverage", "equals the formula written out, word by word")
def _formula(case: Case) -> None:
    attention: Any = case.build()
    query, memory = _given(case)
    q = attention.projections.query_of(query.x)
    k, v = attention.projections.key_value_of(memory.x)
    context = torch.zeros_like(q)
    weights = torch.zeros(3, HEADS, 7, 5, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        for head in range(HEADS):
            u, vector = attention.cover[head, 0], attention.vector[head, 0]
            covered = torch.zeros(length, dtype=torch.float64)
            for t in range(7):
                more = torch.outer(covered, u)
                a = (torch.tanh(q[row, head, t] + k[row, head, :length] + more) @ vector).softmax(0)
                weights[row, head, t, :length] = a
                context[row, head, t] = a @ v[row, head, :length]
                covered = covered + a
    output = attention(query, memory, capture=True)
    same(output.y, attention.projections.out(side_by_side(context)))
    same(output.weights, weights, 1e-6)


@proof("attention", "coverage", "is additive attention where coverage has no weight")
def _additive(case: Case) -> None:
    attention: Any = case.build()
    additive: Any = Case("additive", case.role).build()
    additive.projections.load_state_dict(attention.projections.state_dict())
    additive.core.score.vector.data = attention.vector.data[:, 0]
    query, memory = _given(case)
    before = (attention(query, memory).y - additive(query, memory).y).abs().max()
    holds(before > 1e-3, "coverage has no weight before either")
    attention.cover.data.fill_(0)
    same(attention(query, memory).y, additive(query, memory).y)


@proof("attention", "coverage", "sums to the words so far, over the words of the source")
def _sums(case: Case) -> None:
    attention: Any = case.build()
    query, memory = _given(case)
    state: Any = attention.start(memory, rows=3, capacity=7)
    holds((state.coverage == 0).all(), "something is covered at the start")
    cuts, at = (1, 3, 1, 2), 0
    for count, output in zip(cuts, in_steps(attention, query, cuts, memory), strict=True):
        state, at = output.state, at + count
        words = torch.tensor([at, at, 0]).double()[:, None].expand(3, HEADS)
        same(state.coverage.sum(-1), words)
        holds((state.coverage.transpose(1, 2)[~memory.valid] == 0).all(), "padding is covered")


@proof("attention", "coverage", "step by step is all at once, gradients included")
def _stepped(case: Case) -> None:
    attention: Any = case.build()
    query, memory = _given(case)
    found = []
    for cuts in ((7,), (1,) * 7, (3, 1, 3)):
        leaf = memory.x.clone().requires_grad_()
        y = stepped(attention, query, cuts, dataclasses.replace(memory, x=leaf))
        found.append((y, *torch.autograd.grad(y.square().sum(), [leaf, *attention.parameters()])))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            same(one, two)


@proof("attention", "coverage", "padding of the target covers nothing")
def _padding(case: Case) -> None:
    attention: Any = case.build()
    query, memory = _given(case)
    kept = torch.tensor([1, 2, 5])
    holes = torch.zeros_like(query.valid)
    holes[:, kept] = True
    real = Stream(query.x[:, kept], query.position[:, kept], query.valid[:, kept])
    y = attention(dataclasses.replace(query, valid=holes), memory).y
    same(y[:, kept], attention(real, memory).y)
