"""Proofs of Luong's local attentions."""

import dataclasses
from typing import Any

import torch

from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import longer


def _softmax(case: Case, attention: Any) -> Any:
    """Softmax attention with the same projections."""
    other: Any = dataclasses.replace(case, attention="softmax", options={}).build()
    other.projections.load_state_dict(attention.projections.state_dict())
    return other


@proof("attention", "local_m", "with a radius of all words equals softmax")
def _wide(case: Case) -> None:
    attention, query, memory = case.build(radius=9), stream(3, 7), case.memory()
    same(attention(query, memory).y, _softmax(case, attention)(query, memory).y)


@proof("attention", "local_m", "sees its window alone, and nothing behind the source")
def _window(case: Case) -> None:
    attention = case.build(radius=1)
    output = attention(stream(1, 9), case.memory((4,)), capture=True)
    assert output.weights is not None
    seen = output.weights[0].sum(0) > 0
    near = (torch.arange(9)[:, None] - torch.arange(5)).abs() <= 1
    near[:, 4] = False
    holds((seen == near).all(), "sees other words")
    same(output.y[:, 5:], torch.zeros_like(output.y[:, 5:]), 0.0)


@proof("attention", "local_p", "with a radius without end equals softmax")
def _global(case: Case) -> None:
    attention, query, memory = case.build(radius=10**7), stream(3, 7), case.memory()
    same(attention(query, memory).y, _softmax(case, attention)(query, memory).y)


@proof("attention", "local_p", "looks within the words of the source, whatever the padding")
def _place(case: Case) -> None:
    attention: Any = case.build(radius=2)
    query, memory = stream(3, 7), case.memory((5, 2, 1))
    assert memory is not None
    share = attention.share(query.x)
    holds(((share > 0) & (share < 1)).all(), "looks beyond the source")
    same(attention(query, memory).y, attention(query, longer(memory, 6)).y)
    weights = attention(query, memory, capture=True).weights
    holds((weights.sum(-1) <= 1 + 1e-6).all(), "a row sums to more than 1")


@proof("attention", "local_p", "its weights are those of the window times a Gaussian")
def _formula(case: Case) -> None:
    attention: Any = case.build(radius=2)
    query, memory = stream(2, 4), case.memory((5, 3))
    assert memory is not None
    maps = attention.projections
    q, (k, _) = maps.query_of(query.x), maps.key_value_of(memory.x)
    place = attention.share(query.x) * memory.valid.sum(-1)[:, None, None]
    beside = (torch.arange(5.0) - place)[:, None]
    seen = memory.valid[:, None, None] & (beside.abs() <= 2)
    products = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).masked_fill(~seen, -torch.inf)
    near = products.softmax(-1).nan_to_num() * torch.exp(-(beside**2) / 2)
    same(attention(query, memory, capture=True).weights, near.float(), 1e-6)


@proof("attention", "local_p", "learns where to look, through the Gaussian")
def _learns(case: Case) -> None:
    attention: Any = case.build(radius=3)
    attention(stream(2, 4), case.memory((5, 3))).y.square().sum().backward()
    for weight in (attention.predict.weight, attention.hidden.weight):
        holds(weight.grad.abs().sum() > 0, "has no gradient")
