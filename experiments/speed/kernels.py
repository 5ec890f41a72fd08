"""Softmax attention with explicit products beside torch's fused kernel, by length, in one run.

A decoder's self-attention as it stands in ``tiny``: forward and backward, with dropout of the
weights and without, and forward alone. Both take turns; medians are printed as a table.

    OMP_NUM_THREADS=1 .venv/bin/python experiments/speed/kernels.py --rounds 9
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable

import torch
from attentions import DIM, HEADS
from torch import nn

from attn import registry
from attn.contract import Place, Role, Stream

SHAPES = ((204, 20), (64, 64), (32, 128), (16, 256), (8, 512), (4, 1024))  # sentences, tokens
KERNELS = ("explicit", "sdpa")
WAYS = {"training, dropout 0.3": 0.3, "training": 0.0, "forward alone": None}


def steps(kernel: str, dropout: float | None, sentences: int, tokens: int) -> Callable[[], None]:
    """A step of an attention with a kernel; without a gradient where there is no dropout rate."""
    place = Place(Role.DECODER, DIM, DIM, DIM)
    section = {"name": "softmax", "heads": HEADS, "kernel": kernel, "dropout": dropout or 0.0}
    m: nn.Module = registry.build("attention", section, place=place)
    x = torch.randn(sentences, tokens, DIM, requires_grad=dropout is not None)
    position = torch.arange(tokens).expand(sentences, -1)
    stream = Stream(x, position, torch.ones(sentences, tokens, dtype=torch.bool))
    above = torch.randn(sentences, tokens, DIM)

    def step() -> None:
        with torch.no_grad() if dropout is None else contextlib.nullcontext():
            y = m(stream).y
        if dropout is not None:
            torch.autograd.grad(y, [x, *m.parameters()], above)

    return step


def cell(dropout: float | None, sentences: int, tokens: int, rounds: int) -> str:
    """Milliseconds of a step of both kernels, and the ratio."""
    both = [steps(kernel, dropout, sentences, tokens) for kernel in KERNELS]
    times: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for taken, step in zip(times, both, strict=True):
            began = time.perf_counter()
            step()
            taken.append(time.perf_counter() - began)
    explicit, fused = (statistics.median(taken[1:]) for taken in times)
    return f"{explicit * 1e3:.1f} / {fused * 1e3:.1f} = {explicit / fused:.2f}"


def main() -> None:
    """Take turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"| explicit / sdpa | {' | '.join(WAYS)} |\n|---|{'---|' * len(WAYS)}")  # noqa: T201
    for sentences, tokens in SHAPES:
        cells = [cell(dropout, sentences, tokens, rounds) for dropout in WAYS.values()]
        print(f"| {sentences} x {tokens} | {' | '.join(cells)} |")  # noqa: T201


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
