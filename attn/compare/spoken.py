"""Which evaluations of a split may be compared sentence by sentence."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from attn.compare.evaluation import METRICS, Evaluation
from attn.compare.variants import Variant
from attn.scoring import Statistics


@dataclasses.dataclass(frozen=True)
class Spoken:
    """An evaluation, of which variant by its number, and of which seed."""

    variant: int
    seed: str
    evaluation: Evaluation

    @property
    def yardstick(self) -> tuple[str, ...]:
        """Reference and signatures: what has others cannot be compared."""
        entry = self.evaluation.entry
        signatures = (str(entry.get(name, {}).get("signature")) for name in METRICS)
        return (str(entry.get("reference")), *signatures)

    def statistics(self, sentences: int) -> Statistics | None:
        """Its statistics by metric; nothing if they are not there as they were written."""
        every = {name: self.evaluation.statistics(name) for name in METRICS}
        whole = {
            name: rows
            for name, rows in every.items()
            if rows is not None and len(rows) == sentences
        }
        return whole if len(whole) == len(METRICS) else None


def alike(variants: Sequence[Variant], split: str) -> tuple[list[Spoken], list[Spoken]]:
    """The evaluations that have the yardstick which most have, and the others."""
    every = [
        Spoken(number, str(run.config.get("seed", "-")), evaluation)
        for number, variant in enumerate(variants)
        for run in variant.runs
        if (evaluation := run.evaluation(split)) is not None
    ]
    counted = Counter(one.yardstick for one in every).most_common(1)
    common = counted[0][0] if counted else ()
    return (
        [one for one in every if one.yardstick == common],
        [one for one in every if one.yardstick != common],
    )
