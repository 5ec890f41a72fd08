"""Modules of the user's own."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path


def load(modules: Sequence[str]) -> list[str]:
    """Import modules from ``sys.path`` or the current directory; a line for each that fails."""
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.append(here)
    return [problem for module in modules if (problem := _import(module))]


def _import(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a user's module may raise anything
        return f"plugins=[{module}]: {type(error).__name__}: {' '.join(str(error).split())}"
    return None
