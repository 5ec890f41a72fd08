"""Does every attention train on real text in bf16, and translate with beam search?

For each attention: ten steps of ``experiment=multi30k`` in bf16, then twenty sentences with beam 5.
Prints a row each; the translations of a model so young are worth nothing, but there is one a line.

    .venv/bin/python experiments/contract/translate.py FOLDER     # of Multi30k
"""

import gzip
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

from attn import attention, registry  # noqa: F401 - registers

LINES = 20


def main() -> None:
    """Train, translate, print."""
    root = Path(sys.argv[1]).resolve()
    chosen = sys.argv[2:] or registry.names("attention")
    with tempfile.TemporaryDirectory() as output:
        lines = Path(output) / "source.txt"
        with gzip.open(root / "test_2016_flickr.en.gz", "rt", encoding="utf-8") as sources:
            lines.write_text("".join(itertools.islice(sources, LINES)), encoding="utf-8")
        for name in chosen:
            study = f"study={name}"
            run("train", "experiment=multi30k", f"dataset.root={root}", f"attention={name}",
                "precision.dtype=bf16", "batches.tokens=1024", "trainer.steps=10",
                "trainer.evaluate_every=10", "validation_search.max_ratio=0.5", study,
                output=output)  # fmt: skip
            translated = run("translate", f"run={output}/{name}", "search=beam", "search.size=5",
                             f"input={lines}")  # fmt: skip
            print(f"{name}: {len(translated.splitlines())} of {LINES} lines", flush=True)  # noqa: T201


def run(command: str, *options: str, output: str | None = None) -> str:
    """What a command prints; it must succeed."""
    where = [f"output={output}"] if output else []
    done = subprocess.run(
        [sys.executable, "-m", "attn", command, *options, *where],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
