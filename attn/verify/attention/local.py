"""Proofs of Luong's local attention."""

import dataclasses
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Stream
from attn.verify import written
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same

LENGTHS = (5, 2, 1)


def _given(case: Case) -> tuple[Stream, Stream]:
    memory = case.memory(LENGTHS)
    assert memory is not None
    return stream(3, 9), memory


@proof("attention", "local_m", "equals the formula written out, zeros where the source has ended")
def _monotonic(case: Case) -> None:
    query, memory = _given(case)
    near = (torch.arange(9)[:, None] - torch.arange(5)).abs() <= 2
    attention: Any = case.build(radius=2)

    def weigh(s: Tensor, mask: Tensor) -> Tensor:
        return written.softmax(s, mask & near).nan_to_num()

    output = attention(query, memory, capture=True)
    same(output.y, written.output(attention, weigh, query, memory))
    holds((output.weights[:, :, ~near] == 0).all(), "a weight lies outside the window")
    for row, length in enumerate(LENGTHS):
        found = (output.y[row] != 0).any(-1).nonzero().flatten().tolist()
        holds(found == list(range(min(9, length + 2))), f"words {found} found something")


@proof("attention", "local_m", "is softmax where the radius is the length or more")
def _monotonic_wide(case: Case) -> None:
    query, memory = _given(case)
    softmax = Case("softmax", case.role).build()
    same(case.build(radius=9)(query, memory).y, softmax(query, memory).y, 0.0)


@proof("attention", "local_p", "equals the formula written out")
def _predictive(case: Case) -> None:
    query, memory = _given(case)
    for radius in (1, 2, 3):
        attention: Any = case.build(radius=radius)
        p = torch.zeros(3, 1, 9, 1, dtype=torch.float64)
        for row, length in enumerate(LENGTHS):
            score = (
                torch.tanh(query.x[row] @ attention.hidden.weight.T) @ attention.predict.weight.T
            )
            p[row, 0] = length / (1 + torch.exp(-score))
        beside = torch.arange(5) - p
        gaussian = torch.exp(-beside.square() / (2 * (radius / 2) ** 2))
        near = beside.abs() <= radius

        def weigh(s: Tensor, mask: Tensor, near: Tensor = near, by: Tensor = gaussian) -> Tensor:
            return written.softmax(s, mask & near) * by

        output = attention(query, memory, capture=True)
        same(output.y, written.output(attention, weigh, query, memory))
        holds((output.weights >= 0).all(), "a weight is negative")
        holds((output.weights.sum(-1) <= 1).all(), "weights sum to more than 1")


@proof("attention", "local_p", "is softmax where the radius is large")
def _predictive_wide(case: Case) -> None:
    query, memory = _given(case)
    softmax: Any = Case("softmax", case.role).build()
    attention: Any = case.build(radius=10**6)
    attention.projections.load_state_dict(softmax.projections.state_dict())
    same(attention(query, memory).y, softmax(query, memory).y, 1e-9)


@proof("attention", "local_p", "looks within the words of the source, padding not counted")
def _within(case: Case) -> None:
    query, memory = _given(case)
    attention: Any = case.build(radius=1)
    share = attention.share(query.x)
    holds(((share > 0) & (share < 1)).all(), "a place lies beyond the source")
    longer = Stream(
        F.pad(memory.x, (0, 0, 0, 4), value=7.0),
        torch.arange(9).expand(3, -1),
        F.pad(memory.valid, (0, 4), value=False),
    )
    same(attention(query, longer).y, attention(query, memory).y)
    attention.predict.weight.data.fill_(0)  # to the middle: the place is half of the length
    for length, seen in ((2, [0, 1]), (4, [1, 2, 3]), (5, [2, 3])):
        source = dataclasses.replace(memory, valid=torch.arange(5).expand(3, -1) < length)
        weights = attention(query, source, capture=True).weights
        found = (weights[0, 0, 0] > 0).nonzero().flatten().tolist()
        holds(found == seen, f"of {length} words {found} are seen, not {seen}")


@proof("attention", "local_p", "learns where to look, through the Gaussian alone")
def _learns(case: Case) -> None:
    query, memory = _given(case)
    attention: Any = case.build(radius=3)
    state = attention.start(memory, rows=3, capacity=9)
    share = attention.share(query.x)[:, None]
    q = attention.projections.query_of(query.x)
    weights = attention.weigh(q, share, state)
    (gradient,) = torch.autograd.grad(weights[..., 0].sum(), share, retain_graph=True)
    length = memory.valid.sum(-1)[:, None, None]
    beside = 0 - share[..., 0] * length
    # d/dp of exp(-(j - p)^2 / (2 sigma^2)) is (j - p) / sigma^2 times itself.
    expected = (weights[..., 0] * beside * length / 1.5**2).sum(1, keepdim=True)
    same(gradient[..., 0], expected)
    loss = attention(query, memory).y.square().sum()
    for weight in (attention.hidden.weight, attention.predict.weight):
        (found,) = torch.autograd.grad(loss, weight, retain_graph=True)
        holds(found.abs().sum() > 0, "no gradient reaches the place")
