"""``attn compare``: a table of variants, from the folders of their runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, tables
from attn.compare import reading, report, table, variants
from attn.registry import ConfigError, suggest

PURPOSE = "compare runs: a row for each variant, over its seeds"
EXAMPLES = """
attn compare runs=outputs/demo
attn compare runs=[outputs/demo,outputs/other] split=longer
attn compare runs=outputs/demo format=csv > demo.csv
attn compare runs=outputs/demo report=report.html
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: folders without runs, an unknown format."""
    asked = assemble.plain(cfg)
    found = []
    if asked["format"] not in tables.FORMATS:
        found.append(
            f"format={asked['format']}: unknown; {suggest(str(asked['format']), tables.FORMATS)}"
        )
    if asked["report"] is not None:
        found += report.problems(str(asked["report"]))
    try:
        if asked["runs"] != MISSING:
            reading.check(_paths(asked))
    except ConfigError as error:
        found += error.problems
    return found


def run(cfg: DictConfig) -> None:
    """Print the table; remarks go to standard error unless it is for a terminal."""
    asked = assemble.plain(cfg)
    runs, split = reading.read(_paths(asked)), str(asked["split"])
    header, rows, remarks = table.table(runs, split)
    if asked["report"] is not None:
        _report(asked, runs, (header, rows, remarks))
    people = asked["format"] == "terminal"
    if people:
        tables.show(header, rows)
    else:
        if asked["format"] == "csv":
            rows = [[table.bare(cell) for cell in row] for row in rows]
        sys.stdout.write(tables.FORMATS[asked["format"]](header, rows))
    (sys.stdout if people else sys.stderr).write("".join(f"{line}\n" for line in remarks))


def _report(asked: dict[str, Any], runs: Sequence[reading.Run], made: report.Table) -> None:
    report.write(
        Path(str(asked["report"])),
        f"attn compare: {', '.join(_paths(asked))}",
        variants=variants.variants(runs),
        split=str(asked["split"]),
        table=made,
    )


def _paths(asked: dict[str, Any]) -> list[str]:
    paths = asked["runs"]
    return [str(path) for path in (paths if isinstance(paths, list) else [paths])]
