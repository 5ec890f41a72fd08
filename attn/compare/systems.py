"""Outputs of other systems, scored as ours are: the same references, the same signature."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from attn.compare.bootstrap import Rows
from attn.compare.evaluation import Evaluation
from attn.compare.reading import Run
from attn.compare.variants import MISSING, Variant
from attn.corpora.text import lines
from attn.endpoints import input_problems
from attn.registry import ConfigError
from attn.scoring import Scoring, marks

OPTION = "system"  # the column of their names


@dataclasses.dataclass(frozen=True)
class Output(Evaluation):
    """Translations that no run of ours has made, with the statistics of their sentences."""

    rows: Mapping[str, Rows]
    said: Sequence[str]

    def translations(self) -> list[str]:
        """What was said."""
        return list(self.said)

    def statistics(self, metric: str) -> Rows | None:
        """The statistics of its sentences."""
        return self.rows.get(metric)


@dataclasses.dataclass(frozen=True)
class System(Run):
    """Who made them, in the place of a run."""

    output: Output | None = None

    def evaluation(self, split: str) -> Evaluation | None:
        """The output, if it is of this split."""
        return self.output if self.output is not None and self.output.split == split else None


def parse(given: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """Names and files of ``name:file``, and what is wrong with them."""
    found: dict[str, Path] = {}
    problems = []
    for one in given:
        name, colon, path = str(one).partition(":")
        if not (name and colon and path):
            problems.append(f"systems: {str(one)!r} must look like name:file")
        elif name in found:
            problems.append(f"systems: {name!r} is the name of two")
        else:
            problems += [f"systems: {line}" for line in input_problems(name, Path(path))]
            found[name] = Path(path)
    return found, problems


def beside(variants: Sequence[Variant], files: Mapping[str, Path], split: str) -> list[Variant]:
    """Variants and other systems, these scored on a split as most of our runs are.

    Raises:
        ConfigError: no run has kept its references, or a file does not go with them.
    """
    ours = [dataclasses.replace(one, options={OPTION: MISSING, **one.options}) for one in variants]
    scored = _yardstick(variants, split)
    made, problems = [], list[str]()
    for name, path in files.items():
        try:
            run = _system(path, split, *scored)
        except ValueError as error:
            problems.append(f"systems: {name}={path}: {error}")
            continue
        options = {OPTION: name, **dict.fromkeys(variants[0].options, MISSING)}
        made.append(Variant(name, options, [run]))
    if problems:
        raise ConfigError(problems)
    return [*ours, *made]


def _yardstick(variants: Sequence[Variant], split: str) -> tuple[Scoring, list[str]]:
    """How most runs are scored on a split, and their references."""
    every = [run.evaluation(split) for one in variants for run in one.runs]
    scored = [
        ((score.signature, str(score.reference)), one)
        for one in every
        if one is not None and (score := one.score("BLEU")) is not None
    ]
    known = dict(scored)
    for key, _ in Counter(key for key, _ in scored).most_common():
        references = known[key].references()
        if references is not None:
            return Scoring.of(key[0]), references
    raise ConfigError([f"systems: no run has kept the references of {split}; evaluate one of them"])


def _system(path: Path, split: str, scoring: Scoring, references: list[str]) -> System:
    output = output_of(path, split, scoring, references)
    return System(path, {}, "finished", split, None, None, None, None, {}, output=output)


def output_of(path: Path, split: str, scoring: Scoring, references: list[str]) -> Output:
    """The translations in a file, scored.

    Raises:
        ValueError: they cannot be read, or are not as many as the references.
    """
    said = lines(path)
    rows = scoring.sentences(said, references)
    entry = {**scoring.scores(rows), **marks(said, references)}
    return Output(path, split, path.name, entry, rows, said)
