"""Proofs of attentions to vectors as they are: the forms of the first papers."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role, allowed
from attn.score.projections import by_head, side_by_side
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import proof, same

SAYS = "with projections=none equals the paper's formula"


def _scores(attention: Any, query: Tensor, source: Tensor) -> Tensor:
    """How well each vector of the source answers each query, pair by pair."""
    score, maps = attention.core.score, attention.projections
    if hasattr(maps, "key"):  # v . tanh(W [x; m])
        pairs = torch.cat(
            (
                query[:, :, None].expand(-1, -1, source.shape[1], -1),
                source[:, None].expand(-1, query.shape[1], -1, -1),
            ),
            -1,
        )
        hidden = torch.tanh(pairs @ torch.cat((maps.query.weight, maps.key.weight), 1).T)
        return torch.einsum("bqkhd,hd->bhqk", hidden.unflatten(-1, (HEADS, -1)), score.vector)
    left, right = (x.unflatten(-1, (HEADS, -1)) for x in (query, source))
    if attention.norms is None:  # x . m
        return torch.einsum("bqhd,bkhd->bhqk", left, right)
    return torch.einsum("bqhd,hde,bkhe->bhqk", left, attention.norms.query.weight, right)


@proof("attention", "dot", SAYS)
@proof("attention", "general", SAYS)
@proof("attention", "additive", SAYS)
@proof("attention", "concat", SAYS)
def _written_out(case: Case) -> None:
    attention = dataclasses.replace(case, options={"projections": "none"}).build()
    query, memory = stream(3, 7, lengths=(7, 4, 1)), case.memory((5, 2, 1))
    source = query if memory is None else memory
    causal = case.role is Role.DECODER
    mask = allowed(query.position, source.position, source.valid, causal=causal)
    scores = _scores(attention, query.x, source.x)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    same(attention(query, memory).y, side_by_side(weights @ by_head(source.x, HEADS)))
