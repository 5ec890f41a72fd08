"""How long attn compare takes for thousands of finished runs, and how much memory.

    python experiments/significance/many_runs.py FOLDER --runs 2000

The runs are made up in FOLDER, as training and evaluation leave them but for their weights.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from attn.files import checksum_of
from attn.scoring import Scoring

SEEDS, SENTENCES, REPORTS = 5, 1000, 500


def config(variant: int, seed: int) -> dict[str, Any]:
    """A config as long as those of real runs, variants apart in two options."""
    command = [
        sys.executable,
        "-m",
        "attn",
        "train",
        "experiment=smoke",
        "--cfg",
        "job",
        "--resolve",
    ]
    if not BASE:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        BASE.update(OmegaConf.to_container(OmegaConf.create(said)))
    model = {**BASE["model"], "dim": 8 * (variant % 20 + 1), "dropout": 0.01 * (variant // 20)}
    return {**BASE, "seed": seed, "model": model}


BASE: dict[str, Any] = {}


def leave(run: Path, variant: int, seed: int, random: np.random.Generator) -> None:
    """The files of a finished and evaluated run."""
    chosen, scoring = config(variant, seed), Scoring().signatures()
    for name in ("sentences", "checkpoints/step-400", "checkpoints/step-500", "translations"):
        (run / name).mkdir(parents=True)
    put(run / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(chosen)))
    put(run / "status.json", {"state": "finished"})
    put(run / "data.json", {"test": "test", "references": {"dev": "1" * 64}})
    reports = [{"step": n, "group": "train", "tokens_per_second": 900.0 + n, "memory_gib": 0.5}
               for n in range(REPORTS)]  # fmt: skip
    ends = [{"step": REPORTS, "group": "dev", "BLEU": 30.0, "minutes": 2.0}]
    put(run / "metrics.jsonl", "".join(f"{json.dumps(one)}\n" for one in [*reports, *ends]))
    dev = {name: {"score": 30 + random.normal(), "signature": one} for name, one in scoring.items()}
    for step in (400, 500):
        meta = {"score": float(step), "parameters": 1000, "dev": dev, "config": chosen,
                "version": "0.1.0", "step": step, "format": 2, "sha256": {}}  # fmt: skip
        put(
            run / f"checkpoints/step-{step}/meta.json",
            {**meta, "sha256": {"meta.json": checksum_of(meta)}},
        )
    matches = random.binomial(10, 0.5 + 0.01 * random.normal(), (SENTENCES, 4))
    rows = np.concatenate([np.full((SENTENCES, 2), 12), matches, np.full((SENTENCES, 4), 10)], 1)
    marks = {"reference": "2" * 64, "translations": f"{variant:032}{seed:032}"}
    entry = {
        **{name: {"score": 30.0, "signature": one} for name, one in scoring.items()},
        **marks,
        "checkpoint": {"name": "step-500", "attn": "0.1.0"},
        "search": chosen["search"],
    }
    put(
        run / "scores.json",
        {
            "test": {
                "beam step-500": {**entry, "sha256": checksum_of(["test", "beam step-500", entry])}
            }
        },
    )
    buffer = io.BytesIO()
    np.savez_compressed(buffer, BLEU=rows.astype(np.float64), **marks)
    (run / "sentences/test.beam-step-500.npz").write_bytes(buffer.getvalue())


def put(path: Path, content: Any) -> None:
    """Text as it is, all else as JSON."""
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def main() -> None:
    """Make the runs, unless they are there, and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    asked = parser.parse_args()
    random = np.random.default_rng(1)
    for number in range(asked.runs):
        variant, seed = divmod(number, SEEDS)
        run = asked.folder / f"variant-{variant}" / f"seed-{seed + 1}"
        if not run.exists():
            leave(run, variant, seed + 1, random)
    command = [sys.executable, "-m", "attn", "compare", f"runs={asked.folder}"]
    for more in ([], ["baseline=model.dim=8 model.dropout=0.0"]):
        began, before = time.perf_counter(), cpu()
        said = subprocess.run([*command, *more], check=True, capture_output=True, text=True).stdout
        wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        sys.stdout.write(
            f"{asked.runs} runs {more}: {wall:.1f} s, {cpu() - before:.1f} s of CPU, "
            f"{used.ru_maxrss / 2**20:.2f} GiB at the peak, {len(said.splitlines())} lines\n"
        )


def cpu() -> float:
    """The CPU seconds of all that was run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
