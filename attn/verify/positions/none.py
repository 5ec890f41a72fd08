"""Proofs of no positions."""

import dataclasses

import torch

from attn.contract import Role
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around

ORDER = torch.tensor([2, 0, 3, 1, 4])  # the last token stays


@proof("position", "none", "tells no order, but for a mask of the future in the second layer")
def _order(case: Case) -> None:
    attention, query = around(case), stream(2, 5)
    moved = dataclasses.replace(query, x=query.x[:, ORDER])
    first, changed = attention(query).y, attention(moved).y
    same(first[:, 4], changed[:, 4])
    second, again = (attention(dataclasses.replace(query, x=y)).y for y in (first, changed))
    distance = (second[:, 4] - again[:, 4]).abs().max()
    if case.role is Role.DECODER:
        holds(distance > 1e-3, "the second layer knows no order either")
    else:
        same(second[:, 4], again[:, 4])
