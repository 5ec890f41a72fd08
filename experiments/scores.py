"""Every score of every run, by seed, split, search and checkpoint, as ``attn evaluate`` kept it.

.venv/bin/python experiments/scores.py FOLDER... > FILE.csv

A FOLDER is that of a study. An alignment error rate is there where ``attn align`` was run after.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from attn import results, tables

METRICS = ("BLEU", "chrF", "TER")
HEADER = ("run", "seed", "split", "translations", "step", *METRICS, "alignment error rate")


def rows(folder: Path) -> Iterator[list[str | float | None]]:
    """A row for each entry of each run's ``scores.json``."""
    for run in sorted(folder.glob("*/seed-*")):
        variant = run.parent.name.rpartition("-")[0]  # without what tells its configuration
        seed = run.name.removeprefix("seed-")
        for split, entries in results.load_scores(run).items():
            for title, found in entries.items():
                scores = [round(found[name]["score"], 2) for name in METRICS]
                rate = found.get(results.ATTENTION, {}).get("alignment_error_rate")
                step = found["checkpoint"].get("step")
                yield [variant, seed, split, title, step, *scores, rate and round(rate, 4)]


if __name__ == "__main__":
    found = [one for folder in sys.argv[1:] for one in rows(Path(folder))]
    if not found:
        raise SystemExit(f"no run has scores in: {' '.join(sys.argv[1:]) or 'FOLDER is missing'}")
    tables.put("csv", [dict(zip(HEADER, row, strict=True)) for row in found])
