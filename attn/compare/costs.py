"""What variants cost: size, operations, memory, speed, time; and which cost is worth it."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attn.compare.reading import Run
from attn.compare.variants import Variant

Figures = list[float | None]


@dataclasses.dataclass(frozen=True)
class Cost:
    """A column: what it is called, how it is written, what it is of one run."""

    title: str
    form: str
    of: Callable[[Run, str], float | None]
    weighed: bool = False  # against the quality

    def middle(self, variant: Variant, split: str) -> float | None:
        """The median over the runs that tell it."""
        every = [self.of(run, split) for run in variant.runs]
        known = [one for one in every if one is not None]
        return float(statistics.median(known)) if known else None


def _operations(run: Run, split: str) -> float | None:
    told = _kept(run, split).get("flops")
    return None if told is None else told["train"] / 1e6


def _decoding(run: Run, split: str) -> float | None:
    told = _kept(run, split)
    return told["tokens"] / told["seconds"] if told.get("seconds") else None


def _kept(run: Run, split: str) -> Mapping[str, Any]:
    evaluation = run.evaluation(split)
    kept: Mapping[str, Any] = {} if evaluation is None else evaluation.entry.get("cost", {})
    return kept


ALL = (
    Cost("parameters", ",.0f", lambda run, _: run.parameters, weighed=True),
    Cost("MFLOPs/token", ",.1f", _operations, weighed=True),
    Cost("GiB", ".2f", lambda run, _: run.memory),
    Cost("tokens/s trained", ".0f", lambda run, _: run.tokens_per_second),
    Cost("tokens/s decoded", ".0f", _decoding),
    Cost("minutes", ".1f", lambda run, _: run.minutes, weighed=True),
)


def front(quality: Figures, cost: Figures) -> list[bool]:
    """Which rows no other one beats: as good for less, or better for no more."""
    known = [
        (one, price)
        for one, price in zip(quality, cost, strict=True)
        if one is not None and price is not None
    ]
    return [
        one is not None
        and price is not None
        and not any(q >= one and c <= price and (q > one or c < price) for q, c in known)
        for one, price in zip(quality, cost, strict=True)
    ]


def pareto(quality: Figures, variants: Sequence[Variant], split: str) -> list[str]:
    """Of each variant the costs by which it is on the front of quality against that cost."""
    fronts = {
        cost.title: front(quality, [cost.middle(one, split) for one in variants])
        for cost in ALL
        if cost.weighed
    }
    return [
        " ".join(title for title, best in fronts.items() if best[row])
        for row in range(len(variants))
    ]
