"""Proofs of attentions whose scores are products of two vectors: dot and general."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role
from attn.score.projections import Projections
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import proof, same

LENGTHS = (7, 4, 0)


def _other(name: str, case: Case, attention: Any) -> Any:
    """Another attention with the same projections."""
    other: Any = dataclasses.replace(case, attention=name).build()
    other.projections.load_state_dict(attention.projections.state_dict())
    return other


def _query_and_key(maps: Projections) -> tuple[Tensor, Tensor]:
    """The matrices of queries and keys, by head; written to, they change the projections."""
    width = maps.sizes[0]
    if hasattr(maps, "joint"):
        whole = maps.joint.weight.data
        query, key = whole[:width], whole[width : 2 * width]
    else:
        query, key = maps.query.weight.data, maps.key_value.weight.data[:width]
    return query.unflatten(0, (HEADS, -1)), key.unflatten(0, (HEADS, -1))


@proof("attention", "dot", "equals softmax after W_q is multiplied by sqrt(d_k)")
def _unscaled(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    scaled = _other("softmax", case, attention)
    matrix, _ = _query_and_key(scaled.projections)
    matrix *= scaled.projections.head_dim**0.5
    same(attention(query, memory).y, scaled(query, memory).y)


@proof("attention", "general", "with W = I equals dot")
def _identity(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    attention.norms.query.weight.data = torch.eye(4).double().expand(HEADS, 4, 4)
    same(attention(query, memory).y, _other("dot", case, attention)(query, memory).y)


@proof("attention", "general", "with W = A^T B equals dot after A W_q and B W_k")
def _factors(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    left, right = torch.randn(2, HEADS, 4, 4, dtype=torch.float64)
    attention.norms.query.weight.data = left.mT @ right
    product = _other("dot", case, attention)
    of_query, of_key = _query_and_key(product.projections)
    of_query.copy_(left @ of_query)
    of_key.copy_(right @ of_key)
    same(attention(query, memory).y, product(query, memory).y)


@proof("attention", "general", "keys are kept as they are projected", roles=[Role.CROSS])
def _keys(case: Case) -> None:
    attention, memory = case.build(), case.memory()
    assert memory is not None
    state: Any = attention.start(memory, rows=3, capacity=1)
    maps: Any = attention.projections  # type: ignore[attr-defined]
    same(state.key, maps.key_value_of(memory.x)[0], 0.0)
