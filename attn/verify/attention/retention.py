"""Proofs of multi-scale retention."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Attention, Role, Stream
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same

RATES = 10000 ** -torch.linspace(0, 1, 2, dtype=torch.float64)


def _complex(attention: Attention, query: Stream) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys as complex numbers, turned by multiplication; values."""
    q, k, v = attention.projections.all_of(query.x)  # type: ignore[attr-defined]
    turn = torch.exp(1j * query.position[:, None, :, None] * RATES)
    q, k = (torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turn for x in (q, k))
    return q / 2, k.conj() * query.valid[:, None, :, None], v


def _kept(exponents: Tensor) -> Tensor:
    """What is left after so many positions: (batch, heads, ...)."""
    paces = 1 - 2 ** (-5 - torch.arange(4, dtype=torch.float64))
    return paces.view(4, *[1] * (exponents.dim() - 1)) ** exponents[:, None]


def _out(attention: Attention, context: Tensor, query: Stream) -> Tensor:
    gate, maps = attention.gate, attention.projections  # type: ignore[attr-defined]
    mean, spread = context.mean(-1, keepdim=True), context.var(-1, keepdim=True, correction=0)
    normed = (context - mean) / (spread + 1e-6).sqrt()
    y: Tensor = maps.out(F.silu(gate(query.x)) * normed.transpose(1, 2).flatten(2))
    return y


@proof("attention", "retention", "equals the formula in complex numbers, at any positions")
def _formula(case: Case) -> None:
    attention = case.build()
    query = stream(3, 7, lengths=[7, 4, 0])
    query = dataclasses.replace(query, position=query.position.square() + 3)
    q, k, v = _complex(attention, query)
    distance = query.position[:, :, None] - query.position[:, None, :]
    weights = (q @ k.transpose(-2, -1)).real * _kept(distance.abs())
    if case.role is Role.DECODER:
        weights = weights.tril()
    output = attention(query, capture=True)
    same(output.y, _out(attention, weights @ v, query), 1e-10)
    assert output.weights is not None
    same(output.weights, weights, 1e-6)


@proof("attention", "retention", "is its recurrence for every chunk size", roles=[Role.DECODER])
def _recurrence(case: Case) -> None:
    query = stream(3, 7, lengths=[7, 4, 0])
    q, k, v = _complex(case.build(), query)
    total, context = torch.zeros(3, 4, 2, 8), []
    for i in range(7):
        total = total * _kept(torch.ones(3, 1, 1)) + k[:, :, i, :, None] * v[:, :, i, None, :]
        context.append((q[:, :, i, None, :] @ total)[:, :, 0].real)
    for chunk in range(1, 9):
        attention = case.build(chunk=chunk)
        same(attention(query).y, _out(attention, torch.stack(context, 2), query), 1e-10)


@proof("attention", "retention", "at equal positions is linear attention that is not normalised")
def _linear(case: Case) -> None:
    attention, query = case.build(), stream(3, 7)
    query = dataclasses.replace(query, position=torch.zeros(3, 7, dtype=torch.long))
    q, k, v = attention.projections.all_of(query.x)  # type: ignore[attr-defined]
    products = q @ k.transpose(-2, -1) / 2
    context = (products.tril() if case.role is Role.DECODER else products) @ v
    same(attention(query).y, _out(attention, context, query), 1e-10)


@proof("attention", "retention", "does not change when all positions move on")
def _shifted(case: Case) -> None:
    attention, query = case.build(), stream(3, 7)
    later = dataclasses.replace(query, position=query.position + 100)
    same(attention(later).y, attention(query).y, 1e-9)


@proof("attention", "retention", "keeps the same few numbers of however many tokens")
@torch.no_grad()
def _constant(case: Case) -> None:
    if case.role is Role.ENCODER:
        return
    attention, sizes = case.build(), []
    for time in (1, 40):
        after = attention(stream(2, time), state=attention.start(None, rows=2, capacity=time)).state
        assert after is not None
        sizes.append(after.nbytes())
    holds(sizes == [2 * 8 * (4 * 4 * 8 + 1)] * 2, f"states of {sizes} bytes")
