"""Proofs of hard-coded Gaussian attention."""

import dataclasses
import math
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role
from attn.score.projections import by_head, side_by_side
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import in_steps


def _offsets(case: Case) -> list[int]:
    return [-1, 0] * 2 if case.role is Role.DECODER else [-1, 1] * 2


def _weights(case: Case, time: int) -> Tensor:
    """The density of a normal distribution of deviation 1, number by number."""
    weights = torch.zeros(HEADS, time, time, dtype=torch.float64)
    for head, offset in enumerate(_offsets(case)):
        for i in range(time):
            for j in range(i + 1 if case.role is Role.DECODER else time):
                power = math.exp(-((j - (i + offset)) ** 2) / 2)
                weights[head, i, j] = power / math.sqrt(2 * math.pi)
    return weights


def _output(attention: Any, weights: Tensor, x: Tensor) -> Tensor:
    mixed = weights @ by_head(attention.value(x), HEADS)
    joined: Tensor = attention.out(side_by_side(mixed))
    return joined


@proof("attention", "gaussian", "equals the density written out, at any length")
def _formula(case: Case) -> None:
    attention: Any = case.build()
    for time, lengths in ((7, (7, 4, 0)), (60, (60, 40, 0)), (150, (150, 130, 0))):
        query = stream(3, time, lengths=lengths)
        weights = _weights(case, time) * query.valid[:, None, None]
        output = attention(query, capture=True)
        same(output.y, _output(attention, weights, query.x), 1e-11)
        same(output.weights, weights, 1e-6)


@proof("attention", "gaussian", "weights do not know the input")
def _fixed(case: Case) -> None:
    attention = case.build()
    one, other = (attention(stream(3, 7, seed=seed), capture=True).weights for seed in (1, 2))
    assert one is not None
    assert other is not None
    same(one, other, 0.0)


@proof("attention", "gaussian", "is linear in its input")
def _linear(case: Case) -> None:
    attention, one, other = case.build(), stream(3, 7, seed=1), stream(3, 7, seed=2)
    both = dataclasses.replace(one, x=2 * one.x - 3 * other.x)
    same(attention(both).y, 2 * attention(one).y - 3 * attention(other).y)


@proof("attention", "gaussian", "moves with its input, away from the borders")
def _moves(case: Case) -> None:
    attention, query = case.build(), stream(2, 60)
    moved = dataclasses.replace(query, x=query.x.roll(1, 1))
    same(attention(moved).y[:, 12:48], attention(query).y[:, 11:47])
    later = dataclasses.replace(query, position=query.position + 100)
    same(attention(later).y, attention(query).y, 0.0)


@proof("attention", "gaussian", "rows sum to 1 but where the ends or the future cut them")
def _sums(case: Case) -> None:
    weights = case.build()(stream(1, 41), capture=True).weights
    assert weights is not None
    sums = weights[0].double().sum(-1)
    if case.role is Role.ENCODER:
        same(sums[:, 20], torch.ones(HEADS), 1e-6)
        holds((sums[:, 0] < 0.95).all(), "the border is made up for")
    else:
        peak = 1 / math.sqrt(2 * math.pi)
        own = torch.tensor([0.5 + peak / 2 + peak * math.exp(-0.5), 0.5 + peak / 2] * 2)
        same(sums[:, 20], own, 1e-6)


@proof("attention", "gaussian", "keeps values within reach alone", roles=[Role.DECODER])
@torch.no_grad()
def _kept(case: Case) -> None:
    attention, query = case.build(), stream(2, 150)
    cuts = (1, 1, 5, 1, 30, 1, 100, 11)
    outputs = in_steps(attention, query, cuts)
    for at, output in zip(accumulate(cuts), outputs, strict=True):
        assert output.state is not None
        size, expected = output.state.nbytes(), 2 * min(at, 9) * (DIM * 8 + 9)
        holds(size == expected, f"{size} bytes are kept, not {expected}")
    same(torch.cat([output.y for output in outputs], 1), attention(query).y)
