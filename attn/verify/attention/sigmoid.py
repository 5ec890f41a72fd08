"""Proofs of sigmoid attention."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.verify import written
from attn.verify.cases import Case
from attn.verify.proofs import holds, proof, same


@proof("attention", "sigmoid", "equals the formula written out")
def _formula(case: Case) -> None:
    attention: Any = case.build()
    query, memory = written.streams(case)

    def weigh(s: Tensor, mask: Tensor) -> Tensor:
        return mask / (1 + mask.sum(-1, keepdim=True) * torch.exp(-s))

    same(attention(query, memory).y, written.output(attention, weigh, query, memory))


@proof("attention", "sigmoid", "keys that may not be seen do not count")
def _counts(case: Case) -> None:
    normaliser: Any = case.build().core.normaliser  # type: ignore[attr-defined]
    s, mask = written.random(2, 4, 3, 5), torch.ones(2, 1, 3, 5, dtype=torch.bool)
    longer = normaliser(F.pad(s, (0, 4), value=3.0), F.pad(mask, (0, 4)))
    same(longer, F.pad(normaliser(s, mask), (0, 4)), 0.0)
    same(normaliser(0 * s, mask), torch.full_like(s, 1 / 6))


@proof("attention", "sigmoid", "low scores give no weight, and no key takes from another")
def _alone(case: Case) -> None:
    normaliser: Any = case.build().core.normaliser  # type: ignore[attr-defined]
    mask = torch.ones(2, 1, 3, 5, dtype=torch.bool)
    s = written.random(2, 4, 3, 5).requires_grad_()
    same(normaliser(s - 1e4, mask), torch.zeros_like(s), 0.0)
    (gradient,) = torch.autograd.grad(normaliser(s, mask)[..., 2].sum(), s)
    holds((gradient[..., 2] > 0).all(), "a weight does not follow its own score")
    holds((gradient[..., [0, 1, 3, 4]] == 0).all(), "a weight follows the score of another key")
