"""The differences of variants to a baseline, and which of them are more than chance."""

import dataclasses
from collections.abc import Sequence

from attn.compare.columns import Column
from attn.compare.significance import LEVEL, Difference, Side, difference, holm
from attn.compare.variants import Variant

MOST = 50  # rows that are tested
STRONG = 0.01


@dataclasses.dataclass(frozen=True)
class Compared:
    """A difference to the baseline, and its p corrected for all that are told beside it."""

    difference: Difference
    p: float

    @property
    def mark(self) -> str:
        """Two stars below 1 %, one below 5 %."""
        return "**" if self.p < STRONG else "*" if self.p < LEVEL else ""


def compared(
    column: Column, variants: Sequence[Variant], baseline: int
) -> tuple[list[Compared | None], list[str]]:
    """The difference of each variant to the baseline by one column, and remarks.

    Nothing of the baseline itself, of what has no scores there, and beyond the first 50 rows. What
    lacks its scores or the statistics of its sentences is told.
    """
    scored = [row for row in range(len(variants)) if column.values(row)]
    if baseline not in scored:
        return [None] * len(variants), [
            f"{column.title}: nothing is compared, {variants[baseline].label} has no score there"
        ]
    tested = [row for row in scored if row != baseline][:MOST]
    every = {row: column.statistics(row, variants) for row in [baseline, *tested]}
    lost = [
        f"no statistics of sentences: {variants[row].label}"
        for row, one in every.items()
        if not one
    ]
    sides = {row: Side.of(column.metric, one) for row, one in every.items() if one}
    base = sides.pop(baseline, None)
    found = {
        row: difference(side, base)
        for row, side in sides.items()
        if base is not None and side.sentences == base.sentences
    }
    corrected = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    cells = [
        Compared(found[row], corrected[row]) if row in found else None
        for row in range(len(variants))
    ]
    left = len(scored) - 1 - len(tested)
    return cells, [*lost, *([f"significance is told of the first {MOST} rows"] if left else [])]
