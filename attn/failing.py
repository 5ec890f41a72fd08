"""What is said of a failure, and the exit code for it."""

import os
import sys
import traceback
from collections.abc import Sequence

from attn.modules import where
from attn.outlet import FULL, is_full
from attn.registry import ConfigError, RunError

FAILED, WRONG_INPUT = 1, 2


def line(command: str, error: Exception, job: Sequence[str] = ()) -> str:
    """What went wrong with a command, for its user; ``job`` are the arguments of one of many."""
    if isinstance(error, ConfigError):
        return "".join(f"{problem}\n" for problem in error.problems)
    failed = " ".join(["attn", command, *job])
    if is_full(error):
        return f"{failed}: {FULL}\n"
    if isinstance(error, RunError):
        return f"{failed}: {error}\n"
    return f"{failed}: failed: {brief(error)}\nHYDRA_FULL_ERROR=1 before the command shows where\n"


def code(error: Exception) -> int:
    """The exit code for an error, which is shown whole if that is wished for."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        sys.stderr.write("".join(traceback.format_exception(error)))
    return WRONG_INPUT if isinstance(error, ConfigError) else FAILED


def brief(error: BaseException) -> str:
    """What went wrong, on one line."""
    said = "; ".join(error.problems) if isinstance(error, ConfigError) else str(error)
    reason = " ".join(said.split()) or "no reason given"
    plain = isinstance(error, (ConfigError, RunError))
    return reason if plain else f"{type(error).__name__}: {reason}{where(error)}"
