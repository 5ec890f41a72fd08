"""Does every attention learn, in every role that it serves?

Each cell trains a small Transformer on ``reverse``: one attention in one role, softmax in the
others. Each adds a row to ``results.csv``; the same command again trains only what is missing.

    .venv/bin/python experiments/contract/learn.py
"""

import csv
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from attn import registry
from attn.contract import Role
from attn.roles import made_names
from attn.verify import Case, stream

RESULTS = Path(__file__).with_name("results.csv")
LENGTHS = (16, 64, 256)
TRAINING = (
    "dataset=reverse",
    "dataset.train_size=4000",
    "dataset.max_length=10",
    "dataset.dev_size=200",
    "tokenizer=words",
    "model=tiny",
    "model.encoder_layers=2",
    "model.decoder_layers=2",
    "model.dim=64",
    "model.heads=4",
    "model.feedforward_dim=128",
    "model.norm=pre",
    "model.dropout=0.0",
    "loss.label_smoothing=0.0",
    "optimizer.learning_rate=0.003",
    "schedule=cosine",
    "schedule.warmup=30",
    "batches.tokens=1024",
    "precision.dtype=fp32",
    "precision.threads=1",
    "trainer.steps=200",
    "trainer.minutes=0.33",
    "trainer.log_every=50",
    "trainer.evaluate_every=200",
    "trainer.keep_best=1",
    "trainer.samples=0",
)
FIELDS = (
    "attention",
    "role",
    "loss",
    "BLEU",
    "steps",
    "seconds",
    "parameters",
    "tokens_per_second",
    *(f"state_bytes_per_token_{length}" for length in LENGTHS),
)


def main() -> None:
    """Train every cell that has no row yet."""
    done = set()
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            done = {(row["attention"], row["role"]) for row in csv.DictReader(file)}
    chosen = sys.argv[1:] or made_names()
    for name in chosen:
        for role in Role:
            serves = registry.find("attention", name).capabilities.roles  # type: ignore[attr-defined]
            if role in serves and (name, role.value) not in done:
                add(measure(name, role))


def measure(name: str, role: Role) -> dict[str, object]:
    """The row of one cell."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "attn", "train", *TRAINING]
        command += [f"{role.value}_attention={name}", f"output={output}"]
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begun
        (figures,) = Path(output).glob("**/metrics.jsonl")
        lines = [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()]
        meta = json.loads(next(Path(output).glob("**/step-*/meta.json")).read_text("utf-8"))
    dev = [line for line in lines if line["group"] == "dev"][-1]
    rates = sorted(line["tokens_per_second"] for line in lines if line["group"] == "train")
    return {
        "attention": name,
        "role": role.value,
        "loss": round(dev["loss"], 4),
        "BLEU": round(dev["BLEU"], 2),
        "steps": dev["step"],
        "seconds": round(seconds, 1),
        "parameters": meta["parameters"],
        "tokens_per_second": round(rates[len(rates) // 2]),
        **state_bytes(name, role),
    }


@torch.no_grad()
def state_bytes(name: str, role: Role) -> dict[str, float]:
    """Bytes that decoding keeps of a sentence, for each of its tokens; of width 64, in float32."""
    if role is Role.ENCODER:
        return {}
    attention = Case(name, role).build(dim=64).float()  # type: ignore[attr-defined]
    found = {}
    for length in LENGTHS:
        tokens = stream(1, length, 64)
        tokens = dataclasses.replace(tokens, x=tokens.x.float())
        if role is Role.CROSS:
            state = attention.start(tokens, rows=1, capacity=length)
        else:
            state = attention.start(None, rows=1, capacity=length)
            state = attention(tokens, state=state).state
        found[f"state_bytes_per_token_{length}"] = round(state.nbytes() / length, 1)
    return found


def add(row: dict[str, object]) -> None:
    """Append a row, and show it."""
    new = not RESULTS.exists()
    with RESULTS.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(*row.values(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
