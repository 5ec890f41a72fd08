"""Proofs of multi-head scaled dot-product attention."""

import torch

from attn.contract import Role
from attn.verify.cases import Case, stream
from attn.verify.proofs import proof, same


@proof("attention", "softmax", "equals the formula written out")
def _formula(case: Case) -> None:
    attention, query = case.build(), stream(3, 7)
    memory = case.memory((5, 2, 1))
    maps = attention.projections  # type: ignore[attr-defined]
    if memory is None:
        q, k, v = maps.all_of(query.x)
    else:
        q, (k, v) = maps.query_of(query.x), maps.key_value_of(memory.x)
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~(memory or query).valid[:, None, None], -torch.inf)
    if case.role is Role.DECODER:
        scores = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -torch.inf)
    expected = maps.join(torch.einsum("bhqk,bhkd->bhqd", scores.softmax(-1), v))
    same(attention(query, memory).y, expected)
