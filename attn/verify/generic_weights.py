"""What every attention proves of the weights that it shows."""

import dataclasses

import torch
from torch import Tensor

from attn.contract import Role
from attn.score.core import Core
from attn.score.kernels import mix
from attn.score.shell import BENT, ScoreAttention
from attn.verify.cases import Case, stream
from attn.verify.proofs import ROUNDED, holds, proof, same
from attn.verify.streams import LENGTHS, leaf, seen_by

LARGE, FAINT, PLAIN = 4.0, 1e-4, 0.1  # inputs, and shares that are next to none, or are some


@proof("attention", None, "G8: capture changes nothing, to the bit")
def _capture(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    captured = attention(query, memory, capture=True)
    same(captured.y, attention(query, memory).y, 0.0)
    holds(attention(query, memory).weights is None, "weights come unasked")
    weights = captured.weights
    holds(weights is not None, "capture gives no weights")
    assert weights is not None
    expected = (3, weights.shape[1], 7, 7 if memory is None else 5)
    holds(weights.shape == expected, f"weights are {tuple(weights.shape)}, not {expected}")
    holds(weights.dtype == torch.float32, f"weights are {weights.dtype}, not float32")
    holds(not weights.requires_grad, "gradients are recorded for the weights")


@proof("attention", None, "G8: the weights mix the values into the result")
def _mixed(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    if not isinstance(attention, ScoreAttention) or attention.kind in BENT:
        return
    if type(attention.core) is not Core:
        return  # it says itself what it does with values
    output = attention(query, memory, capture=True)
    assert output.weights is not None
    maps = attention.projections
    value = maps.all_of(query.x)[2] if memory is None else maps.key_value_of(memory.x)[1]
    same(attention._out(mix(output.weights.double(), value), query), output.y, ROUNDED)


@proof("attention", None, "G8: the result hangs on keys as their weights say", learns=True)
def _hangs(case: Case) -> None:
    """By how much the last query's result changes with each key, beside the weights of the keys.

    Inputs are large, so that there are keys of next to no weight, and others. A key of next to no
    influence has no large share of the weights; where no weight is negative, and may cancel out in
    a sum, a key of next to no weight has no large share of the influence either.
    """
    attention, memory = case.build(), case.memory((5,) * 16)
    query = stream(16, 7 if memory is None else 1, seed=6)
    query = dataclasses.replace(query, x=LARGE * query.x)
    x, read = leaf(dataclasses.replace(memory, x=LARGE * memory.x) if memory else query)
    output = attention(query, read, capture=True) if memory else attention(read, capture=True)
    # That it is the same for all features of the result would be what some norms take away.
    towards = stream(16, 1, seed=7).x[:, 0]
    (gradient,) = torch.autograd.grad((output.y[:, -1] * towards).sum(), x)
    assert output.weights is not None
    weights = output.weights[:, :, -1].double()
    others = slice(None) if memory else slice(-1)  # its own word reaches the query too
    influence = _shares(gradient.norm(dim=-1)[:, others])
    share = _shares(weights.abs().sum(1)[:, others])
    unseen = share[influence < FAINT]
    holds((unseen < PLAIN).all(), f"without influence, a key has {_most(unseen)} of the weight")
    if not (weights < 0).any():
        unread = influence[share < FAINT]
        holds((unread < PLAIN).all(), f"without weight, a key has {_most(unread)} of the influence")


def _shares(x: Tensor) -> Tensor:
    """Each number of a row as a part of its sum."""
    return x / x.sum(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)


def _most(shares: Tensor) -> str:
    return f"{100 * max(shares.tolist(), default=0.0):.0f}%"


@proof("attention", None, "G9: weights are of the kind that is declared, and zero where hidden")
def _weights(case: Case) -> None:
    attention, query, memory = case.build(), stream(3, 7, lengths=LENGTHS), case.memory()
    weights, declared = attention(query, memory, capture=True).weights, case.capabilities.weights
    assert weights is not None
    seen = seen_by(query, memory).valid[:, None, None, :].expand_as(weights)
    if case.role is Role.DECODER:
        seen = seen & torch.ones(7, 7, dtype=torch.bool).tril()
    holds((weights[~seen] == 0).all(), "a hidden key has a weight")
    sums = weights.sum(-1)[seen.any(-1)]
    if declared in {"exact", "partial", "free"}:
        holds((weights >= 0).all(), f"a weight is {float(weights.min()):.3g}, below 0")
    if declared == "exact":
        same(sums, torch.ones_like(sums), ROUNDED)
    if declared == "partial":
        holds((sums <= 1 + ROUNDED).all(), f"a row sums to {float(sums.max()):.6f}, above 1")
