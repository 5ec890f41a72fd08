"""Linear maps with int8 weights beside fp32, by turns, in one thread.

Products of the sizes that decoding `tiny` has, by ``torch.ao.quantization.quantize_dynamic`` and by
``torch._int_mm`` with a scale for each row; then searches whose output projection alone is int8.

    .venv/bin/python experiments/speed/int8.py
"""

import copy
import statistics
import time
import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from attn import assemble, registry

VOCABULARY, SENTENCES, LENGTH, MOST = 8000, 128, 14, 16
PRODUCTS = [
    ("logits", 600, 128, VOCABULARY, 1),
    ("logits", 64, 128, VOCABULARY, 5),
    ("projection", 600, 128, 128, 50),
    ("feed-forward in", 600, 128, 256, 50),
    ("feed-forward out", 600, 256, 128, 50),
    ("projection", 64, 128, 128, 200),
]
TINY = {
    "model": {
        "name": "transformer",
        "encoder_layers": 4,
        "decoder_layers": 4,
        "dim": 128,
        "feedforward_dim": 256,
        "heads": 4,
    },
    "attention": {"name": "softmax", "heads": 4},
    "attention_elsewhere": {"name": "softmax", "heads": 4},
    "position": {"name": "sinusoidal"},
}
Runs = Mapping[str, Callable[[], object]]


def seconds(runs: Runs, *, turns: int, repeats: int) -> dict[str, list[float]]:
    """What each took at each turn, after a turn that warms up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(turns + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            for _ in range(repeats):
                run()
            if turn:
                times[name].append((time.perf_counter() - began) / repeats)
    return times


def show(what: str, times: Mapping[str, list[float]]) -> None:
    """Medians, and how many times as fast as fp32 each is, turn by turn."""
    said = []
    for name, some in times.items():
        ratio = statistics.median(a / b for a, b in zip(times["fp32"], some, strict=True))
        said.append(f"{name} {1000 * statistics.median(some):.3f} ms (x {ratio:.2f})")
    print(f"{what:33}{', '.join(said)}", flush=True)  # noqa: T201


def quantised(map_: nn.Linear) -> nn.Module:
    """A linear map whose weights are int8, and whose input is rounded at each call."""
    made: nn.Module = torch.ao.quantization.quantize_dynamic(
        nn.Sequential(map_), {nn.Linear}, dtype=torch.qint8
    )[0]
    return made


def products(rows: int, inner: int, outer: int) -> Runs:
    """One product, in three ways."""
    x, plain = torch.randn(rows, inner), nn.Linear(inner, outer, bias=False)
    short = quantised(plain)
    size = plain.weight.abs().amax(1) / 127
    weight = (plain.weight.t() / size).round().to(torch.int8)

    def own() -> Tensor:
        scale = x.abs().amax(1, keepdim=True) / 127
        return torch._int_mm((x / scale).round().to(torch.int8), weight).float() * scale * size

    return {"fp32": lambda: plain(x), "dynamic": lambda: short(x), "_int_mm": own}


def searches(name: str, **options: object) -> Runs:
    """A search with the output projection in fp32 and in int8."""
    model = assemble.model(TINY, source_size=VOCABULARY, target_size=VOCABULARY).eval()
    short = copy.deepcopy(model)
    short.output = quantised(short.output)  # type: ignore[arg-type]
    limits = {"max_ratio": 0.0, "max_extra": MOST}
    find = registry.build("search", {"name": name, **limits, **options})
    source = torch.randint(4, VOCABULARY, (SENTENCES, LENGTH))
    valid = torch.ones_like(source, dtype=torch.bool)
    return {"fp32": lambda: find(model, source, valid), "int8": lambda: find(short, source, valid)}


@torch.no_grad()
def main() -> None:
    """Print a line for each size and each search."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # all of this is deprecated
    print(f"torch {torch.__version__}, {torch.backends.quantized.engine}")  # noqa: T201
    for what, rows, inner, outer, repeats in PRODUCTS:
        times = seconds(products(rows, inner, outer), turns=15, repeats=repeats)
        show(f"{what} {rows} x {inner} x {outer}", times)
    for name, options in (("greedy", {}), ("beam", {"size": 5})):
        show(
            f"{name}, {SENTENCES} sentences", seconds(searches(name, **options), turns=9, repeats=1)
        )


if __name__ == "__main__":
    main()
