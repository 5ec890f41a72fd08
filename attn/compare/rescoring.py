"""Scores once more, from the translations and references that lie beside them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attn import results
from attn.compare.evaluation import METRICS
from attn.files import whole_lines
from attn.registry import ConfigError
from attn.scoring import Scoring, marks, unversioned

CLOSE = 1e-9


def mismatches(run: Path) -> Iterator[str]:
    """Whatever in a run's scores is not what its files give, a line each."""
    path = run / results.SCORES
    try:
        for split, title, entry, whole in results.entries(run):
            here = f"{path}: {split}, {title}"
            if not whole:
                yield f"{here}: is not as it was written"
            yield from (f"{here}: {line}" for line in _entry(run, split, title, entry))
    except ValueError as error:
        yield f"{path}: {error}"


def _entry(run: Path, split: str, title: str, entry: dict[str, Any]) -> Iterator[str]:
    said_path = results.text_path(run, split, title)
    reference_path = results.side_path(run, split, "ref")
    lost = [str(path) for path in (said_path, reference_path) if not path.exists()]
    if lost:
        yield f"cannot be scored again without {', '.join(lost)}"
        return
    said, references = whole_lines(said_path), whole_lines(reference_path)
    here = marks(said, references)
    for key, path in (("translations", said_path), ("reference", reference_path)):
        if entry.get(key) != here[key]:
            yield f"{path} is not what was scored"
    try:
        scoring = Scoring.of(str(entry["BLEU"]["signature"]))
        made = scoring.corpus(said, references)
        yield from _unequal(entry, made)
    except (ValueError, KeyError, TypeError) as error:
        yield f"cannot be scored again ({error})"


def _unequal(entry: dict[str, Any], made: dict[str, dict[str, Any]]) -> Iterator[str]:
    for metric in METRICS:
        stored, again = entry.get(metric), made[metric]
        if stored is None:
            continue
        if unversioned(str(stored["signature"])) != unversioned(again["signature"]):
            yield f"{metric} is of {stored['signature']}, not of {again['signature']}"
        elif abs(stored["score"] - again["score"]) > CLOSE:
            yield f"{metric} is stored as {stored['score']}, its texts give {again['score']}"


def check(runs: Sequence[Path]) -> tuple[int, list[str]]:
    """How many runs are evaluated, and all mismatches.

    Raises:
        ConfigError: there is none.
    """
    evaluated = [run for run in runs if (run / results.SCORES).exists()]
    if not evaluated:
        raise ConfigError(["verify=true: no run is evaluated; attn evaluate run=FOLDER does it"])
    return len(evaluated), [line for run in evaluated for line in mismatches(run)]
