"""``attn significance``: do two systems differ by more than chance, on the same sentences."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, runs, tables
from attn.compare import reading
from attn.compare.bootstrap import Rows, paired_bootstrap, paired_randomization
from attn.compare.evaluation import METRICS, Evaluation
from attn.compare.formulas import score
from attn.corpora.text import lines
from attn.endpoints import input_problems
from attn.registry import LARGEST, ConfigError
from attn.scoring import TOKENIZERS, Scoring, fingerprint
from attn.tables import Value
from attn.words import suggest

PURPOSE = "test whether two systems differ: paired bootstrap and approximate randomization"
EXAMPLES = """
attn significance outputs/demo/A/seed-1 outputs/demo/B/seed-1
attn significance outputs/demo theirs.txt split=test format=json
attn significance ours.txt theirs.txt reference=test.de
"""
SIDES = ("first", "second")
MOST = 1_000_000


def check(cfg: DictConfig) -> list[str]:
    """All problems: runs, files, numbers of lines, numbers."""
    asked = assemble.plain(cfg)
    found = tables.format_problems(asked["format"])
    if asked["tokenize"] not in TOKENIZERS:
        found.append(
            f"tokenize={asked['tokenize']}: unknown; {suggest(asked['tokenize'], TOKENIZERS)}"
        )
    for key in ("resamples", "trials"):
        if not 1 <= asked[key] <= MOST:
            found.append(f"{key}={asked[key]}: must be from 1 to {MOST}")
    if not 0 <= asked["seed"] <= LARGEST:
        found.append(f"seed={asked['seed']}: must be at least 0, within the 64 bits of an integer")
    if asked["reference"] is not None:
        found += input_problems("reference", Path(asked["reference"]))
    if all(asked[key] != MISSING for key in SIDES) and not found:
        try:
            Pair.of(asked)
        except ConfigError as error:
            found += error.problems
    return found


def unused(cfg: DictConfig) -> dict[str, str]:
    """What runs tell by themselves, or what files do not have."""
    asked = assemble.plain(cfg)
    if any(asked[key] == MISSING for key in SIDES):
        return {}
    if any(Path(str(asked[key])).is_dir() for key in SIDES):
        return dict.fromkeys(("tokenize", "lowercase"), "runs are scored as they were evaluated")
    return {"split": "is of runs, and both are files"}


def run(cfg: DictConfig) -> None:
    """Score both, test each metric, and print a row for it."""
    asked = assemble.plain(cfg)
    pair = Pair.of(asked)
    sides = [pair.scoring.sentences(side, pair.references) for side in pair.said]
    signatures = pair.scoring.signatures()
    drawn = f"bs:{asked['resamples']}|ar:{asked['trials']}|seed:{asked['seed']}"
    tables.put(
        asked["format"],
        [
            {
                **_row(metric, [side[metric] for side in sides], asked),
                "signature": f"{signatures[metric]}|{drawn}",
            }
            for metric in METRICS
        ],
    )


def _row(metric: str, sides: Sequence[Rows], asked: Mapping[str, Any]) -> dict[str, Value]:
    one, other = sides
    first, second = (score(metric, side) for side in sides)
    samples, trials, seed = (asked[key] for key in ("resamples", "trials", "seed"))
    return {
        "metric": metric,
        "first": first,
        "second": second,
        "difference": first - second,
        "p bootstrap": paired_bootstrap(metric, one, other, samples=samples, seed=seed),
        "p randomization": paired_randomization(metric, one, other, trials=trials, seed=seed),
    }


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two translations of the same sentences, their references, and how they are scored."""

    said: tuple[list[str], list[str]]
    references: list[str]
    scoring: Scoring

    @staticmethod
    def of(asked: Mapping[str, Any]) -> "Pair":
        """What a command's config names.

        Raises:
            ConfigError: no such file or run, no evaluation, other numbers of lines or references.
        """
        sides = {key: _side(key, str(asked[key]), str(asked["split"])) for key in SIDES}
        runs_ = {key: one for key, one in sides.items() if isinstance(one, Evaluation)}
        references = _references(asked, runs_)
        said = {
            key: _said(key, one) if isinstance(one, Evaluation) else one
            for key, one in sides.items()
        }
        problems = [
            f"{key}={asked[key]}: has {len(one)} lines, and there are {len(references)} references"
            for key, one in said.items()
            if len(one) != len(references)
        ]
        if problems:
            raise ConfigError(problems)
        return Pair((said["first"], said["second"]), references, _scoring(asked, runs_))


def _side(key: str, path: str, split: str) -> Evaluation | list[str]:
    """The evaluation of a run, or the lines of a file."""
    if Path(path).is_dir():
        (one,) = reading.read([str(_run(key, path))])
        found = one.evaluation(split)
        if found is None:
            raise ConfigError([
                f"{key}={path}: is not evaluated on {split}; attn evaluate run={path} split={split}"
            ])
        return found
    if problems := input_problems(key, Path(path)):
        raise ConfigError(problems)
    return _lines(key, path)


def _run(key: str, path: str) -> Path:
    try:
        return runs.find(path)
    except ConfigError as error:
        raise ConfigError([one.replace("run=", f"{key}=") for one in error.problems]) from None


def _lines(key: str, path: str) -> list[str]:
    try:
        return lines(Path(path))
    except ValueError as error:
        raise ConfigError([f"{key}: {error}"]) from None


def _said(key: str, one: Evaluation) -> list[str]:
    if (said := one.translations()) is None:
        raise ConfigError([
            f"{key}={one.folder}: its translations of {one.split} are not as they were scored"
        ])
    return said


def _references(asked: Mapping[str, Any], runs_: Mapping[str, Evaluation]) -> list[str]:
    """The references of a file, else of the runs, which must have the same."""
    hashes = [one.entry.get("reference") for one in runs_.values()]
    if len(set(hashes)) > 1:
        raise ConfigError(["first and second: are not scored by the same references"])
    given = None
    if asked["reference"] is not None:
        given = _lines("reference", str(asked["reference"]))
        if hashes and fingerprint(given) != hashes[0]:
            raise ConfigError([
                f"reference={asked['reference']}: is not what {' and '.join(runs_)} "
                f"{'was' if len(runs_) == 1 else 'were'} scored by; leave it out"
            ])
    every = [given, *(one.references() for one in runs_.values())]
    found = next((lines for lines in every if lines is not None), None)
    if found is None:
        raise ConfigError(["reference: needs a file, as no run tells the references"])
    if not found:
        raise ConfigError([f"reference={asked['reference']}: has no lines"])
    return found


def _scoring(asked: Mapping[str, Any], runs_: Mapping[str, Evaluation]) -> Scoring:
    """How the runs were scored, else as it is asked for."""
    told = {key: str(one.entry["BLEU"]["signature"]) for key, one in runs_.items()}
    if len(set(told.values())) > 1:
        raise ConfigError([f"first and second: are scored by {' and by '.join(told.values())}"])
    if told:
        return Scoring.of(next(iter(told.values())))
    return Scoring(tokenize=asked["tokenize"], lowercase=asked["lowercase"])
