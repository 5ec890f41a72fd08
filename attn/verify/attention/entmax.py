"""Proofs of sparsemax, 1.5-entmax and entmax of a learned alpha."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from attn.score.entmax import entmax, entmax15, sparsemax
from attn.verify import written
from attn.verify.cases import Case
from attn.verify.proofs import holds, proof, same

ALPHAS = torch.tensor([1.02, 1.3, 1.5, 1.9], dtype=torch.float64)


def _built(case: Case, **options: Any) -> tuple[Any, Tensor]:
    """The attention and the alpha of each head; where they are learned, all different."""
    attention: Any = case.build(**options)
    fixed = {"sparsemax": 2.0, "entmax15": 1.5}
    if case.attention in fixed:
        return attention, torch.full((4,), fixed[case.attention], dtype=torch.float64)
    normaliser = attention.core.normaliser
    share = (ALPHAS - 1.01) / 0.99
    normaliser.weight.data = torch.log(share / (1 - share))
    same(normaliser.alpha(), ALPHAS)
    return attention, ALPHAS


def _each(says: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Registers one proof for each of the family."""

    def add(check: Callable[[Case], None]) -> Callable[[Case], None]:
        for name in ("sparsemax", "entmax15", "entmax"):
            proof("attention", name, says)(check)
        return check

    return add


@_each("weights are the powers above the one threshold for which they sum to 1")
def _definition(case: Case) -> None:
    attention, alpha = _built(case)
    s, mask, _ = written.scores(attention, *written.streams(case))
    s = 2 * s
    weights, less = attention.core.normaliser(s, mask), alpha[:, None, None] - 1
    same(weights.sum(-1), torch.ones_like(s[..., 0]))
    held = mask & (weights > 0)
    # Where a weight is, it tells the threshold; where none is, nothing reaches it.
    threshold = less * s - weights.pow(less)
    tau = threshold.masked_fill(~held, -torch.inf).amax(-1, keepdim=True)
    same(torch.where(held, threshold, tau), tau.expand_as(s), 1e-10)
    holds((held | ~mask | (less * s <= tau + 1e-10)).all(), "a key above the threshold lost all")
    holds((weights[~mask.expand_as(s)] == 0).all(), "a hidden key has a weight")


@_each("equals the formula written out")
def _formula(case: Case) -> None:
    attention, _ = _built(case)
    query, memory = written.streams(case)
    expected = written.output(attention, attention.core.normaliser, query, memory)
    same(attention(query, memory).y, expected)


@_each("a number added to all scores of a query changes nothing")
def _shift(case: Case) -> None:
    normaliser = _built(case)[0].core.normaliser
    s, mask = written.random(2, 4, 3, 5), torch.ones(2, 1, 3, 5, dtype=torch.bool)
    same(normaliser(s + 7 * s[..., :1], mask), normaliser(s, mask), 1e-10)


@_each("a lead of 1 / (alpha - 1) takes all, a smaller one does not")
def _lead(case: Case) -> None:
    attention, alpha = _built(case)
    mask = torch.ones(1, 1, 3, 5, dtype=torch.bool)
    leader = torch.zeros(1, 4, 3, 5, dtype=torch.float64)
    leader[..., 2] = 1
    lead = leader / (alpha[:, None, None] - 1)
    same(attention.core.normaliser(1.0001 * lead, mask), leader, 0.0)
    holds((attention.core.normaliser(0.9 * lead, mask) > 0).all(), "a weight is zero")


@_each("what a query may not see, and a query that may see nothing, do no harm")
def _dead(case: Case) -> None:
    normaliser = _built(case)[0].core.normaliser
    s = written.random(2, 4, 3, 5).requires_grad_()
    mask = torch.tensor([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]).bool()
    mask = mask.expand(2, 1, 3, 5)
    weights = normaliser(s, mask)
    holds(weights.isfinite().all(), "not finite")
    same(
        weights[:, :, 0, [0, 1, 3]],
        normaliser(s[:, :, :1, [0, 1, 3]], mask[:, :, :1, [0, 1, 3]])[:, :, 0],
        1e-10,
    )
    weights.square().sum().backward()
    assert s.grad is not None
    holds((s.grad[~mask.expand_as(s)] == 0).all(), "a hidden score has a gradient")


@proof("attention", "entmax", "is softmax as alpha nears 1, 1.5-entmax at 1.5, sparsemax at 2")
def _limits(case: Case) -> None:  # noqa: ARG001 - the same in every role
    s = 3 * written.random(4, 6, 9)
    for alpha, expected, tolerance in (
        (1.0001, s.softmax(-1), 1e-4),
        (1.5, entmax15(s), 1e-10),
        (2.0, sparsemax(s), 1e-10),
    ):
        same(entmax(s, s.new_full((6, 1), alpha)), expected, tolerance)


@proof("attention", "entmax", "gradients of scores and of alpha are exact")
def _gradients(case: Case) -> None:  # noqa: ARG001 - the same in every role
    s = written.random(2, 4, 3, 5).requires_grad_()
    alpha = ALPHAS[:, None, None].clone().requires_grad_()
    holds(torch.autograd.gradcheck(entmax, (s, alpha)), "they are not")
