"""Proofs of lightweight and dynamic convolutions."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attn.contract import Attention, Role, Stream
from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same

SIZES = (1, 2, 5, 7, 15)


def both(says: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """A proof of either convolution."""

    def add(check: Callable[[Case], None]) -> Callable[[Case], None]:
        for name in ("lightconv", "dynconv"):
            proof("attention", name, says)(check)
        return check

    return add


def _gated(attention: Attention, query: Stream) -> Tensor:
    value, gate = attention.input(query.x).chunk(2, -1)  # type: ignore[attr-defined]
    gated: Tensor = value * gate.sigmoid() * query.valid[..., None]
    return gated


def _reach(role: Role, size: int) -> tuple[int, int]:
    """How many positions are seen before and after one's own."""
    return (size - 1, 0) if role is Role.DECODER else ((size - 1) // 2, size // 2)


@both("equals the sum written out, for every kernel size")
def _sum(case: Case) -> None:
    query = stream(3, 7, lengths=[7, 4, 0])
    for size in SIZES:
        attention = case.build(kernel_size=size)
        x, before = _gated(attention, query), _reach(case.role, size)[0]
        logits = attention.logits(x).expand(3, -1, 7, -1)  # type: ignore[attr-defined]
        taps = logits.exp() / logits.exp().sum(-1, keepdim=True)
        mixed = torch.zeros_like(x)
        for i, k in itertools.product(range(7), range(size)):
            if 0 <= (j := i + k - before) < 7:
                # Four successive features share the taps of a head.
                mixed[:, i] += taps[:, :, i, k].repeat_interleave(4, 1) * x[:, j]
        same(attention(query).y, attention.out(mixed))  # type: ignore[attr-defined]


@both("equals torch's depthwise convolution where all positions share their taps")
def _depthwise(case: Case) -> None:
    query = stream(2, 40, lengths=[40, 33])  # more than one block
    for size in SIZES:
        attention = case.build(kernel_size=size, bias=True)
        if case.attention == "dynconv":
            with torch.no_grad():
                attention.tap.weight.zero_()  # type: ignore[attr-defined]
                attention.tap.bias.normal_()  # type: ignore[attr-defined]
        x = _gated(attention, query)
        taps = attention.taps(x)[0, :, 0]  # type: ignore[attr-defined]
        around = F.pad(x.transpose(1, 2), _reach(case.role, size))
        mixed = F.conv1d(around, taps.repeat_interleave(4, 0)[:, None], groups=16)
        same(attention(query).y, attention.out(mixed.transpose(1, 2)))  # type: ignore[attr-defined]


@proof("attention", "dynconv", "without weights of its taps is lightconv with their biases")
def _light(case: Case) -> None:
    dynamic: Any = case.build(bias=True)
    light: Any = dataclasses.replace(case, attention="lightconv").build(bias=True)
    light.load_state_dict({**dynamic.state_dict(), "tap": light.tap}, strict=False)
    with torch.no_grad():
        dynamic.tap.weight.zero_()
        dynamic.tap.bias.copy_(light.tap.flatten())
    query = stream(3, 7, lengths=[7, 4, 0])
    same(dynamic(query).y, light(query).y)


@both("with one tap looks at no other position")
def _one(case: Case) -> None:
    attention, query = case.build(kernel_size=1), stream(3, 7)
    same(attention(query).y, attention.out(_gated(attention, query)))  # type: ignore[attr-defined]


@both("sees exactly as far as its taps reach")
def _field(case: Case) -> None:
    query = stream(1, 17)
    for size in (1, 2, 5, 7):
        leaf = query.x.clone().requires_grad_()
        y = case.build(kernel_size=size)(dataclasses.replace(query, x=leaf)).y
        (gradient,) = torch.autograd.grad(y[:, 8].square().sum(), leaf)
        before, after = _reach(case.role, size)
        seen = gradient[0].abs().sum(-1).nonzero().flatten().tolist()
        holds(seen == list(range(8 - before, 9 + after)), f"{size} taps see {seen} from 8")


@both("moves along with its input, away from the ends")
def _shifted(case: Case) -> None:
    attention, query = case.build(kernel_size=5), stream(2, 20)
    y = attention(query).y
    moved = attention(dataclasses.replace(query, x=query.x.roll(3, 1))).y
    same(moved[:, 7:-4], y[:, 4:-7])


@both("shows weights that mix the gated inputs; within the ends they sum to 1")
def _weights(case: Case) -> None:
    attention, query = case.build(kernel_size=5), stream(3, 12, lengths=[12, 6, 0])
    output, x = attention(query, capture=True), _gated(attention, query)
    assert output.weights is not None
    mixed = output.weights.double() @ x.unflatten(-1, (4, 4)).transpose(1, 2)
    joined = attention.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[attr-defined]
    same(output.y, joined, 1e-6)
    same(output.weights[0, :, 4:-4].sum(-1), torch.ones(4, 4), 1e-6)
    holds((output.weights >= 0).all(), "a weight is negative")


@both("keeps the inputs that a further token sees, and no others")
@torch.no_grad()
def _constant(case: Case) -> None:
    if case.role is Role.ENCODER:
        return
    attention = case.build(kernel_size=5)
    for time in (1, 40):
        after = attention(stream(2, time), state=attention.start(None, rows=2, capacity=time)).state
        assert after is not None
        holds(after.nbytes() == 2 * 4 * 16 * 8, f"a state of {after.nbytes()} bytes")
