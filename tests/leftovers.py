"""What a run leaves, and whether two runs left the same."""

import json
import re

import torch

TIMED = ("minutes", "tokens_per_second", "memory_gib")


def figures(run):
    """What metrics.jsonl tells, but for what the clock and the machine decide."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [{key: value for key, value in one.items() if key not in TIMED} for one in lines]


def said(run):
    """What log.txt tells of steps and samples, without times and speeds."""
    lines = [line.split(" ", 2)[2] for line in (run / "log.txt").read_text().splitlines()]
    steps = [line for line in lines if re.match(r"(dev at )?step \d+  ", line)]
    return [line.partition(" tokens/s")[0].rpartition("  ")[0] for line in steps]


def same(one, other):
    """Equality of nested values, tensors bit by bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def outcome(output):
    """All that a run leaves and the clock does not decide."""
    # Not imported above: conftest.py is read before shapes are checked in what is imported.
    from attn import runs, snapshot  # noqa: PLC0415
    from attn.checkpoint import Checkpoints  # noqa: PLC0415

    run = runs.find(str(output))
    kept = Checkpoints(run / "checkpoints")
    weights, state, meta = snapshot.load(kept.find("last"))
    for part in ("progress", "meter"):
        state[part].pop("seconds")
    best = snapshot.load_meta(kept.find("best"))
    return {
        "steps": kept.steps(),
        "weights": weights,
        "state": state,
        "dev": [meta["dev"], meta["dev_loss"], best["step"], best["score"]],
        "figures": figures(run),
        "status": runs.status(run),
        "name": run.relative_to(output),
    }
