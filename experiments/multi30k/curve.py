"""The dev scores of each run of a study, step by step, as its ``metrics.jsonl`` has them.

.venv/bin/python experiments/multi30k/curve.py FOLDER > FILE.csv
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from attn import runs, tables

METRICS = {"loss": 3, "BLEU": 2, "chrF": 2}  # and how many decimals


def rows(folder: Path) -> Iterator[list[str | float]]:
    """A row for each validation."""
    for run in sorted(folder.glob("*/seed-*")):
        for one in runs.figures(run):
            if one.get("group") == "dev":
                scores = [round(one[name], digits) for name, digits in METRICS.items()]
                yield [run.name.removeprefix("seed-"), one["step"], *scores]


if __name__ == "__main__":
    header = ["seed", "step", *(f"dev {name}" for name in METRICS)]
    found = rows(Path(sys.argv[1]))
    tables.put("csv", [dict(zip(header, row, strict=True)) for row in found])
