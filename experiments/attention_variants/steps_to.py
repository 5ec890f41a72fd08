"""At which step the dev BLEU of each run first reached a threshold; empty if it never did.

.venv/bin/python experiments/attention_variants/steps_to.py FOLDER BLEU > FILE.csv
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from omegaconf import OmegaConf

from attn import runs, tables


def reached(run: Path, threshold: float) -> int | None:
    """The step of the first validation with so much BLEU."""
    dev = (one for one in runs.figures(run) if one.get("group") == "dev")
    return next((one["step"] for one in dev if one["BLEU"] >= threshold), None)


def rows(folder: Path, threshold: float) -> Iterator[list[str | int | None]]:
    """A row for each run: its self-attention and the one to the source, its seed, the step."""
    for run in sorted(folder.glob("*/seed-*")):
        config = OmegaConf.load(run / "config.yaml")
        cross = config.get("cross_attention") or config.attention
        seed = run.name.removeprefix("seed-")
        yield [config.attention.name, cross.name, seed, reached(run, threshold)]


if __name__ == "__main__":
    header = ["attention", "cross_attention", "seed", f"steps to dev BLEU {sys.argv[2]}"]
    found = sorted(rows(Path(sys.argv[1]), float(sys.argv[2])), key=str)
    tables.put("csv", [dict(zip(header, row, strict=True)) for row in found])
