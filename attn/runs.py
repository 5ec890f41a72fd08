"""A run on disk: its folder, its identity, its status."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from attn.files import read_json, whole_lines, write_json, write_text
from attn.registry import ConfigError
from attn.remarks import warn

CONFIG, STATUS, METRICS = "config.yaml", "status.json", "metrics.jsonl"
LONGEST = 255  # letters of a name, on most file systems
BRIEF = 200  # letters of what another library says
AGAIN = "the command that trained the run writes it anew"
STATES = ("planned", "running", "interrupted", "finished", "failed")
UNREADABLE = "unreadable status.json"
_turn = threading.Lock()  # of those who write a status.json


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
    """An error in a line; of a section that refers to itself, omegaconf writes the whole path."""
    line = " ".join(str(error).split())
    return line if len(line) <= BRIEF else f"{line[:BRIEF]} ..."


def set_status(run: Path, state: str, **details: Any) -> None:
    """Replace status.json: running, finished, interrupted or failed, since when, what else.

    Raises:
        WriteError: it could not be written.
    """
    now = time.time()
    alive = {"heartbeat": now} if state == "running" else {}
    with _turn:
        write_json(run / STATUS, {"state": state, "since": clock(now), **alive, **details})


def beat(run: Path) -> None:
    """Tell that the process that trains a run is alive; of a run that is not running, nothing.

    Raises:
        WriteError: it could not be told.
    """
    with _turn:
        if (known := read_status(run)).get("state") == "running":
            write_json(run / STATUS, {**known, "heartbeat": time.time()})


def clock(seconds: float) -> str:
    """A time as status.json tells it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds))


def read_status(run: Path) -> dict[str, Any]:
    """What status.json holds; nothing where there is none, or it is not as it was written."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = read_json(run / STATUS)
        return found if isinstance(found, dict) else {}
    return {}


def figures(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, each of a step; what is no such line is left out, and told."""
    path = run / METRICS
    found = [_of_step(line) for line in whole_lines(path)]
    for number, one in enumerate(found, 1):
        if one is None:
            warn(f"{path}, line {number}: is not as it was written, and left out")
    return [one for one in found if one is not None]


def _of_step(line: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        one = json.loads(line)
        if isinstance(one, dict) and isinstance(one.get("step"), int) and one["step"] > 0:
            return one
    return None


def status(run: Path) -> str | None:
    """The state in status.json; none where there is none, ``unreadable`` where it holds none."""
    if not (run / STATUS).exists():
        return None
    state = read_status(run).get("state")
    return state if state in STATES else UNREADABLE


def missing(path: str) -> str:
    """What to say of a path of ``runs`` that is no folder; paths may hold commas."""
    several = f"; several are written as runs=[{path}]" if "," in path else ""
    return f"runs={path}: there is no such folder{several}"


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
