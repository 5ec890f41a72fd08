"""Whether the small rows of table 3 differ from base as those of the paper do.

.venv/bin/python experiments/table3/directions.py RESULTS.csv > directions.md
.venv/bin/python experiments/table3/directions.py base    # the options of base, for attn compare
"""

import csv
import sys
from pathlib import Path

from attn.tables import markdown

ROWS = Path(__file__).parent / "rows.csv"
BASE = {
    "position": "sinusoidal", "attention.head_dim": "null", "attention.value_dim": "null",
    "model.encoder_layers": "3", "model.decoder_layers": "3", "model.dim": "128",
    "model.feedforward_dim": "512", "model.heads": "4", "model.dropout": "0.1",
    "loss.label_smoothing": "0.1",
}  # fmt: skip
CERTAIN = 0.05
ROUNDED = 0.1  # the paper's figures have one decimal: such a difference of two may be none


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def result(arguments: str, results: list[dict[str, str]]) -> dict[str, str]:
    """What came of base with some options changed.

    Of options that differ alike in all rows, as both depths do, a table has the first alone.
    """
    options = BASE | dict(one.split("=") for one in arguments.split())
    found = [
        one for one in results if all(one.get(key, its) == its for key, its in options.items())
    ]
    if len(found) != 1:
        raise SystemExit(f"the results have {len(found)} rows of: {arguments or 'base'}")
    return found[0]


def agrees(paper: float, here: float, p: str) -> str:
    """Whether two differences have one direction, if there is one there, and ours is no chance.

    With one seed ``p`` is over sentences: it is then of these two trainings alone.
    """
    if abs(paper) <= ROUNDED:
        return "none there"
    if float(p.strip("<'")) >= CERTAIN:
        return "open"
    return "yes" if paper * here > 0 else "no"


def row(one: dict[str, str], base: float, results: list[dict[str, str]]) -> list[str]:
    """The paper's figures of a row beside ours."""
    arguments, score = one["what differs here"], float(one["BLEU of the paper"])
    ours = result(arguments, results)
    told = [one["row"], arguments, one["perplexity of the paper"], f"{score}"]
    size = f"{int(ours['parameters']):,}"
    test, longer = f"{float(ours['BLEU test']):.2f}", f"{float(ours['BLEU longer']):.2f}"
    if not arguments:
        return [*told, "", size, test, "", "", "", longer]
    change, p = float(ours["Δ BLEU test"]), ours["p BLEU test"]
    agreed = agrees(round(score - base, 1), change, p)
    return [*told, f"{score - base:+.1f}", size, test, f"{change:+.2f}", p, agreed, longer]


def main(path: Path) -> None:
    """Print the table of the results of a comparison."""
    header = [
        "row", "what differs", "paper: perplexity", "BLEU", "from base",
        "here: parameters", "BLEU test", "from base", "p", "agrees", "BLEU longer",
    ]  # fmt: skip
    rows, results = table(ROWS), table(path)
    base = float(rows[0]["BLEU of the paper"])
    sys.stdout.write(markdown(header, [row(one, base, results) for one in rows]))


if __name__ == "__main__":
    if sys.argv[1:] == ["base"]:
        sys.stdout.write(" ".join(f"{key}={value}" for key, value in BASE.items()))
    else:
        main(Path(sys.argv[1]))
