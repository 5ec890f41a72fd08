"""Proofs of attentions whose heads share keys and values."""

import dataclasses
from typing import Any

import torch

from attn.contract import Role
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same

LENGTHS = (7, 4, 0)
WIDTH = DIM // HEADS


def _repeated(case: Case, attention: Any, groups: int) -> Any:
    """Softmax attention that has the shared keys and values once for each head."""
    other: Any = dataclasses.replace(case, attention="softmax", options={}).build()
    maps, shared = other.projections, attention.projections

    def each(weight: torch.Tensor) -> torch.Tensor:
        keys, values = weight.split(groups * WIDTH)
        return torch.cat([
            part.unflatten(0, (groups, WIDTH)).repeat_interleave(HEADS // groups, 0).flatten(0, 1)
            for part in (keys, values)
        ])

    with torch.no_grad():
        maps.out.weight.copy_(shared.out.weight)
        if case.role is Role.CROSS:
            maps.query.weight.copy_(shared.query.weight)
            maps.key_value.weight.copy_(each(shared.key_value.weight))
        else:
            query, rest = shared.joint.weight.split([DIM, 2 * groups * WIDTH])
            maps.joint.weight.copy_(torch.cat((query, each(rest))))
    return other


def _equals_repeated(case: Case, groups: int) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    same(attention(query, memory).y, _repeated(case, attention, groups)(query, memory).y)


@proof("attention", "gqa", "equals softmax whose heads repeat the keys and values of their group")
def _groups(case: Case) -> None:
    _equals_repeated(case, 2)


@proof("attention", "mqa", "equals softmax whose heads all repeat one key and value")
def _one(case: Case) -> None:
    _equals_repeated(case, 1)


@proof("attention", "gqa", "with a group for each head equals softmax, with one for all mqa")
def _limits(case: Case) -> None:
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    for groups, name in ((HEADS, "softmax"), (1, "mqa")):
        attention: Any = case.build(kv_heads=groups)
        other: Any = dataclasses.replace(case, attention=name, options={}).build()
        other.load_state_dict(attention.state_dict())
        same(attention(query, memory).y, other(query, memory).y, 0.0)


@proof("attention", "gqa", "keeps kv_heads / heads of what softmax keeps", roles=[Role.DECODER])
def _kept(case: Case) -> None:
    def kept(name: str, **options: Any) -> int:
        other = dataclasses.replace(case, attention=name, options=options).build()
        tokens = stream(1, 6)
        state = other(tokens, state=other.start(None, rows=1, capacity=6)).state
        assert state is not None
        places = tokens.position.nbytes + tokens.valid.nbytes
        return state.nbytes() - places

    holds(kept("gqa", kv_heads=2) * HEADS == kept("softmax") * 2, "keeps another share")
    holds(kept("mqa") * HEADS == kept("softmax"), "mqa keeps another share")
