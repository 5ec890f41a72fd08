"""Proofs of sliding-window attention."""

import dataclasses
from typing import Any

import torch

from attn.contract import Role
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import leaf, stepped

LONG = 300  # far more than two blocks


@proof("attention", "window", "with a radius of all tokens equals softmax")
def _wide(case: Case) -> None:
    attention: Any = case.build(radius=7)
    other: Any = dataclasses.replace(case, attention="softmax", options={}).build()
    other.load_state_dict(attention.state_dict())
    query = stream(3, 7, lengths=(7, 4, 0))
    same(attention(query).y, other(query).y)


@proof("attention", "window", "with radius 0 gives the value of the query's own place")
def _narrow(case: Case) -> None:
    attention: Any = case.build(radius=0)
    query = stream(3, 7)
    _, _, value = attention.projections.all_of(query.x)
    same(attention(query).y, attention.projections.join(value))


@proof("attention", "window", "by blocks equals the whole product, global tokens and holes too")
def _blocks(case: Case) -> None:
    query = stream(2, LONG, lengths=(LONG, 200))
    query.valid[0, 90:130] = False
    for tokens in (0, 3):
        attention: Any = case.build(radius=4, global_tokens=tokens)
        q, k, v = attention.projections.all_of(query.x)
        at = query.position, query.position, query.valid
        whole = attention.core(q, k, v, *attention.terms(q, k, *at))
        same(attention.mix(q, k, v, *at), whole)


@proof("attention", "window", "sees its radius and no place more")
def _edge(case: Case) -> None:
    attention: Any = case.build(radius=2)
    x, query = leaf(stream(1, 9))
    (gradient,) = torch.autograd.grad(attention(query).y[:, 4].square().sum(), x)
    seen = (gradient[0].abs().sum(-1) > 0).tolist()
    last = 4 if case.role is Role.DECODER else 6
    holds(seen == [2 <= place <= last for place in range(9)], f"sees {seen}")


@proof("attention", "window", "two layers see twice the radius")
def _two_layers(case: Case) -> None:
    attention: Any = case.build(radius=2)
    x, query = leaf(stream(1, 12))
    first = dataclasses.replace(query, x=attention(query).y)
    (gradient,) = torch.autograd.grad(attention(first).y[:, 6].square().sum(), x)
    seen = (gradient[0].abs().sum(-1) > 0).nonzero().flatten().tolist()
    last = 6 if case.role is Role.DECODER else 10
    holds(seen == list(range(2, last + 1)), f"sees {seen}")


@proof(
    "attention", "window", "decodes far beyond its radius from a ring of it", roles=[Role.DECODER]
)
def _ring(case: Case) -> None:
    attention: Any = case.build(radius=3)
    query = stream(2, 40)
    same(stepped(attention, query, (1,) * 20 + (7, 13)), attention(query).y)
    state = attention.start(None, rows=2, capacity=40)
    sizes = []
    for step in range(12):
        part = dataclasses.replace(
            query,
            x=query.x[:, [step]],
            position=query.position[:, [step]],
            valid=query.valid[:, :1],
        )
        state = attention(part, state=state).state
        sizes.append(state.nbytes())
    holds(len(set(sizes[3:])) == 1, f"grows: {sizes}")


@proof("attention", "window", "global tokens see all and are seen by all", roles=[Role.ENCODER])
def _global(case: Case) -> None:
    attention: Any = case.build(radius=1, global_tokens=2)
    weights = attention(stream(1, 9), capture=True).weights[0].sum(0) > 0
    holds(weights[:2].all(), "a global token does not see all")
    holds(weights[:, :2].all(), "a global token is not seen by all")
    holds(not weights[8, 2:7].any(), "a common token sees beyond its radius")
