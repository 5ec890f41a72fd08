"""Optimisers and learning-rate schedules."""

import math
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from attn import registry
from attn.registry import register

registry.declare("optimizer", "how gradients move the weights", given=("parameters",))
registry.declare("schedule", "the learning rate over the steps", given=("dim", "steps"))

Parameters = Iterable[nn.Parameter]


@register("optimizer", "adam")
def adam(
    *,
    parameters: Parameters,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.98,
    epsilon: float = 1e-9,
) -> torch.optim.Optimizer:
    """Adam; Kingma and Ba 2015, with the constants of Vaswani et al. 2017, section 5.3."""
    return _adam(parameters, learning_rate, beta1, beta2, epsilon, weight_decay=0.0)


@register("optimizer", "adamw")
def adamw(
    *,
    parameters: Parameters,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.98,
    epsilon: float = 1e-9,
    weight_decay: float = 0.01,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay, of matrices only; Loshchilov and Hutter 2019."""
    if weight_decay < 0:
        raise ValueError(f"weight_decay={weight_decay}: must not be negative")
    return _adam(parameters, learning_rate, beta1, beta2, epsilon, weight_decay)


def _adam(
    parameters: Parameters,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    if learning_rate <= 0:
        raise ValueError(f"learning_rate={learning_rate}: must be positive")
    for name, beta in (("beta1", beta1), ("beta2", beta2)):
        if not 0 <= beta < 1:
            raise ValueError(f"{name}={beta}: must be at least 0 and below 1")
    if epsilon <= 0:
        raise ValueError(f"epsilon={epsilon}: must be positive")
    every = list(parameters)
    groups = [
        {"params": [p for p in every if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in every if p.dim() < 2], "weight_decay": 0.0},
    ]
    fused = every[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        groups, lr=learning_rate, betas=(beta1, beta2), eps=epsilon, fused=fused
    )


@runtime_checkable
class Schedule(Protocol):
    """The learning rate of each step, relative to the optimiser's; steps count from 1."""

    needs_steps: bool

    def __call__(self, step: int) -> float:
        """The factor of a step."""


def _warm(step: int, warmup: int) -> float:
    return min(1.0, step / warmup) if warmup else 1.0


def _check(warmup: int, final: float = 0.0) -> None:
    if warmup < 0:
        raise ValueError(f"warmup={warmup}: must not be negative")
    if not 0 <= final <= 1:
        raise ValueError(f"final={final}: must be at least 0 and at most 1")


class _Factor:
    """A schedule from a function; needs_steps tells whether its shape depends on the length."""

    def __init__(self, factor: Callable[[int], float], *, needs_steps: bool) -> None:
        self.factor, self.needs_steps = factor, needs_steps

    def __call__(self, step: int) -> float:
        """The factor of a step."""
        return self.factor(step)


@register("schedule", "noam")
def noam(*, dim: int, steps: int, warmup: int = 4000) -> Schedule:
    """``dim^-0.5 min(step^-0.5, step warmup^-1.5)``; Vaswani et al. 2017, equation 3.

    The paper's rates come with optimizer.learning_rate=1.
    """
    del steps
    if warmup < 1:
        raise ValueError(f"warmup={warmup}: must be at least 1")
    return _Factor(lambda step: dim**-0.5 * min(step**-0.5, step * warmup**-1.5), needs_steps=False)


@register("schedule", "inverse_sqrt")
def inverse_sqrt(*, dim: int, steps: int, warmup: int = 4000) -> Schedule:
    """Linear to 1 over the warm-up, then ``sqrt(warmup / step)``; the shape of noam, scaled."""
    del dim, steps
    _check(warmup)
    return _Factor(
        lambda step: _warm(step, warmup) * (max(warmup, 1) / max(step, warmup, 1)) ** 0.5,
        needs_steps=False,
    )


@register("schedule", "cosine")
def cosine(*, dim: int, steps: int, warmup: int = 4000, final: float = 0.0) -> Schedule:
    """Linear to 1, then half a cosine down to ``final`` at the last step.

    Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts".
    """
    del dim
    _check(warmup, final)

    def factor(step: int) -> float:
        done = min(1.0, max(0.0, (step - warmup) / max(1, steps - warmup)))
        return _warm(step, warmup) * (final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)

    return _Factor(factor, needs_steps=True)


@register("schedule", "linear")
def linear(*, dim: int, steps: int, warmup: int = 4000, final: float = 0.0) -> Schedule:
    """Linear to 1, then linear down to ``final`` at the last step."""
    del dim
    _check(warmup, final)

    def factor(step: int) -> float:
        done = min(1.0, max(0.0, (step - warmup) / max(1, steps - warmup)))
        return _warm(step, warmup) * (1 - (1 - final) * done)

    return _Factor(factor, needs_steps=True)


@register("schedule", "constant")
def constant(*, dim: int, steps: int, warmup: int = 0) -> Schedule:
    """Linear to 1 over the warm-up, then 1."""
    del dim, steps
    _check(warmup)
    return _Factor(lambda step: _warm(step, warmup), needs_steps=False)
