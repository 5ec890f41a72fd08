"""How far do recurrent models get on the embedded grammar, without attention and with it?

Each preset is trained as ``experiment=demo`` at width 128, and scored on test, on sentences longer
than trained, and on deeper ones. Each adds a row to ``results.csv``; the same command again trains
only what is missing.

    .venv/bin/python experiments/recurrent/presets.py
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).with_name("results.csv")
SPLITS = ("test", "longer", "deeper")
COMMON = (
    "experiment=demo",
    "trainer.evaluate_every=900",
    "trainer.samples=0",
)
SIZE = ("model.dim=128",)
INNER = ("model.feedforward_dim=256", "model.heads=4", "model.norm=pre")
TWO = ("model.encoder_layers=2", "model.decoder_layers=2")
VARIANTS = {
    "sutskever": ("model=sutskever", *SIZE),
    "sutskever, source fed": ("model=sutskever", *SIZE, "model.feed_source=true"),
    "bahdanau": ("model=bahdanau", *SIZE, "model.encoder_layers=1", "model.decoder_layers=1"),
    "luong_general": ("model=luong_general", *SIZE),
    "luong_concat": ("model=luong_concat", *SIZE),
    "rnmt": ("model=rnmt", *SIZE, *TWO),
    "recurrent": ("model=recurrent", *SIZE),
    "convolutional": ("model=convolutional", *SIZE),
    "recurrent_transformer": ("model=recurrent_transformer", *SIZE, *TWO, *INNER),
    "transformer_recurrent": ("model=transformer_recurrent", *SIZE, *TWO, *INNER),
    "transformer": (),
}
FIELDS = ("variant", *SPLITS, "dev_loss", "steps", "minutes", "parameters", "tokens_per_second")


def main() -> None:
    """Train and score every variant that has no row yet."""
    done = set()
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            done = {row["variant"] for row in csv.DictReader(file)}
    for name in sys.argv[1:] or VARIANTS:
        if name not in done:
            add(measure(name))


def measure(name: str) -> dict[str, object]:
    """The row of one variant."""
    with tempfile.TemporaryDirectory() as output:
        attn("train", *COMMON, *VARIANTS[name], f"output={output}")
        for split in SPLITS:
            attn("evaluate", f"run={output}", f"split={split}", "search=beam", "samples=0")
        run = next(Path(output).glob("**/scores.json")).parent
        scores = json.loads((run / "scores.json").read_text("utf-8"))
        meta = json.loads(next(run.glob("checkpoints/step-*/meta.json")).read_text("utf-8"))
        text = (run / "metrics.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    dev = [line for line in lines if line["group"] == "dev"][-1]
    rates = sorted(line["tokens_per_second"] for line in lines if line["group"] == "train")
    return {
        "variant": name,
        **{split: round(best(scores[split]), 2) for split in SPLITS},
        "dev_loss": round(dev["loss"], 4),
        "steps": dev["step"],
        "minutes": round(dev["minutes"], 2),
        "parameters": meta["parameters"],
        "tokens_per_second": round(rates[len(rates) // 2]),
    }


def best(searches: dict[str, dict[str, dict[str, float]]]) -> float:
    """BLEU by the one search there is."""
    (score,) = searches.values()
    return score["BLEU"]["score"]


def attn(command: str, *options: str) -> None:
    """A command, which must succeed."""
    subprocess.run(
        [sys.executable, "-m", "attn", command, *options], check=True, stdout=subprocess.DEVNULL
    )


def add(row: dict[str, object]) -> None:
    """Append a row, and show it."""
    new = not RESULTS.exists()
    with RESULTS.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(*row.values(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
