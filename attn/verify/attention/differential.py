"""Proofs of differential attention."""

import math
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from attn import registry
from attn.contract import Place, Stream
from attn.verify import written
from attn.verify.cases import DIM, HEADS, Case, stream
from attn.verify.proofs import holds, proof, same


def _built(case: Case, share: float, **options: Any) -> Any:
    """The attention; ``share`` is what ``lambda`` is more than ``lambda_init``, above -1."""
    attention: Any = case.build(**options)
    vectors = torch.zeros_like(attention.core.vectors)
    vectors[0, 0, 0], vectors[0, 1, 0] = 1, math.log1p(share)
    attention.core.vectors.data = vectors
    holds(
        abs(attention.core.share() - share - attention.core.lambda_init) < 1e-12, "another lambda"
    )
    return attention


def _pairs(attention: Any, query: Stream, memory: Stream | None) -> tuple[Tensor, Tensor, Tensor]:
    """The softmaxes of both halves, and the values, of each pair of heads."""
    s, mask, v = written.scores(attention, query, memory)
    weights = written.softmax(s, mask)
    return weights[:, 0::2], weights[:, 1::2], torch.cat((v[:, 0::2], v[:, 1::2]), -1)


def _joined(attention: Any, context: Tensor) -> Tensor:
    joined: Tensor = attention.projections.out(context.transpose(1, 2).flatten(2))
    return joined


@proof("attention", "differential", "equals the formula written out")
def _formula(case: Case) -> None:
    attention = _built(case, 0.3, lambda_init=0.2)
    attention.core.norm.weight.data = written.random(8)
    query, memory = written.streams(case)
    one, two, v = _pairs(attention, query, memory)
    h = (one - 0.5 * two) @ v
    h = h / (h.square().mean(-1, keepdim=True) + 1e-5).sqrt() * attention.core.norm.weight
    same(attention(query, memory).y, _joined(attention, 0.8 * h))


@proof("attention", "differential", "is softmax over the first halves at lambda 0, norm left out")
def _first_alone(case: Case) -> None:
    attention = _built(case, 0.0, lambda_init=0.0)
    attention.core.norm = nn.Identity()
    query, memory = written.streams(case)
    one, _, v = _pairs(attention, query, memory)
    same(attention(query, memory).y, _joined(attention, one @ v))


@proof("attention", "differential", "two equal halves cancel at lambda 1")
def _cancels(case: Case) -> None:
    attention = _built(case, 0.2, lambda_init=0.8)
    maps = attention.projections
    for linear in (maps.query, maps.key_value) if case.memory() else (maps.joint,):
        # The first two blocks of 16 rows make queries and keys, or the first one keys alone.
        for block in linear.weight.data[: 16 if case.memory() else 32].view(-1, 2, 4, 16):
            block[1] = block[0]
    query, memory = written.streams(case)
    output = attention(query, memory, capture=True)
    same(output.weights, torch.zeros_like(output.weights), 1e-6)
    same(output.y, torch.zeros_like(output.y))


@proof("attention", "differential", "rows of weights sum to 1 - lambda")
def _sums(case: Case) -> None:
    attention = _built(case, 0.3, lambda_init=0.8)
    weights = attention(*written.streams(case), capture=True).weights
    same(weights.sum(-1), torch.full_like(weights[..., 0], 1 - 1.1), 1e-6)
    holds(weights.shape[1] == 2, f"{weights.shape[1]} maps for 4 heads")


@proof("attention", "differential", "lambda starts from 0.2 in the first layer, from 0.8 far above")
def _schedule(case: Case) -> None:
    """``0.8 - 0.6 exp(-0.3 (l - 1))``, ``l`` from 1 on, or what is given."""
    attention: Any = case.build()
    holds(abs(attention.core.lambda_init - 0.2) < 1e-12, "another lambda in the first layer")
    for layer, share in ((1, 0.35550907), (2, 0.47071302), (11, 0.77787010), (99, 0.8)):
        place = Place(case.role, DIM, DIM, DIM, layer=layer)
        made: Any = registry.build(
            "attention", {"name": "differential", "heads": HEADS}, place=place
        )
        holds(abs(made.core.lambda_init - share) < 1e-8, f"another lambda above {layer} layers")
        given: Any = case.build(lambda_init=0.3)
        holds(given.core.lambda_init == 0.3, "not the lambda that is given")


@proof("attention", "differential", "all kernels agree, flex without gradients on a CPU")
def _kernels(case: Case) -> None:
    query, memory = stream(3, 7, lengths=(7, 4, 0)), case.memory((5, 2, 0))
    results = []
    for kernel in ("explicit", "sdpa"):
        attention: Any = case.build(kernel=kernel)
        leaf = query.x.clone().requires_grad_()
        y = attention(Stream(leaf, query.position, query.valid), memory).y
        learned = [leaf, *attention.parameters()]
        results.append([y, *torch.autograd.grad(y.square().sum(), learned)])
    for one, other in zip(*results, strict=True):
        holds(other.isfinite().all(), "not finite")
        same(one, other, 1e-9)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is not compiled: it need not be fast here
        flexible = case.build(kernel="flex")(query, memory).y
    same(flexible, results[0][0], 1e-10)
