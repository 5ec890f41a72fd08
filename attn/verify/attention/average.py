"""Proofs of average attention."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Attention
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.streams import cut


def _from_means(attention: Attention, x: Tensor, means: Tensor) -> Tensor:
    inner, outer, gates = (getattr(attention, name) for name in ("inner", "outer", "gates"))
    g = outer(F.relu(inner(means)))
    own, past = gates.weight.chunk(2)
    first, second = gates.bias.chunk(2)
    both = torch.cat((x, g), -1)
    y: Tensor = (both @ own.T + first).sigmoid() * x + (both @ past.T + second).sigmoid() * g
    return y


@proof("attention", "average", "equals the formula with weights of 1/i")
def _formula(case: Case) -> None:
    attention, query = case.build(feedforward_dim=24), stream(3, 7)
    with torch.no_grad():
        for parameter in attention.parameters():  # type: ignore[attr-defined]
            parameter.normal_()
    weights = torch.ones(7, 7, dtype=torch.float64).tril() / torch.arange(1, 8)[:, None]
    output = attention(query, capture=True)
    same(output.y, _from_means(attention, query.x, weights @ query.x))
    assert output.weights is not None
    same(output.weights, weights.expand(3, 1, 7, 7), 1e-6)


@proof("attention", "average", "leaves padding out of the mean and of its count")
def _padding(case: Case) -> None:
    attention, query = case.build(), stream(2, 7)
    holes = query.valid.clone()
    holes[:, [0, 3, 4]] = False
    kept = [1, 2, 5, 6]
    real = dataclasses.replace(
        query, x=query.x[:, kept], position=query.position[:, kept], valid=holes[:, kept]
    )
    y = attention(dataclasses.replace(query, valid=holes)).y
    same(y[:, kept], attention(real).y)
    dead = dataclasses.replace(query, valid=torch.zeros_like(holes))
    same(attention(dead).y, _from_means(attention, query.x, torch.zeros_like(query.x)))


@proof("attention", "average", "of the same token again and again stays what it was")
def _constant(case: Case) -> None:
    attention, query = case.build(), stream(2, 7)
    y = attention(dataclasses.replace(query, x=query.x[:, :1].expand(-1, 7, -1))).y
    same(y, y[:, :1].expand(-1, 7, -1))


@proof("attention", "average", "does not know the order of what came before")
def _order(case: Case) -> None:
    attention, query = case.build(), stream(2, 7)
    shuffled = query.x[:, [3, 0, 5, 1, 4, 2, 6]]
    same(attention(dataclasses.replace(query, x=shuffled)).y[:, -1], attention(query).y[:, -1])


@proof("attention", "average", "keeps one sum and one count of however many tokens")
@torch.no_grad()
def _state(case: Case) -> None:
    attention = case.build()
    for time in (1, 40):
        after = attention(stream(2, time), state=attention.start(None, rows=2, capacity=time)).state
        assert after is not None
        holds(after.nbytes() == 2 * (16 + 1) * 8, f"a state of {after.nbytes()} bytes")


@proof("attention", "average", "counts on, token by token, beyond what short formats can")
@torch.no_grad()
def _long(case: Case) -> None:
    attention = case.build().to(torch.bfloat16)  # type: ignore[attr-defined]
    query = stream(1, 600)
    ones = torch.ones_like(query.x, dtype=torch.bfloat16)
    query = dataclasses.replace(query, x=ones * (query.position < 300)[..., None])
    state, y = attention.start(None, rows=1, capacity=600), ones
    for i in range(600):
        output = attention(cut(query, i, i + 1), state=state)
        state, y = output.state, output.y
    # The mean is one half; 256 + 1 is 256 in bfloat16.
    same(y[:, 0], attention(query).y[:, -1], 1e-2)
    holds(float(state.total[0, 0]) == 300 == float(state.count) / 2, "a sum is not exact")
