"""A run on disk: its folder, its identity, its status."""

import fcntl
import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from attn.files import write_json, write_text
from attn.registry import ConfigError

CONFIG = "config.yaml"
# What may differ between two runs of one identity: it does not change the trained model.
APART = {
    "seed",
    "output",
    "study",
    "plugins",
    "search",
    "validation_search",
    "scoring",
    "dataset",
    "filters",
    "precision",
    "trainer",
}
LENGTH_AND_WATCHING = {
    "steps",
    "minutes",
    "log_every",
    "evaluate_every",
    "keep_best",
    "keep_last",
    "samples",
    "metric",
    "patience",
    "max_skipped",
}


def identity(config: Mapping[str, Any], *, data: str, number_format: str, needs_steps: bool) -> str:
    """Eight digits that two runs share if and only if they train the same model but for the seed.

    The content of the data counts, not where it lies; the length of training only where the
    schedule's shape depends on it, so that a longer run continues a shorter one.
    """
    counted = {key: value for key, value in config.items() if key not in APART}
    trainer = config["trainer"]
    counted["trainer"] = {k: v for k, v in trainer.items() if k not in LENGTH_AND_WATCHING}
    batches = config.get("batches") or {}
    counted["batches"] = {k: v for k, v in batches.items() if k != "ahead"}
    if needs_steps:
        counted["trainer"]["steps"] = trainer["steps"]
    counted |= {"data": data, "format": number_format}
    text = json.dumps(counted, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def folder(config: Mapping[str, Any], identity: str) -> Path:
    """``output/study/choices-identity/seed-n``, of the letters that every file system takes."""
    choices = "-".join(str(config[kind]["name"]) for kind in ("model", "attention", "position"))
    parts = (str(config["study"]), f"{choices}-{identity}", f"seed-{config['seed']}")
    safe = [re.sub(r"[^A-Za-z0-9._-]+", "_", part) for part in parts]
    return Path(config["output"]).joinpath(*safe)


def save_config(run: Path, config: Mapping[str, Any]) -> None:
    """Write the resolved config, as plain YAML."""
    write_text(run / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dict(config))))


def load_config(run: Path) -> dict[str, Any]:
    """The config that a run was trained with."""
    config = OmegaConf.to_container(OmegaConf.load(run / CONFIG))
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()}


def set_status(run: Path, state: str, **details: Any) -> None:
    """Replace status.json: running, finished, interrupted or failed, since when, what else."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    write_json(run / "status.json", {"state": state, "since": now, **details})


def status(run: Path) -> str | None:
    """The state in status.json; none where there is none."""
    path = run / "status.json"
    return json.loads(path.read_text(encoding="utf-8"))["state"] if path.exists() else None


@contextmanager
def claimed(run: Path) -> Iterator[None]:
    """Hold a run, as long as this process lives, so that no other trains it at the same time.

    Raises:
        ConfigError: another process holds it; says which.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / ".claim").open("a+", encoding="utf-8") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.seek(0)
            raise ConfigError([
                f"{run}: {claim.read() or 'another process'} trains this run; wait, or end it"
            ]) from None
        claim.truncate(0)
        claim.write(f"process {os.getpid()} on {platform.node()}")
        claim.flush()
        yield


def find(path: str) -> Path:
    """The run at a path, or the only one below it.

    Raises:
        ConfigError: no folder, no run in it, or several of them, which are named.
    """
    start = Path(path)
    if not start.is_dir():
        raise ConfigError([f"run={path}: there is no such folder"])
    if (start / CONFIG).is_file():
        return start
    found = sorted(config.parent for config in start.rglob(CONFIG))
    if not found:
        raise ConfigError([f"run={path}: holds no run; a run's folder holds {CONFIG}"])
    if len(found) > 1:
        listed = "".join(f"\n  run={one}" for one in found[:20])
        raise ConfigError([f"run={path}: holds {len(found)} runs; choose one of{listed}"])
    return found[0]
