"""Proofs of relative positions as vectors."""

from typing import Any

import torch

from attn.contract import Role
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around, bare, line, silence

FAR = 3  # a distance that is clipped in seven tokens


def _dense(table: torch.Tensor, most: int) -> torch.Tensor:
    """The vector of each pair of seven tokens, of shape (queries, keys, dim)."""
    distance = (line(7) - line(7).t()).clamp(-most, most)
    return table[distance + most]


def _written_out(attention: Any, query: Any, most: int) -> torch.Tensor:
    """The formula of the paper, with a vector for each pair of tokens."""
    q, k, v = attention.projections.all_of(query.x)
    keys = k[:, :, None] + _dense(attention.position.keys.weight, most)
    scores = torch.einsum("bhqd,bhqkd->bhqk", q, keys) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~query.valid[:, None, None], -torch.inf)
    if attention.role is Role.DECODER:
        scores = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -torch.inf)
    weights = scores.softmax(-1)
    context = torch.einsum("bhqk,bhkd->bhqd", weights, v)
    if hasattr(attention.position, "vectors"):
        vectors = _dense(attention.position.vectors.weight, most)
        context = context + torch.einsum("bhqk,qkd->bhqd", weights, vectors)
    joined: torch.Tensor = attention.projections.join(context)
    return joined


def _formula(case: Case) -> None:
    query = stream(3, 7, lengths=(7, 4, 2))
    for most in (1, FAR, 16):
        attention = around(case, max_distance=most)
        same(attention(query).y, _written_out(attention, query, most))


def _clip(case: Case) -> None:
    short, long, query = around(case, max_distance=6), around(case, max_distance=20), stream(2, 7)
    position: Any = short.position  # type: ignore[attr-defined]
    with torch.no_grad():
        for name, table in position.named_parameters():
            long.position.get_parameter(name)[14:27] = table  # type: ignore[attr-defined]
    same(short(query).y, long(query).y)
    with torch.no_grad():  # two tables that differ from distance 3 on, clipped there
        for table in position.parameters():
            table[: 7 - FAR], table[6 + FAR :] = table[6 - FAR], table[6 + FAR]
    clipped: Any = around(case, max_distance=FAR)
    with torch.no_grad():
        for name, table in position.named_parameters():
            clipped.position.get_parameter(name).copy_(table[6 - FAR : 7 + FAR])
    same(short(query).y, clipped(query).y)


def _zero(case: Case) -> None:
    attention, query = around(case), stream(3, 7)
    plain = bare(attention)
    holds((attention(query).y - plain(query).y).abs().max() > 1e-3, "the vectors do nothing")
    silence(attention.position)  # type: ignore[attr-defined]
    same(attention(query).y, plain(query).y)


for _name in ("shaw", "shaw_values"):
    proof("position", _name, "equals the formula with a vector for each pair of tokens")(_formula)
    proof("position", _name, "is not clipped if no distance reaches the limit")(_clip)
    proof("position", _name, "with vectors of zeros is no positions")(_zero)


@proof("position", "shaw", "is served by fused kernels as a bias that depends on the query")
def _fused(case: Case) -> None:
    query = stream(3, 7, lengths=(7, 4, 0))
    same(around(case, kernel="sdpa")(query).y, around(case, kernel="explicit")(query).y)


@proof("position", "shaw_values", "with the vectors of values at zero is shaw")
def _keys_alone(case: Case) -> None:
    attention: Any = around(case)
    keys: Any = around(Case("softmax", case.role, "shaw"))
    keys.load_state_dict(attention.state_dict(), strict=False)
    silence(attention.position.vectors)
    same(attention(stream(3, 7)).y, keys(stream(3, 7)).y)
