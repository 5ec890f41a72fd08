"""Proofs of softmax_one and of a learned sink."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Stream
from attn.verify import written
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same

SINKS = torch.tensor([-2.0, -0.5, 0.0, 1.5], dtype=torch.float64)


def _built(case: Case, sinks: Tensor = SINKS, **options: Any) -> tuple[Any, Tensor]:
    """The attention and the sink of each head; where they are learned, those given."""
    attention: Any = case.build(**options)
    if case.attention == "softmax_one":
        return attention, torch.zeros(4, dtype=torch.float64)
    attention.core.normaliser.scores.data = sinks.clone()
    return attention, sinks


def _both(says: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Registers one proof for softmax_one and for the learned sink."""

    def add(check: Callable[[Case], None]) -> Callable[[Case], None]:
        for name in ("softmax_one", "sink"):
            proof("attention", name, says)(check)
        return check

    return add


@_both("equals the formula written out")
def _formula(case: Case) -> None:
    attention, sinks = _built(case)
    query, memory = written.streams(case)

    def weigh(s: Tensor, mask: Tensor) -> Tensor:
        powers = s.exp() * mask
        return powers / (sinks.exp()[:, None, None] + powers.sum(-1, keepdim=True))

    same(attention(query, memory).y, written.output(attention, weigh, query, memory))


@_both("equals softmax with one more key, of value zero")
def _further_key(case: Case) -> None:
    attention, sinks = _built(case)
    query, memory = written.streams(case)
    s, mask, v = written.scores(attention, query, memory)
    s = torch.cat((sinks[:, None, None].expand(*s.shape[:3], 1), s), -1)
    weights = written.softmax(s, F.pad(mask, (1, 0), value=True))
    v = F.pad(v, (0, 0, 1, 0))
    same(attention(query, memory).y, attention.projections.join(weights @ v))
    captured = attention(query, memory, capture=True).weights
    same(captured.sum(-1), 1 - weights[..., 0], 1e-6)


@_both("all kernels agree, in values and in gradients; flex, without gradients on a CPU")
def _kernels(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    results = []
    for kernel in ("explicit", "sdpa"):
        attention, _ = _built(case, kernel=kernel)
        leaf = query.x.clone().requires_grad_()
        y = attention(Stream(leaf, query.position, query.valid), memory).y
        learned = [leaf, *attention.parameters()]
        results.append([y, *torch.autograd.grad(y.square().sum(), learned)])
    for one, other in zip(*results, strict=True):
        holds(other.isfinite().all(), "not finite")
        same(one, other, 1e-10)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is not compiled: it need not be fast here
        flexible = _built(case, kernel="flex")[0](query, memory).y
    same(flexible, results[0][0], 1e-10)


@_both("a query with low scores sees next to nothing, not next to everything")
def _low(case: Case) -> None:
    normaliser = _built(case)[0].core.normaliser
    s, mask = written.random(2, 4, 3, 5), torch.ones(2, 1, 3, 5, dtype=torch.bool)
    same(normaliser(s - 1e4, mask), torch.zeros_like(s), 0.0)
    same(normaliser(s - 30, mask), torch.zeros_like(s), 1e-9)


@proof("attention", "sink", "is softmax where the sink is low, and softmax_one where it is 0")
def _limits(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    for name, sink in (("softmax", -100.0), ("softmax_one", 0.0)):
        for kernel in ("explicit", "sdpa"):
            other = Case(name, case.role).build(kernel=kernel)
            attention, _ = _built(case, torch.full((4,), sink, dtype=torch.float64), kernel=kernel)
            same(attention(query, memory).y, other(query, memory).y)
