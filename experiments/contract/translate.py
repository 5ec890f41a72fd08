"""Does every attention train on real text in bf16, and translate with beam search?

For each attention: ten steps of ``experiment=multi30k`` in bf16, on a part of its text, then twenty
sentences with beam 5. Prints a row each; the translations of a model so young are worth nothing,
but there is one a line.

    .venv/bin/python experiments/contract/translate.py FOLDER     # of Multi30k
"""

import gzip
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

from attn import attention, registry  # noqa: F401 - registers
from attn.roles import made_names

LINES = {"train": 4000, "val": 20, "test_2016_flickr": 20}
TRAINING = (
    "experiment=multi30k",
    "tokenizer.size=4000",
    "precision.dtype=bf16",
    "batches.tokens=1024",
    "trainer.steps=10",
    "trainer.evaluate_every=10",
    "trainer.samples=0",
    "validation_search.max_ratio=0.5",
)


def main() -> None:
    """Train, translate, print."""
    chosen = sys.argv[2:] or made_names()
    with tempfile.TemporaryDirectory() as folder:
        part, output = Path(folder, "text"), Path(folder, "outputs")
        cut(Path(sys.argv[1]), part)
        source = part / "test_2016_flickr.en"
        for name in chosen:
            run("train", *TRAINING, f"dataset.root={part}", f"attention={name}", f"output={output}",
                f"study={name}")  # fmt: skip
            translated = run("translate", f"run={output}/{name}", "search=beam", "search.size=5",
                             f"input={source}")  # fmt: skip
            lines = len(translated.splitlines())
            print(f"{name}: {lines} of {LINES['test_2016_flickr']} lines", flush=True)  # noqa: T201


def cut(whole: Path, part: Path) -> None:
    """The first lines of each file."""
    part.mkdir()
    for split, count in LINES.items():
        for language in ("en", "de"):
            with gzip.open(whole / f"{split}.{language}.gz", "rt", encoding="utf-8") as lines:
                text = "".join(itertools.islice(lines, count))
            Path(part, f"{split}.{language}").write_text(text, encoding="utf-8")


def run(command: str, *options: str) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "attn", command, *options],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
