"""Speed of attentions beside the form one would write first, with the same weights, in one run.

Each is a decoder's self-attention, forward and backward, as it stands in ``tiny``. The plain form
takes the same parameters and must give the same numbers, which is looked at first; then both take
turns. Medians and ratios are printed as a table.

    .venv/bin/python experiments/speed/attentions.py --rounds 9
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn import attention, registry  # noqa: F401 - whose parts are registered
from attn.contract import Place, Role, Stream
from attn.score.projections import by_head, side_by_side

DIM, HEADS = 128, 4
SHAPES = ((204, 20), (32, 128), (8, 512))  # sentences, tokens


def causal(time: int) -> Tensor:
    """What a decoder may see."""
    return torch.ones(time, time, dtype=torch.bool).tril()


def gqa(m: Any, x: Tensor) -> Tensor:
    """Keys and values repeated for the heads that share them."""
    q, k, v = m.projections.all_of(x)
    k, v = (one.repeat_interleave(HEADS // one.shape[1], 1) for one in (k, v))
    return m.projections.join(softmax(q, k, v, causal(x.shape[1])))


def window(m: Any, x: Tensor) -> Tensor:
    """All scores, of which those outside the window are hidden."""
    seen = causal(x.shape[1]) & causal(x.shape[1]).triu(-m.radius)
    return m.projections.join(softmax(*m.projections.all_of(x), seen))


def softmax(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    """The formula of Vaswani et al. 2017."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ v


def additive(m: Any, x: Tensor) -> Tensor:
    """The hidden layer of all pairs of tokens."""
    q, k, v = m.projections.all_of(x)
    hidden = torch.tanh(q[:, :, :, None] + k[:, :, None])
    scores = torch.einsum("bhqkd,hd->bhqk", hidden, m.core.score.vector)
    weights = scores.masked_fill(~causal(x.shape[1]), -torch.inf).softmax(-1)
    return m.projections.join(weights @ v)


def linear(m: Any, x: Tensor) -> Tensor:
    """Cumulative sums of the products of keys and values."""
    q, k, v = m.projections.all_of(x)
    q, k = F.elu(q) + 1, F.elu(k) + 1
    sums = (k[..., None] * v[..., None, :]).cumsum(2)
    above = (q[..., None] * sums).sum(-2)
    return m.projections.join(above / (q * k.cumsum(2)).sum(-1, keepdim=True))


def lightconv(m: Any, x: Tensor) -> Tensor:
    """The neighbours of each token, unfolded, and their weighted sum."""
    x = by_head(F.glu(m.input(x), -1), HEADS)
    around = F.pad(x, (0, 0, m.kernel_size - 1, 0)).unfold(2, m.kernel_size, 1)
    return m.out(side_by_side(torch.einsum("bhtdk,hk->bhtd", around, m.tap.softmax(-1))))


def sparsemax(m: Any, x: Tensor) -> Tensor:
    """Martins and Astudillo 2016, algorithm 1, differentiated by torch."""
    q, k, v = m.projections.all_of(x)
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~causal(x.shape[1]), -1e9)
    ordered = scores.sort(-1, descending=True).values
    count = torch.arange(1, scores.shape[-1] + 1)
    inside = 1 + count * ordered > ordered.cumsum(-1)
    size = inside.sum(-1, keepdim=True)
    threshold = ((ordered * inside).sum(-1, keepdim=True) - 1) / size
    return m.projections.join((scores - threshold).relu() @ v)


PLAIN: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "additive": additive,
    "gqa": gqa,
    "lightconv": lightconv,
    "linear": linear,
    "sparsemax": sparsemax,
    "window": window,
}


def contenders(name: str, sentences: int, tokens: int) -> dict[str, Callable[[], None]]:
    """A step of each form, which give the same."""
    place = Place(Role.DECODER, DIM, DIM, DIM)
    m: nn.Module = registry.build("attention", {"name": name, "heads": HEADS}, place=place)
    x = torch.randn(sentences, tokens, DIM, requires_grad=True)
    position = torch.arange(tokens).expand(sentences, -1)
    valid = torch.ones(sentences, tokens, dtype=torch.bool)
    above = torch.randn(sentences, tokens, DIM)

    def step(form: Callable[[], Tensor]) -> list[Tensor]:
        y = form()
        return [y, *torch.autograd.grad(y, [x, *m.parameters()], above)]

    forms = {
        "plain": lambda: PLAIN[name](m, x),
        "attn": lambda: m(Stream(x, position, valid)).y,
    }
    for one, other in zip(*map(step, forms.values()), strict=True):
        largest = float(one.detach().abs().max())
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * largest)
    return {of: lambda form=form: step(form) and None for of, form in forms.items()}


def main() -> None:
    """Take turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    shapes = " | ".join(f"{sentences} x {tokens}" for sentences, tokens in SHAPES)
    print(f"| attention | {shapes} |\n|---|{'---|' * len(SHAPES)}")  # noqa: T201
    for name in PLAIN:
        print(f"| {name} | {' | '.join(cell(name, *s, rounds) for s in SHAPES)} |")  # noqa: T201


def cell(name: str, sentences: int, tokens: int, rounds: int) -> str:
    """Milliseconds of a step of both forms, and how many times as fast ours is."""
    steps = contenders(name, sentences, tokens)
    times: dict[str, list[float]] = {of: [] for of in steps}
    for _ in range(rounds + 1):
        for of, step in steps.items():
            began = time.perf_counter()
            step()
            times[of].append(time.perf_counter() - began)
    plain, ours = (statistics.median(taken[1:]) for taken in times.values())
    return f"{plain * 1e3:.1f} / {ours * 1e3:.1f} = {plain / ours:.2f}"


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
