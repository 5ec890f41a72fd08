"""Proofs of sliding-window attention."""

import dataclasses
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role, Stream
from attn.score.shell import ScoreAttention
from attn.verify import written
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import in_steps


def _near(case: Case, time: int, radius: int, first: int = 0) -> Tensor:
    """Which keys each query sees, pair by pair."""
    near = torch.zeros(time, time, dtype=torch.bool)
    for i in range(time):
        for j in range(time):
            near[i, j] = abs(i - j) <= radius or i < first or j < first
    return near.tril() if case.role is Role.DECODER else near


@proof("attention", "window", "equals the formula written out")
def _formula(case: Case) -> None:
    query = stream(3, 9)
    for radius, first in ((0, 0), (1, 0), (3, 0), (1, 2), (2, 20)):
        attention: Any = case.build(radius=radius, global_tokens=first)
        if case.role is Role.DECODER:
            first = 0
        near = _near(case, 9, radius, first)

        def weigh(s: Tensor, mask: Tensor, near: Tensor = near) -> Tensor:
            return written.softmax(s, mask & near)

        output = attention(query, capture=True)
        same(output.y, written.output(attention, weigh, query, None))
        holds((output.weights[:, :, ~near] == 0).all(), "a weight lies outside the window")


@proof("attention", "window", "is softmax where the radius is the length or more")
def _wide(case: Case) -> None:
    query = stream(3, 7, lengths=(7, 4, 0))
    softmax = Case("softmax", case.role).build()
    same(case.build(radius=6)(query).y, softmax(query).y, 0.0)


@proof("attention", "window", "gives the value of the query's own place where the radius is 0")
def _own(case: Case) -> None:
    attention: Any = case.build(radius=0)
    query = stream(3, 7)
    _, _, value = attention.projections.all_of(query.x)
    same(attention(query).y, attention.projections.join(value))


def _dense(attention: Any, query: Stream) -> Tensor:
    """All queries and all keys at once."""
    q, k, v = attention.projections.all_of(query.x)
    at = query.position
    context = ScoreAttention.mix(attention, q, k, v, at, at, query.valid)
    joined: Tensor = attention.projections.join(context)
    return joined


@proof("attention", "window", "by blocks equals all at once, in values and in gradients")
def _blocks(case: Case) -> None:
    query = stream(3, 203, lengths=(203, 130, 0))
    holes = query.valid & (torch.arange(203) % 5 > 0)
    apart = (torch.arange(203) * 3 // 2).expand(3, -1)
    streams = query, Stream(query.x, query.position, holes), Stream(query.x, apart + 4, query.valid)
    for radius, first in ((3, 0), (50, 0), (0, 1), (5, 70), (5, 300)):
        attention: Any = case.build(radius=radius, global_tokens=first)
        learned = list(attention.parameters())
        for given in streams:
            made = attention(given).y, _dense(attention, given)
            found = [(y, *torch.autograd.grad(y.square().sum(), learned)) for y in made]
            for one, other in zip(*found, strict=True):
                same(one, other, 1e-9)


@proof("attention", "window", "takes twice the time and memory for twice the tokens")
def _linear(case: Case) -> None:
    attention: Any = case.build(radius=3)
    scores: list[int] = []
    attention.core.register_forward_pre_hook(
        lambda _, given: scores.append(given[0].shape[2] * given[1].shape[2])
    )
    costs = []
    for time in (640, 1280, 2560):
        scores.clear()
        attention(stream(1, time))
        costs.append(sum(scores))
    holds(costs[2] - costs[1] == 2 * (costs[1] - costs[0]), f"scores: {costs}")
    holds(costs[0] <= 640 * (64 + 2 * 3), f"{costs[0]} scores for 640 tokens")


@proof("attention", "window", "keeps no more than the radius", roles=[Role.DECODER])
@torch.no_grad()
def _kept(case: Case) -> None:
    for radius in (0, 3):
        attention: Any = case.build(radius=radius)
        for time in (40, 150):
            query, cuts = stream(2, time), (1, 1, 5, 1, 2, time - 12, 1, 1)
            outputs = in_steps(attention, query, cuts)
            for at, output in zip(accumulate(cuts), outputs, strict=True):
                state: Any = output.state
                kept = min(radius, at)
                holds(state.position.shape[1] == kept, f"keeps {state.position.shape[1]} tokens")
                holds(state.nbytes() == 2 * kept * (2 * 16 * 8 + 9), f"{state.nbytes()} bytes")
            same(torch.cat([output.y for output in outputs], 1), attention(query).y)


@proof("attention", "window", "layers see as far as the sum of their radii, and no further")
def _reach(case: Case) -> None:
    lower, upper = case.build(radius=2, seed=1), case.build(radius=3, seed=2)
    query = stream(1, 15)
    leaf = query.x.clone().requires_grad_()
    between = lower(dataclasses.replace(query, x=leaf)).y
    y = upper(dataclasses.replace(query, x=between)).y
    (gradient,) = torch.autograd.grad(y[0, 7].sum(), leaf)
    seen = gradient[0].abs().sum(-1) > 0
    last = 7 if case.role is Role.DECODER else 12
    reached = [place for place, is_seen in enumerate(seen.tolist()) if is_seen]
    holds(reached == list(range(2, last + 1)), f"place 7 sees {reached}")
