"""Proofs of additive attention with coverage."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from attn.contract import Stream
from attn.score.projections import side_by_side
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same

LENGTHS = (5, 2, 0)


def _given(case: Case, lengths: tuple[int, ...] = LENGTHS) -> tuple[Stream, Stream]:
    memory = case.memory(lengths)
    assert memory is not None
    return stream(len(lengths), 7), memory


def _part(whole: Stream, start: int, end: int) -> Stream:
    some = slice(start, end)
    return Stream(whole.x[:, some], whole.position[:, some], whole.valid[:, some])


def _rows(whole: Stream, rows: Tensor) -> Stream:
    return Stream(whole.x[rows], whole.position[rows], whole.valid[rows])


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
    state = attention.start(memory, rows=3, capacity=7)
    holds((state.coverage == 0).all(), "something is covered at the start")
    at = 0
    for count in (1, 3, 1, 2):
        state = attention(_part(query, at, at + count), state=state).state
        at += count
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
        state = attention.start(dataclasses.replace(memory, x=leaf), rows=3, capacity=7)
        at, parts = 0, []
        for cut in cuts:
            output = attention(_part(query, at, at + cut), state=state)
            state, at = output.state, at + cut
            parts.append(output.y)
        y = torch.cat(parts, 1)
        found.append((y, *torch.autograd.grad(y.square().sum(), [leaf, *attention.parameters()])))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            same(one, two)


@proof("attention", "coverage", "moves with its hypothesis")
@torch.no_grad()
def _reordered(case: Case) -> None:
    attention: Any = case.build()
    memory, query = stream(2, 5, lengths=(5, 3), seed=5), stream(6, 7)
    state = attention(_part(query, 0, 4), state=attention.start(memory, rows=6, capacity=7)).state
    rows, sentence = torch.tensor([2, 0, 0, 5, 5, 4]), torch.tensor([0, 0, 0, 1, 1, 1])
    y = attention(_part(_rows(query, rows), 4, 7), state=state.reorder(rows)).y
    same(y, attention(_rows(query, rows), _rows(memory, sentence)).y[:, 4:])
    kept, last = state.keep(torch.tensor([1])), torch.tensor([3, 4, 5])
    y = attention(_part(_rows(query, last), 4, 7), state=kept).y
    same(y, attention(_rows(query, last), _rows(memory, sentence[last])).y[:, 4:])


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


@proof("attention", "coverage", "learns two vectors a head more than its projections")
def _parameters(case: Case) -> None:
    attention: Any = case.build()
    learned = sum(p.numel() for p in attention.parameters())
    holds(learned == 4 * DIM**2 + 2 * DIM, f"{learned} numbers are learned")
