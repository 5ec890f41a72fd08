"""Columns of scores: one for all that may be compared with each other, and for nothing else."""

import dataclasses
import statistics
from collections.abc import Iterator, Sequence

from attn.compare.bootstrap import Rows
from attn.compare.evaluation import Score
from attn.compare.variants import Variant


@dataclasses.dataclass(frozen=True)
class Column:
    """Scores of one metric on one split, of one signature and one reference.

    ``scores`` has those of every variant's runs, none of what was scored otherwise; ``mark`` is
    what tells the column from others of its name.
    """

    metric: str
    split: str
    key: tuple[str, str | None]
    mark: str
    scores: Sequence[Sequence[Score | None]]

    @property
    def title(self) -> str:
        """Its name in the table."""
        return f"{self.metric} {self.split}{self.mark and f' {self.mark}'}"

    def values(self, row: int) -> list[float]:
        """The scores of a variant."""
        return [one.value for one in self.scores[row] if one is not None]

    def mean(self, row: int) -> float | None:
        """Their mean."""
        values = self.values(row)
        return statistics.fmean(values) if values else None

    def statistics(self, row: int, variants: Sequence[Variant]) -> list[Rows] | None:
        """The statistics of sentences of every run that is scored; nothing if one lacks them."""
        runs = zip(variants[row].runs, self.scores[row], strict=True)
        every = [run.evaluation(self.split) for run, one in runs if one is not None]
        found = [None if one is None else one.statistics(self.metric) for one in every]
        known = [one for one in found if one is not None]
        return known if known and len(known) == len(found) else None


def columns(
    variants: Sequence[Variant], splits: Sequence[str], metrics: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """The columns of some splits by some metrics, and what they are scored by, a line each.

    A split that has no scores has an empty column.
    """
    every = [
        (split, metric, [[run.score(split, metric) for run in one.runs] for one in variants])
        for split in splits
        for metric in metrics
    ]
    marks = _marks(every)
    several = len(marks) > len({metric for metric, *_ in marks})
    found = []
    for split, metric, scores in every:
        for key in _keys(scores) or [("", None)]:
            number = marks.get(_marked(split, metric, key, scores), 0)
            mark = f"[{number}]" if several and number else ""
            found.append(Column(metric, split, key, mark, _only(key, scores)))
    return found, list(_told(marks, several=several))


Scores = Sequence[Sequence[Score | None]]
Key = tuple[str, str | None]
Marked = tuple[str, str, str | None]  # a metric, a signature, which reference if there are several


def _keys(scores: Scores) -> list[Key]:
    found = {(one.signature, one.reference) for row in scores for one in row if one is not None}
    return sorted(found, key=lambda key: (key[0], key[1] or ""))


def _only(key: Key, scores: Scores) -> Scores:
    """The scores that may be compared by a key, the others left out."""
    return [
        [one if one is not None and (one.signature, one.reference) == key else None for one in row]
        for row in scores
    ]


def _marked(split: str, metric: str, key: Key, scores: Scores) -> Marked:
    signature, reference = key
    if sum(other == signature for other, _ in _keys(scores)) == 1:
        return (metric, signature, None)
    return (metric, signature, f"{split} reference {(reference or 'not known')[:9].strip()}")


def _marks(every: Sequence[tuple[str, str, Scores]]) -> dict[Marked, int]:
    """The number of each way to score."""
    order = list(dict.fromkeys(metric for _, metric, _ in every))
    found = {
        _marked(split, metric, key, scores)
        for split, metric, scores in every
        for key in _keys(scores)
    }
    ranked = sorted(found, key=lambda one: (order.index(one[0]), one[1], one[2] or ""))
    return {one: number for number, one in enumerate(ranked, 1)}


def _told(marks: dict[Marked, int], *, several: bool) -> Iterator[str]:
    for (metric, signature, reference), number in marks.items():
        mark = f"[{number}] " if several else ""
        yield f"{mark}{metric} {signature}{f', {reference}' if reference else ''}"
