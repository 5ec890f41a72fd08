"""Proofs of linear attention."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Attention, Role, Stream
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same


def _parts(attention: Attention, query: Stream, memory: Stream | None) -> tuple[Tensor, ...]:
    """Features of queries and keys, values, and what may be seen."""
    maps = attention.projections  # type: ignore[attr-defined]
    if memory is None:
        q, k, v = maps.all_of(query.x)
    else:
        q, (k, v) = maps.query_of(query.x), maps.key_value_of(memory.x)
    seen = (memory or query).valid[:, None, None, :].expand(-1, -1, q.shape[2], -1)
    return F.elu(q) + 1, F.elu(k) + 1, v, seen.tril() if attention.role is Role.DECODER else seen


@proof("attention", "linear", "equals attention by an explicit kernel")
def _kernel(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=[7, 4, 1]), case.memory((5, 2, 1))
    q, k, v, seen = _parts(attention, query, memory)
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * seen
    weights = scores / scores.sum(-1, keepdim=True)
    join = attention.projections.join  # type: ignore[attr-defined]
    output = attention(query, memory, capture=True)
    same(output.y, join(weights @ v))
    assert output.weights is not None
    same(output.weights, weights, 1e-6)
    holds((output.weights >= 0).all(), "a weight is negative")
    same(output.weights.sum(-1), torch.ones(q.shape[:3]), 1e-6)


@proof("attention", "linear", "is its recurrence for every chunk size", roles=[Role.DECODER])
def _recurrence(case: Case) -> None:
    query = stream(3, 7, lengths=[7, 4, 0])
    q, k, v, _ = _parts(case.build(), query, None)
    k = k * query.valid[:, None, :, None]
    s, z, means = torch.zeros(3, 4, 4, 4), torch.zeros(3, 4, 4), []
    for i in range(7):
        s = s + k[:, :, i, :, None] * v[:, :, i, None, :]
        z = z + k[:, :, i]
        mass = (q[:, :, i] * z).sum(-1, keepdim=True)
        means.append((q[:, :, i, None] @ s)[:, :, 0] / mass.clamp(min=1e-30))
    for chunk in range(1, 9):
        attention = case.build(chunk=chunk)
        join = attention.projections.join  # type: ignore[attr-defined]
        same(attention(query).y, join(torch.stack(means, 2)))


@proof("attention", "linear", "gives the same when all features of a query are scaled")
def _scaled(case: Case) -> None:
    attention, query, memory = case.build(bias=True), stream(3, 7), case.memory()
    maps = attention.projections  # type: ignore[attr-defined]
    linear = maps.query if case.role is Role.CROSS else maps.joint
    results = []
    for level in (1.0, 7.0):  # features of 2 and of 8, whatever the words
        with torch.no_grad():
            linear.weight[: maps.sizes[0]] = 0
            linear.bias[: maps.sizes[0]] = level
        results.append(attention(query, memory).y)
    same(results[0], results[1])


@proof("attention", "linear", "keeps features too small to be told from 0 beside 1")
def _small(case: Case) -> None:
    attention = case.build(bias=True).float()  # type: ignore[attr-defined]
    query, memory = _short(stream(3, 7)), _short(case.memory((5, 2, 1)))
    maps = attention.projections
    linear, first = (maps.key_value, 0) if memory else (maps.joint, maps.sizes[0])
    with torch.no_grad():
        linear.bias[first : first + maps.sizes[1]] = -40
    weights = attention(query, memory, capture=True).weights
    same(weights.sum(-1), torch.ones(weights.shape[:3]), 1e-5)


@proof("attention", "linear", "keeps the same few numbers of however many tokens")
@torch.no_grad()
def _constant(case: Case) -> None:
    if case.role is Role.ENCODER:
        return
    attention = case.build()
    sizes = []
    for time in (1, 40):
        memory = stream(2, time) if case.role is Role.CROSS else None
        state = attention.start(memory, rows=2, capacity=time)
        after = attention(stream(2, time), state=state).state
        assert after is not None
        sizes.append(after.nbytes())
    holds(sizes == [2 * 4 * 4 * (4 + 1) * 8] * 2, f"states of {sizes} bytes")


@proof("attention", "linear", "sums in float32 under autocast")
@torch.no_grad()
def _long(case: Case) -> None:
    attention = case.build().float()  # type: ignore[attr-defined]
    query = _short(stream(1, 4096, seed=2))
    memory = _short(stream(1, 4096, seed=3)) if case.role is Role.CROSS else None
    exact = attention(query, memory).y[:, -8:]
    with torch.autocast("cpu", torch.bfloat16):
        short = attention(query, memory).y[:, -8:]
    same(short, exact, 2e-2 * float(exact.abs().max()))


def _short(whole: Stream | None) -> Stream | None:
    return whole and dataclasses.replace(whole, x=whole.x.float())
