"""Training speed of ``attn`` beside a plain ``torch.nn.Transformer`` loop, in one alternating run.

Same shape, same batches, same optimiser; the plain loop has ``F.cross_entropy``, and computes in
fp32 or, under autocast, in bf16. Each contender runs in a process of its own, a few steps at a
time, so that its allocator is its own: the tuned one (glibc's GLIBC_TUNABLES) keeps freed memory,
as ``precision.keep_memory`` has it do in attn. Medians, ratios and the peak of resident memory are
printed as a table.

    make bench
    .venv/bin/python experiments/speed/bench.py --rounds 9 --shape tiny
    .venv/bin/python experiments/speed/bench.py --shape tiny --profile "attn fp32"

The last prints where the time of a contender's steps goes, by torch's operations.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn import assemble
from attn.batching import Batch, collate
from attn.loss import Loss
from attn.precision import Precision
from attn.session import Session
from attn.trainer import Trainer

VOCABULARY, PAIRS, LENGTH = 8000, 204, 19  # 204 targets of 20 tokens, end included: 4080 a step
SHAPES = {
    "tiny": (4, 128, 256, 4, 0.3),
    "small": (3, 256, 1024, 4, 0.1),
    "base": (6, 512, 2048, 8, 0.1),
}
KEPT = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=4294967296"
CONTENDERS = {
    "plain fp32": {},
    "plain fp32, allocator tuned": {"GLIBC_TUNABLES": KEPT},
    "plain bf16, allocator tuned": {"GLIBC_TUNABLES": KEPT},
    "attn fp32": {},
    "attn fp32, keep_memory=false": {},
    "attn bf16": {},
}


def batches(count: int) -> list[Batch]:
    """The same random batches for all."""
    ids = torch.randint(
        4, VOCABULARY, (count, PAIRS, 2, LENGTH), generator=torch.Generator().manual_seed(0)
    ).tolist()
    return [collate([(source, target) for source, target in some], range(PAIRS)) for some in ids]


class Plain(nn.Module):
    """What one writes in an hour with torch's own modules."""

    def __init__(self, layers: int, dim: int, inner: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.dim = dim
        self.embedding = nn.Embedding(VOCABULARY, dim)
        self.transformer = nn.Transformer(
            dim, heads, layers, layers, inner, dropout, batch_first=True
        )
        self.positions = nn.Parameter(torch.randn(1, 64, dim), requires_grad=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Tensor, inputs: Tensor) -> Tensor:
        """The logits."""
        x, y = (
            self.dropout(self.embedding(ids) * self.dim**0.5 + self.positions[:, : ids.shape[1]])
            for ids in (source, inputs)
        )
        mask = torch.ones(inputs.shape[1], inputs.shape[1]).triu(1).bool()
        padding = source == 0
        hidden = self.transformer(
            x, y, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding
        )
        return F.linear(hidden, self.embedding.weight)


def plain_steps(shape: str, some: list[Batch], dtype: str) -> list[float]:
    """Seconds of each step of the plain loop."""
    model = Plain(*SHAPES[shape])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    seconds = []
    for batch in some:
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            logits = model(batch.source, batch.inputs)
            loss = F.cross_entropy(
                logits.flatten(0, 1), batch.labels.flatten(), ignore_index=0, label_smoothing=0.1
            )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def attn_steps(shape: str, some: list[Batch], dtype: str, *, keep: bool = True) -> list[float]:
    """Seconds of each step of the trainer."""
    precision = Precision(device="cpu", dtype=dtype, keep_memory=keep)
    precision.apply()
    layers, dim, inner, heads, dropout = SHAPES[shape]
    config = {
        "model": {
            "name": "transformer",
            "encoder_layers": layers,
            "decoder_layers": layers,
            "dim": dim,
            "feedforward_dim": inner,
            "heads": heads,
            "dropout": dropout,
            "activation_dropout": dropout,  # nn.Transformer drops there too
        },
        "attention": {"name": "softmax", "heads": heads, "dropout": dropout},
        "position": {"name": "sinusoidal"},
        "optimizer": {"name": "adam"},
    }
    model = assemble.model(config, source_size=VOCABULARY, target_size=VOCABULARY)
    session = Session(
        model=model,
        loss=Loss(),
        optimizer=assemble.optimizer(config, model),
        schedule=lambda _: 1.0,
        precision=precision,
        epoch=lambda *_: iter(some),
    )
    trainer, seconds = Trainer(steps=len(some)), []
    for batch in some:
        began = time.perf_counter()
        trainer.update(session, [batch])
        seconds.append(time.perf_counter() - began)
    return seconds


def timed(contender: str, shape: str, some: list[Batch]) -> list[float]:
    """Seconds of each step of a contender."""
    loop, dtype = contender.partition(",")[0].split()
    if loop == "plain":
        return plain_steps(shape, some, dtype)
    return attn_steps(shape, some, dtype, keep="false" not in contender)


def measure(contender: str, shape: str, steps: int) -> None:
    """Print the median seconds of a step, the first two left out, and the peak of memory in GiB."""
    seconds = timed(contender, shape, batches(steps + 2))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([statistics.median(seconds[2:]), peak]))  # noqa: T201


def profile(contender: str, shape: str, steps: int) -> None:
    """Print the operations that take the most of a contender's steps."""
    with torch.profiler.profile() as found:
        timed(contender, shape, batches(steps))
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=25))  # noqa: T201


def main() -> None:
    """Run all contenders in turn, as often as asked, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--only", default="", help="contenders whose names begin like this")
    parser.add_argument("--profile", choices=CONTENDERS, help="one contender, by operations")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.contender:
        measure(asked.contender, asked.shape, asked.steps)
        return
    if asked.profile:
        profile(asked.profile, asked.shape, asked.steps)
        return
    instructions = torch.cpu._is_avx512_bf16_supported()
    names = [
        name
        for name in CONTENDERS
        if name.startswith(asked.only) and ("bf16" not in name or instructions)
    ]
    rates: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(asked.rounds):
        for name in names:
            command = [sys.executable, __file__, "--contender", name]
            command += ["--shape", asked.shape, "--steps", str(asked.steps)]
            environment = {**os.environ, **CONTENDERS[name]}
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            seconds, peak = json.loads(done.stdout)
            rates[name].append(PAIRS * (LENGTH + 1) / seconds)
            peaks[name].append(peak)
    first = statistics.median(rates[names[0]])
    title = f"target tokens/s (median of {asked.rounds})"
    print(f"| {asked.shape} | {title} | range | ratio | peak GiB |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for name, some in rates.items():
        middle = statistics.median(some)
        span = f"{min(some):.0f}-{max(some):.0f}"
        peak = statistics.median(peaks[name])
        print(f"| {name} | {middle:.0f} | {span} | {middle / first:.2f} | {peak:.2f} |")  # noqa: T201
    if not instructions:
        print("bf16 is left out: this CPU has no instructions for it")  # noqa: T201


if __name__ == "__main__":
    main()
