"""Proofs of hard-coded Gaussian attention."""

import dataclasses
import math
from typing import Any

import torch

from attn.contract import Role
from attn.verify.cases import HEADS, Case, stream
from attn.verify.proofs import holds, proof, same


@proof("attention", "gaussian", "weights are the density at i + o, whatever the words say")
def _density(case: Case) -> None:
    attention: Any = case.build()
    offsets = (-1, 1) if case.role is Role.ENCODER else (-1, 0)
    place = torch.arange(7.0)
    shown = [attention(stream(1, 7, seed=seed), capture=True).weights[0] for seed in (0, 1)]
    same(shown[0], shown[1], 0.0)
    for head in range(HEADS):
        beside = place[None] - place[:, None] - offsets[head % 2]
        density = torch.exp(-(beside**2) / 2) / math.sqrt(2 * math.pi)
        expected = density.tril() if case.role is Role.DECODER else density
        same(shown[0][head], expected, 1e-7)


@proof("attention", "gaussian", "is linear in what it reads")
def _linear(case: Case) -> None:
    attention: Any = case.build()
    one, other = stream(2, 7), stream(2, 7, seed=1)
    both = dataclasses.replace(one, x=3 * one.x - 2 * other.x)
    same(attention(both).y, 3 * attention(one).y - 2 * attention(other).y)


@proof("attention", "gaussian", "moves with its text, away from the ends")
def _shift(case: Case) -> None:
    attention: Any = case.build()
    long = stream(1, 60)
    moved = dataclasses.replace(long, x=long.x.roll(1, 1))
    same(attention(long).y[:, 20:39], attention(moved).y[:, 21:40])


@proof("attention", "gaussian", "has half of the weights of softmax attention")
def _weights(case: Case) -> None:
    def count(name: str) -> int:
        attention: Any = dataclasses.replace(case, attention=name).build()
        return sum(weight.numel() for weight in attention.parameters())

    holds(2 * count("gaussian") == count("softmax"), f"has {count('gaussian')}")
