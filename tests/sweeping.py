"""Sweeps whose jobs only leave what training leaves: a folder, its status, its figures."""

import contextlib
import importlib
import os
import random
import signal
import time
from pathlib import Path

OPTIONS = ["output=runs", "study=one", "trainer.steps=20"]


def job(cfg):
    """A training, each saved, by a process that holds the run; its score."""
    claims, ledger, runs, files, registry = (
        importlib.import_module(f"attn.{name}")
        for name in ("claims", "ledger", "runs", "files", "registry")
    )
    variant = f"clip-{cfg.trainer.clip}"
    run = Path(cfg.output) / cfg.study / variant / f"seed-{cfg.seed}"
    ledger.told(run, importlib.import_module("attn.touched").stamped([Path("data")]))
    with claims.claimed(run):
        runs.set_status(run, "running")
        text = (run / "saved").read_text() if (run / "saved").exists() else ""
        with Path("begun").open("a") as begun:
            begun.write(f"{variant} {cfg.seed}\n")
        if cfg.seed == 13:
            raise RuntimeError("the disk\n is full")
        if cfg.seed == 14:
            raise registry.ConfigError(["seed=14: one", "seed=14: other"])
        if cfg.seed == 15 and not Path("patient").exists():
            raise KeyboardInterrupt
        drawn = whole(variant, cfg.seed, cfg.trainer.steps)
        while len(text) < len(drawn):
            time.sleep(float(os.environ.get("PACE", "0")))
            text = drawn[: len(text) + 1]
            with Path("steps").open("a") as steps:
                steps.write(f"{variant} {cfg.seed} {len(text)}\n")
            files.write_text(run / "saved", text)
        runs.set_status(run, "finished")
    return 1.0


def whole(variant, seed, steps=20):
    """What a job has saved at its end."""
    draw = random.Random(f"{variant} {seed}")
    return "".join(draw.choice("abc") for _ in range(steps))


def train(arguments):
    """A process that sweeps with such jobs."""
    module = importlib.import_module("attn.commands.train")
    module.run, module.check = job, lambda _: []
    with Path(f"said-{os.getpid()}").open("w") as said, contextlib.redirect_stdout(said):
        code = importlib.import_module("attn.cli").main(["train", *OPTIONS, *arguments])
    os._exit(code)


def saved():
    """What the jobs have saved, by run."""
    return {str(one.parent): one.read_text() for one in sorted(Path("runs").rglob("saved"))}


def killed(process, seconds):
    """Whether a process was killed, after so many seconds at most."""
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL
