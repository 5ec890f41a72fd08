"""Scores of parts of a test set: by the length of sources, by the frequency of words, by split."""

import bisect
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attn import scoring
from attn.compare.columns import Column
from attn.compare.evaluation import Evaluation
from attn.compare.formulas import score
from attn.compare.variants import Variant

BY = ("length", "frequency", "split")
BOUNDS = {"length": (10, 20, 30), "frequency": (0, 9, 99, 999)}


@dataclasses.dataclass(frozen=True)
class Group:
    """A part of the test set, how large it is, and the scores of it: of each variant's runs."""

    title: str
    metric: str
    values: Sequence[Sequence[float]]


def names(bounds: Sequence[int]) -> list[str]:
    """The groups up to each bound, and beyond the last: ``0-9``, ``10-99``, ``100-``."""
    starts = [0, *(bound + 1 for bound in bounds)]
    ends = [*map(str, bounds), ""]
    return [
        str(one) if str(one) == end else f"{one}-{end}"
        for one, end in zip(starts, ends, strict=True)
    ]


def by_length(
    column: Column, variants: Sequence[Variant], sources: Sequence[str], bounds: Sequence[int]
) -> list[Group]:
    """The scores of the sentences whose sources have so many words, parted at spaces."""
    parted = scoring.by_length(sources, bounds)
    every = [column.statistics(row, variants) or [] for row in range(len(variants))]
    return [
        Group(
            f"{column.metric} {name} words ({len(rows)})",
            column.metric,
            [[score(column.metric, one[list(rows)]) for one in runs] for runs in every],
        )
        for name, rows in parted.items()
        if rows
    ]


def by_frequency(
    evaluations: Sequence[Sequence[Evaluation]],
    references: Sequence[str],
    trained: Mapping[str, int],
    bounds: Sequence[int],
    words: Callable[[str], list[str]],
) -> list[Group]:
    """F1 of the words of translations, by how often the training text has them.

    Of a group of words, what is said and wanted counts as often as it stands in both sentences;
    precision and recall are of the whole split (compare-mt: Neubig et al. 2019).
    """
    wanted = [_parted(words(line), trained, bounds) for line in references]
    sizes = [sum(one.total() for one in group) for group in zip(*wanted, strict=True)]
    every = [
        [
            _f1([_parted(words(line), trained, bounds) for line in said], wanted)
            for one in runs
            if (said := one.translations()) is not None
        ]
        for runs in evaluations
    ]
    return [
        Group(
            f"{name} times ({sizes[number]})",
            "F1",
            [[run[number] for run in runs] for runs in every],
        )
        for number, name in enumerate(names(bounds))
        if sizes[number]
    ]


def _parted(
    words: Sequence[str], trained: Mapping[str, int], bounds: Sequence[int]
) -> list[Counter[str]]:
    """The words of a line, counted, in groups by how often they were trained on."""
    found: list[Counter[str]] = [Counter() for _ in range(len(bounds) + 1)]
    for word in words:
        found[bisect.bisect_left(bounds, trained.get(word, 0))][word] += 1
    return found


def _f1(said: Sequence[list[Counter[str]]], wanted: Sequence[list[Counter[str]]]) -> list[float]:
    """The harmonic mean of precision and recall of each group, in percent."""
    pairs = list(zip(said, wanted, strict=True))
    scores = []
    for number in range(len(wanted[0])):
        here = [(one[number], other[number]) for one, other in pairs]
        matched = sum((one & other).total() for one, other in here)
        whole = sum(one.total() + other.total() for one, other in here)
        scores.append(200 * matched / whole if whole else 0.0)
    return scores
