"""``attn compare``: a table of variants, from the folders of their runs."""

import sys
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, tables
from attn.compare import reading, table
from attn.registry import ConfigError, suggest

PURPOSE = "compare runs: a row for each variant, over its seeds"
EXAMPLES = """
attn compare runs=outputs/demo
attn compare runs=[outputs/demo,outputs/other] split=longer
attn compare runs=outputs/demo format=csv > demo.csv
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: folders without runs, an unknown format."""
    asked = assemble.plain(cfg)
    found = []
    if asked["format"] not in tables.FORMATS:
        found.append(
            f"format={asked['format']}: unknown; {suggest(str(asked['format']), tables.FORMATS)}"
        )
    try:
        if asked["runs"] != MISSING:
            reading.check(_paths(asked))
    except ConfigError as error:
        found += error.problems
    return found


def run(cfg: DictConfig) -> None:
    """Print the table; remarks go to standard error unless it is for a terminal."""
    asked = assemble.plain(cfg)
    header, rows, remarks = table.table(reading.read(_paths(asked)), str(asked["split"]))
    people = asked["format"] == "terminal"
    if people:
        tables.show(header, rows)
    else:
        if asked["format"] == "csv":
            rows = [[table.bare(cell) for cell in row] for row in rows]
        sys.stdout.write(tables.FORMATS[asked["format"]](header, rows))
    (sys.stdout if people else sys.stderr).write("".join(f"{line}\n" for line in remarks))


def _paths(asked: dict[str, Any]) -> list[str]:
    paths = asked["runs"]
    return [str(path) for path in (paths if isinstance(paths, list) else [paths])]
