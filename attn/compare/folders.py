"""Where runs lie, and their configs, read fast: there may be thousands of them."""

import contextlib
import functools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

from attn import runs
from attn.registry import ConfigError


class Fast(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen as it runs
    """Reads values as OmegaConf does, in C where that is built."""

    yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers


SECTION = re.compile(r"^(?=[A-Za-z_])", re.MULTILINE)


def find(paths: Sequence[str]) -> list[Path]:
    """The folders of all runs at and below some paths.

    Raises:
        ConfigError: a path that is no folder, or below which there is no run.
    """
    found: dict[Path, None] = {}
    problems = []
    for path in paths:
        below = sorted(_below(path))
        if not Path(path).is_dir():
            problems.append(runs.missing(path))
        elif not below:
            problems.append(f"runs={path}: holds no run; a run's folder holds {runs.CONFIG}")
        found |= dict.fromkeys(below)
    if problems:
        raise ConfigError(problems)
    return list(found)


def _below(path: str) -> Iterator[Path]:
    """The folders that hold a config; what lies in the folder of a run is no run."""
    for folder, inside, files in os.walk(path):
        if runs.CONFIG in files:
            inside.clear()
            yield Path(folder)


def config(folder: Path) -> dict[str, Any]:
    """The config of a run, section by section: those that are alike in many runs are read once.

    Nothing in it may be changed.

    Raises:
        ConfigError: it cannot be read, or is no config.
    """
    unlike = AttributeError, OSError, RecursionError, TypeError, ValueError, yaml.YAMLError
    with contextlib.suppress(*unlike):
        text = (folder / runs.CONFIG).read_text(encoding="utf-8")
        parts = [_section(part) for part in SECTION.split(text) if part.strip()]
        merged = {key: value for part in parts for key, value in part.items()}
        if len(merged) == len(parts) and "${" not in text:
            return merged
    return runs.load_config(folder)  # which tells what is wrong with it, or understands it


@functools.lru_cache(maxsize=4096)
def _section(text: str) -> dict[str, Any]:
    """A key and its value; one of many errors if it is something else, as a comment is."""
    ((key, value),) = yaml.load(text, Fast).items()
    return {str(key): value}
