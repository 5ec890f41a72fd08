"""Attention written out, for proofs: what a variant with scores must give, term by term."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from attn.contract import Role, Stream
from attn.verify.cases import Case, stream

Weigh = Callable[[Tensor, Tensor], Tensor]


def streams(case: Case) -> tuple[Stream, Stream | None]:
    """Queries, and in the cross role a memory, such that every query may see something."""
    return stream(3, 7), case.memory((5, 2, 1))


def scores(attention: Any, query: Stream, memory: Stream | None) -> tuple[Tensor, Tensor, Tensor]:
    """``q_i . k_j / sqrt(d_k)``, which of them may be seen, and the values; all by head."""
    maps = attention.projections
    if memory is None:
        q, k, v = maps.all_of(query.x)
    else:
        q, (k, v) = maps.query_of(query.x), maps.key_value_of(memory.x)
    mask = (memory or query).valid[:, None, None].expand(-1, 1, q.shape[2], -1)
    if attention.role is Role.DECODER:
        mask = mask & torch.ones(mask.shape[-2:], dtype=torch.bool).tril()
    return torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5, mask, v


def output(attention: Any, weigh: Weigh, query: Stream, memory: Stream | None) -> Tensor:
    """``W_o [h_1 .. h_H]``, ``h_i = sum_j a_ij v_j``, ``a = weigh(scores, mask)``."""
    s, mask, v = scores(attention, query, memory)
    mixed = torch.einsum("bhqk,bhkd->bhqd", weigh(s, mask), v)
    joined: Tensor = attention.projections.join(mixed)
    return joined


def softmax(s: Tensor, mask: Tensor) -> Tensor:
    """Softmax over what may be seen."""
    return s.masked_fill(~mask, -torch.inf).softmax(-1)


def random(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)
