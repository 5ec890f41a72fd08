"""Proofs of attentions with normalised queries and keys: qk_norm and cosine."""

from typing import Any

import torch
from torch import Tensor

from attn.contract import Role, Stream
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.uniform import uniform

LENGTHS = (7, 4, 0)
BOTH = ("qk_norm", "cosine")


def _query_and_key(attention: Any, query: Stream, memory: Stream | None) -> tuple[Tensor, Tensor]:
    """Queries and keys by head, as they are projected."""
    maps = attention.projections
    if memory is None:
        q, k, _ = maps.all_of(query.x)
        return q, k
    return maps.query_of(query.x), maps.key_value_of(memory.x)[0]


def _scores(attention: Any, q: Tensor, k: Tensor) -> Tensor:
    scores: Tensor = attention.core.score(attention.norms.query(q), attention.norms.key(k))
    return scores


def _lengths_do_not_matter(case: Case) -> None:
    attention = case.build()
    q, k = _query_and_key(attention, stream(3, 7), case.memory())
    generator = torch.Generator().manual_seed(1)
    longer = [x * (1 + 9 * torch.rand(*x.shape[:3], 1, generator=generator)) for x in (q, k)]
    # What keeps a division by zero away is felt in the last places.
    same(_scores(attention, q, k), _scores(attention, *longer), 1e-4)


def _enlarged(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    before = attention(query, memory).y
    maps = attention.projections
    if case.role is Role.CROSS:
        maps.query.weight.data *= 3
        maps.key_value.weight.data[: maps.sizes[1]] *= 0.5
    else:
        maps.joint.weight.data[: maps.sizes[0]] *= 3
        maps.joint.weight.data[maps.sizes[0] : -maps.sizes[2]] *= 0.5
    same(before, attention(query, memory).y, 1e-4)


for _name in BOTH:
    proof("attention", _name, "no score depends on the length of a query or key")(
        _lengths_do_not_matter
    )
    proof("attention", _name, "multiples of W_q and W_k change nothing")(_enlarged)


@proof("attention", "qk_norm", "no score exceeds sqrt(d_k) max|g_q g_k|")
def _bounded(case: Case) -> None:
    attention: Any = case.build()
    gains = [attention.norms.query.gain.data, attention.norms.key.gain.data]
    for gain in gains:
        gain.copy_(torch.randn(4))
    q, k = _query_and_key(attention, stream(3, 7), case.memory())
    most = 2 * float((gains[0] * gains[1]).abs().max())
    holds(_scores(attention, 100 * q, 100 * k).abs().max() <= most, f"a score exceeds {most}")


@proof("attention", "qk_norm", "with gains of 0 gives the mean of what may be seen")
def _no_gain(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    attention.norms.query.gain.data.zero_()
    same(attention(query, memory, capture=True).weights, uniform(case, query, memory), 1e-6)


@proof("attention", "qk_norm", "equals softmax of vectors of a mean square of 1")
def _formula(case: Case) -> None:
    attention: Any = case.build()
    q, k = _query_and_key(attention, stream(3, 7), case.memory())
    q, k = (x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() for x in (q, k))
    expected = torch.einsum("bhqd,bhkd->bhqk", q, k) / 2
    q, k = _query_and_key(attention, stream(3, 7), case.memory())
    same(_scores(attention, q, k), expected)


@proof("attention", "cosine", "scores are cosines over the temperature, never above its inverse")
def _cosines(case: Case) -> None:
    attention: Any = case.build()
    temperature = torch.tensor([0.02, 0.1, 0.5, 3.0], dtype=torch.float64)
    attention.norms.query.log_temperature.data = temperature.log()
    q, k = _query_and_key(attention, stream(3, 7), case.memory())
    cosines = torch.cosine_similarity(q[:, :, :, None], k[:, :, None], dim=-1)
    scores = _scores(attention, q, k)
    same(scores, cosines / temperature[:, None, None], 1e-10)
    largest = scores.abs().amax((0, 2, 3)) * temperature
    holds((largest <= 1 + 1e-12).all(), "a score exceeds the inverse temperature")


@proof("attention", "cosine", "a temperature below the least is the least")
def _clamped(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7), case.memory()
    found = []
    for log_temperature in (-20.0, -4.605170185988091):
        attention.norms.query.log_temperature.data.fill_(log_temperature)
        found.append(attention(query, memory).y)
    same(*found)


@proof("attention", "cosine", "a high temperature gives the mean of what may be seen")
def _warm(case: Case) -> None:
    attention: Any = case.build()
    query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
    attention.norms.query.log_temperature.data.fill_(30.0)
    same(attention(query, memory, capture=True).weights, uniform(case, query, memory), 1e-6)
