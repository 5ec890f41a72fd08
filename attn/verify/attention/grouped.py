"""Proofs of attentions whose heads share keys and values."""

from typing import Any

import torch
from torch import Tensor

from attn.contract import Role
from attn.verify import written
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same

GROUPS = {"gqa": 2, "mqa": 1}
HEAD_DIM = DIM // HEADS


def _repeated(weight: Tensor, groups: int) -> Tensor:
    """The rows of each group, once for each of its heads."""
    return weight.unflatten(0, (groups, -1)).repeat_interleave(HEADS // groups, 0).flatten(0, 1)


def _one_each(case: Case, maps: Any) -> Any:
    """Softmax attention in which each head has its own copy of the key and value it shared."""
    softmax: Any = Case("softmax", case.role).build()
    theirs, groups = softmax.projections, GROUPS[case.attention]
    theirs.out.weight.data = maps.out.weight.data
    if case.role is Role.CROSS:
        theirs.query.weight.data = maps.query.weight.data
        parts = maps.key_value.weight.data.split(maps.sizes[1:])
        theirs.key_value.weight.data = torch.cat([_repeated(part, groups) for part in parts])
    else:
        query, *parts = maps.joint.weight.data.split(maps.sizes)
        theirs.joint.weight.data = torch.cat([query, *(_repeated(p, groups) for p in parts)])
    return softmax


@proof("attention", "gqa", "equals softmax with the shared keys and values repeated")
@proof("attention", "mqa", "equals softmax with the shared keys and values repeated")
def _repeats(case: Case) -> None:
    attention: Any = case.build()
    softmax = _one_each(case, attention.projections)
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    one, other = (each(query, memory, capture=True) for each in (attention, softmax))
    same(one.y, other.y)
    same(one.weights, other.weights, 1e-6)


@proof("attention", "gqa", "is softmax with a key for each head, and mqa with one for all")
def _limits(case: Case) -> None:
    query, memory = written.streams(case)
    for name, groups in (("softmax", HEADS), ("mqa", 1)):
        other = Case(name, case.role).build()
        same(case.build(kv_heads=groups)(query, memory).y, other(query, memory).y, 0.0)


@proof("attention", "gqa", "explicit and fused kernels agree, in values and in gradients")
@proof("attention", "mqa", "explicit and fused kernels agree, in values and in gradients")
def _kernels(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    results = []
    for kernel in ("explicit", "sdpa"):
        attention: Any = case.build(kernel=kernel)
        y = attention(query, memory).y
        results.append([y, *torch.autograd.grad(y.square().sum(), list(attention.parameters()))])
    for one, other in zip(*results, strict=True):
        same(one, other, 1e-10)


@proof("attention", "gqa", "keeps and learns keys and values of the groups alone")
@proof("attention", "mqa", "keeps and learns keys and values of the groups alone")
@torch.no_grad()
def _sizes(case: Case) -> None:
    attention: Any = case.build()
    shared = 2 * GROUPS[case.attention] * HEAD_DIM
    learned = sum(p.numel() for p in attention.parameters())
    holds(learned == 2 * DIM**2 + shared * DIM, f"{learned} numbers are learned")
    query, memory = stream(3, 7), case.memory()
    state, tokens = attention.start(memory, rows=3, capacity=9), 5
    if case.role is Role.DECODER:
        state, tokens = attention(query, state=state).state, 7
    if case.role is not Role.ENCODER:
        kept = 3 * tokens * (shared * 8 + 8 + 1)
        holds(state.nbytes() == kept, f"{state.nbytes()} bytes are kept, not {kept}")
