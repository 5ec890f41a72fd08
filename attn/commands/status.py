"""``attn status``: how far the runs of a study are, and which are still to come."""

import sys
from collections import Counter
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from attn import progress, tables
from attn.runs import STATES

PURPOSE = "show how far the runs of a study are: planned, running, finished, failed"
EXAMPLES = """
attn status outputs/demo
attn status runs=[outputs/demo,outputs/other]
attn status outputs/demo format=csv > demo.csv
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: folders without runs or planned jobs, an unknown format."""
    found = tables.format_problems(str(cfg.format))
    return found + (progress.problems(_paths(cfg)) if _paths(cfg) != [MISSING] else [])


def run(cfg: DictConfig) -> None:
    """Print the table; how many there are of each state goes to standard error for programs."""
    rows = progress.read(_paths(cfg))
    people = cfg.format in {"terminal", "markdown"}
    tables.put(str(cfg.format), progress.table(rows, people=people))
    (sys.stdout if cfg.format == "terminal" else sys.stderr).write(f"{_counts(rows)}\n")


def _counts(rows: list[progress.Row]) -> str:
    counts = Counter(row.state for row in rows)
    told = [f"{counts[state]} {state}" for state in (*STATES, *sorted({*counts} - {*STATES}))]
    counted = ", ".join(one for one in told if not one.startswith("0 "))
    left = progress.left(rows)
    return counted if left is None else f"{counted}; {left}"


def _paths(cfg: DictConfig) -> list[str]:
    paths: Any = OmegaConf.to_container(cfg)["runs"]  # type: ignore[call-overload,index]
    return [str(path) for path in (paths if isinstance(paths, list) else [paths])]
