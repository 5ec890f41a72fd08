"""Chance that depends on nothing but a seed, a sentence and a place in its translation."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

GAMMA = -0x61C8864680B583EB  # the odd number next to 2^64 divided by the golden ratio
FACTORS = ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15))
BITS = 24  # of a fraction in float32


def keys(
    source: Int[Tensor, "sentences time"],
    valid: Bool[Tensor, "sentences time"],
    *,
    size: int,
    seed: int,
) -> Int[Tensor, "sentences size"]:
    """A number for each sample of each sentence, by the sentence's tokens, never its padding."""
    place = torch.arange(source.shape[1], device=source.device)
    content = (_mixed(_mixed(source) + place * GAMMA) * valid).sum(-1)
    sample = torch.arange(size, device=source.device)
    return _mixed(_mixed(content + _mixed(sample.new_tensor(seed)))[:, None] + sample * GAMMA)


def uniform(keys: Int[Tensor, "*rows"], step: int) -> Float[Tensor, "*rows"]:
    """A number from 0 to below 1 for each key and step."""
    return _shifted(_mixed(keys + (step + 1) * GAMMA % 2**63), 64 - BITS).float() * 2.0**-BITS


def _mixed(x: Tensor) -> Tensor:
    """Any bit of x moves every bit; Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom...".

    The finaliser of SplitMix64, a bijection of 64 bits.
    """
    for shift, factor in FACTORS:
        x = (x ^ _shifted(x, shift)) * factor
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, by: int) -> Tensor:
    """Bits moved to the right, zeros moved in."""
    return (x >> by) & ((1 << (64 - by)) - 1)
