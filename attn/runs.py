"""A run on disk: its folder, its identity, its status."""

import fcntl
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from attn.files import read_json, write_json, write_text, writing
from attn.registry import ConfigError

CONFIG = "config.yaml"
LONGEST = 255  # letters of a name, on most file systems
AGAIN = "the command that trained the run writes it anew"
STATES = ("planned", "running", "interrupted", "finished", "failed")
UNREADABLE = "unreadable status.json"


def folder(config: Mapping[str, Any], identity: str, attention: str) -> Path:
    """``output/study/choices-identity/seed-n``, of the letters that every file system takes.

    ``attention`` says in a word which attentions there are.
    """
    choices = f"{config['model']['name']}-{attention}-{config['position']['name']}"
    parts = (str(config["study"]), f"{choices}-{identity}", f"seed-{config['seed']}")
    return Path(str(config["output"])).joinpath(*map(safe, parts))


def safe(name: str) -> str:
    """A name in letters that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def save_config(run: Path, config: Mapping[str, Any]) -> None:
    """Write the resolved config, as plain YAML."""
    write_text(run / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dict(config))))


def load_config(run: Path) -> dict[str, Any]:
    """The config that a run was trained with.

    Raises:
        ConfigError: it cannot be read, or is no config.
    """
    path = run / CONFIG
    try:
        config = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from None
    except (ValueError, RecursionError, YAMLError, OmegaConfBaseException) as error:
        raise ConfigError([
            f"{path}: is not as it was written ({_brief(error)}); {AGAIN}"
        ]) from None
    if not isinstance(config, dict):
        raise ConfigError([f"{path}: is not as it was written (it has no sections); {AGAIN}"])
    return {str(key): value for key, value in config.items()}


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())


def set_status(run: Path, state: str, **details: Any) -> None:
    """Replace status.json: running, finished, interrupted or failed, since when, what else.

    Raises:
        WriteError: it could not be written.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    write_json(run / "status.json", {"state": state, "since": now, **details})


def status(run: Path) -> str | None:
    """The state in status.json; none where there is none, ``unreadable`` where it holds none."""
    path = run / "status.json"
    if not path.exists():
        return None
    try:
        state = read_json(path)["state"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return UNREADABLE
    return state if state in STATES else UNREADABLE


@contextmanager
def claimed(run: Path) -> Iterator[None]:
    """Hold a run, as long as this process lives, so that no other trains it at the same time.

    Raises:
        ConfigError: another process holds it; says which.
        WriteError: the run's folder cannot be written.
    """
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        claim = (run / ".claim").open("a+b", buffering=0)
    with claim:
        with writing(run / ".claim"):
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                claim.seek(0)
                holder = claim.read().decode(errors="replace") or "another process"
                raise ConfigError([f"{run}: {holder} trains this run; wait, or end it"]) from None
            claim.truncate(0)
            claim.write(f"process {os.getpid()} on {platform.node()}".encode())
            _tidy(run)
        yield


def _tidy(run: Path) -> None:
    """Remove what a kill left half written of the files that training writes."""
    for name in (CONFIG, "status.json", "data.json", "metrics.jsonl", "log.txt"):
        for left in run.glob(f".{name}.*.part"):
            left.unlink(missing_ok=True)


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
        listed = ", ".join(f"run={one}" for one in found[:20])
        raise ConfigError([f"run={path}: holds {len(found)} runs; choose one of {listed}"])
    return found[0]
