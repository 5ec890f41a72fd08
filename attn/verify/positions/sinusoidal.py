"""Proofs of sinusoidal positions."""

import torch

from attn.contract import Role
from attn.verify.cases import DIM, Case
from attn.verify.proofs import proof, same
from attn.verify.schemes import line, scheme

ONE = (Role.ENCODER,)  # the role makes no difference to what is added to the embeddings


@proof("position", "sinusoidal", "equals the formula written out", roles=ONE)
def _formula(case: Case) -> None:
    encoded = scheme(case)(line(50))[0]
    for i in range(DIM // 2):
        angle = torch.arange(50).double() / 10000 ** (2 * i / DIM)
        same(encoded[:, 2 * i], angle.sin(), 1e-5)
        same(encoded[:, 2 * i + 1], angle.cos(), 1e-5)


@proof("position", "sinusoidal", "in halves, its last rate is that of the base", roles=ONE)
def _halves(case: Case) -> None:
    encoded = scheme(case, layout="halves", base=100.0)(line(50))[0]
    half = DIM // 2
    for i in range(half):
        angle = torch.arange(50).double() * 100 ** -(i / (half - 1))
        same(encoded[:, i], angle.sin(), 1e-5)
        same(encoded[:, half + i], angle.cos(), 1e-5)
    same(encoded[:, -1], (torch.arange(50).double() / 100).cos(), 1e-5)


@proof("position", "sinusoidal", "turns by the same angles from p to p + k, for all p", roles=ONE)
def _rotation(case: Case) -> None:
    encoder = scheme(case)
    before, after = (encoder(line(20, start))[0].unflatten(-1, (-1, 2)) for start in (0, 7))
    sine, cosine = encoder(line(1, 7))[0].unflatten(-1, (-1, 2)).unbind(-1)
    a, b = before.unbind(-1)
    same(after, torch.stack((a * cosine + b * sine, b * cosine - a * sine), -1), 1e-5)


@proof("position", "sinusoidal", "has products that depend on differences alone", roles=ONE)
def _products(case: Case) -> None:
    for layout in ("interleaved", "halves"):
        encoder = scheme(case, layout=layout)
        here, there = encoder(line(20))[0], encoder(line(20, 31))[0]
        same(here @ here.t(), there @ there.t(), 1e-5)
