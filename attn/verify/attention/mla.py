"""Proofs of multi-head latent attention."""

import dataclasses
from typing import Any

import torch

from attn.contract import PositionKind, Role
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.written import scores, softmax

WIDTH = DIM // HEADS


@proof("attention", "mla", "absorbed maps equal keys and values made of the latent")
def _materialised(case: Case) -> None:
    attention: Any = case.build()
    maps, query, memory = attention.projections, stream(3, 7), case.memory((5, 2, 1))
    latent = maps.latent((memory or query).x)[:, None]
    content = maps.query(query.x).unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)
    key = latent @ maps.key_up.transpose(1, 2)
    value = latent @ maps.value_up
    products = content @ key.transpose(-2, -1) / WIDTH**0.5
    _, mask, _ = scores(attention, query, memory)
    heads = softmax(products, mask) @ value
    same(attention(query, memory).y, maps.out(heads.transpose(1, 2).flatten(-2)))


@proof("attention", "mla", "whose latent is the source itself equals softmax")
def _whole_latent(case: Case) -> None:
    attention: Any = case.build(latent_dim=DIM)
    other: Any = dataclasses.replace(case, attention="softmax", options={}).build()
    maps, theirs = attention.projections, other.projections
    with torch.no_grad():
        maps.latent.weight.copy_(torch.eye(DIM))
        if case.role is Role.CROSS:
            maps.query.weight.copy_(theirs.query.weight)
            key, value = theirs.key_value.weight.split(DIM)
        else:
            query, key, value = theirs.joint.weight.split(DIM)
            maps.query.weight.copy_(query)
        maps.key_up.copy_(key.unflatten(0, (HEADS, WIDTH)))
        maps.value_up.copy_(value.unflatten(0, (HEADS, WIDTH)).transpose(1, 2))
        maps.out.weight.copy_(theirs.out.weight)
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory()
    same(attention(query, memory).y, other(query, memory).y)


@proof("attention", "mla", "keeps d_c numbers a token, d_R more with rotary positions",
       roles=[Role.DECODER])  # fmt: skip
def _kept(case: Case) -> None:
    for position, width in (("none", 6), ("rope", 6 + 4)):
        attention: Any = dataclasses.replace(case, position=position).build(
            latent_dim=6, rotary_dim=4
        )
        tokens = stream(1, 5)
        state = attention(tokens, state=attention.start(None, rows=1, capacity=9)).state
        numbers = state.nbytes() - tokens.position.nbytes - tokens.valid.nbytes
        holds(numbers == 5 * width * 8, f"keeps {numbers / 40} numbers a token")


@proof("attention", "mla", "turns its rotary part alone, so that a shift changes nothing",
       roles=[Role.ENCODER, Role.DECODER])  # fmt: skip
def _shifted(case: Case) -> None:
    attention: Any = dataclasses.replace(case, position="rope").build(rotary_dim=4)
    holds(attention.kind is PositionKind.ROTARY, "has no rotary part")
    query = stream(2, 6)
    moved = dataclasses.replace(query, position=query.position + 11)
    same(attention(query).y, attention(moved).y, 1e-6)
    spread = dataclasses.replace(query, position=query.position * 3)
    holds(not torch.allclose(attention(query).y, attention(spread).y), "does not see positions")
