"""Proofs of attentions with a hidden layer over query and key: additive and concat."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role, Stream, allowed
from attn.score.projections import by_head, side_by_side
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.uniform import uniform

LENGTHS = (7, 4, 1)


def _matrices(case: Case, attention: Any) -> tuple[Tensor, Tensor, Tensor]:
    """``W_q``, ``W_k`` and ``W_v``; written to, they change the attention."""
    maps = attention.projections
    if case.role is Role.CROSS:
        return (maps.query.weight.data, *maps.key_value.weight.data.split(maps.sizes[1:]))
    query, key, value = maps.joint.weight.data.split(maps.sizes)
    return query, key, value


def _formula(case: Case, attention: Any, query: Stream, memory: Stream | None) -> Tensor:
    """All pairs of inputs side by side, through ``W = [W_q W_k]``."""
    keys = query if memory is None else memory
    of_query, of_key, of_value = _matrices(case, attention)
    left = query.x[:, :, None].expand(-1, -1, keys.x.shape[1], -1)
    right = keys.x[:, None].expand(-1, query.x.shape[1], -1, -1)
    hidden = torch.tanh(torch.cat((left, right), -1) @ torch.cat((of_query, of_key), 1).T)
    parts = hidden.unflatten(-1, (HEADS, -1))
    scores = torch.einsum("bqkhd,hd->bhqk", parts, attention.core.score.vector)
    causal = case.role is Role.DECODER
    mask = allowed(query.position, keys.position, keys.valid, causal=causal)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    context = weights @ by_head(keys.x @ of_value.T, HEADS)
    made: Tensor = attention.projections.out(side_by_side(context))
    return made


@proof("attention", "additive", "equals the formula written out")
@proof("attention", "concat", "equals the formula written out")
def _written_out(case: Case) -> None:
    attention, query = case.build(), stream(3, 7, lengths=LENGTHS)
    memory = case.memory((5, 2, 1))
    same(attention(query, memory).y, _formula(case, attention, query, memory))


@proof("attention", "concat", "equals additive with W = [W_q W_k]")
def _parts(case: Case) -> None:
    attention: Any = case.build()
    additive: Any = dataclasses.replace(case, attention="additive").build()
    additive.load_state_dict(attention.state_dict())
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    same(attention(query, memory).y, additive(query, memory).y, 0.0)


@proof("attention", "concat", "W is drawn as one matrix")
def _drawn(case: Case) -> None:
    attention = case.build(dim=64)
    bound = (6 / (64 + 64 + 64)) ** 0.5
    for matrix in _matrices(case, attention)[:2]:
        holds(0.95 * bound < matrix.abs().max() <= bound, f"no weight is near {bound}")


@proof("attention", "additive", "with W_k = 0 gives the mean of what may be seen")
@proof("attention", "concat", "with W_k = 0 gives the mean of what may be seen")
def _mean(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    _matrices(case, attention)[1].zero_()
    captured = attention(query, memory, capture=True).weights
    assert captured is not None
    same(captured, uniform(case, query, memory), 1e-6)


@proof("attention", "additive", "made in parts equals made at once, gradients included")
@proof("attention", "concat", "made in parts equals made at once, gradients included")
def _in_parts(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    found = []
    for at_once in (1 << 24, 1, 3 * HEADS * 4 * 7 * 2):
        attention.core.score.at_once = at_once
        leaf = query.x.clone().requires_grad_()
        y = attention(dataclasses.replace(query, x=leaf), memory).y
        found.append((y, *torch.autograd.grad(y.square().sum(), [leaf, *attention.parameters()])))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            same(one, two)
