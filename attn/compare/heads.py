"""What the heads of variants do, as evaluations have kept it: columns of their own."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attn import results
from attn.compare.reading import Run
from attn.compare.variants import MISSING, Variant

ROLES = ("encoder", "decoder", "cross")
Kept = Mapping[str, Any]


def columns(variants: Sequence[Variant], split: str) -> Iterator[tuple[str, list[str]]]:
    """The mean entropy of each role in nats, dead heads, alignment error rate, the best head.

    Means over the runs; the head that is best in most of them. Only what some variant has.
    """
    every = [[_kept(run, split) for run in one.runs] for one in variants]
    made: dict[str, Callable[[Sequence[Kept]], str]] = {
        **{f"entropy {role}": _entropy(role) for role in ROLES},
        "dead heads": _dead,
        "alignment error rate": lambda kept: _mean(_known(kept, "alignment_error_rate"), ".3f"),
        "best head": _best,
    }
    for title, cell in made.items():
        cells = [cell(kept) for kept in every]
        if any(one != MISSING for one in cells):
            yield title, cells


def _kept(run: Run, split: str) -> Kept:
    evaluation = run.evaluation(split)
    return {} if evaluation is None else evaluation.entry.get(results.ATTENTION, {})


def _entropy(role: str) -> Callable[[Sequence[Kept]], str]:
    def cell(kept: Sequence[Kept]) -> str:
        return _mean(_known([one.get("entropy", {}) for one in kept], role), ".3f")

    return cell


def _dead(kept: Sequence[Kept]) -> str:
    dead, heads = _known(kept, "dead_heads"), _known(kept, "heads")
    return f"{_mean(dead, '.4g')} of {heads[0]:.0f}" if dead and heads else MISSING


def _best(kept: Sequence[Kept]) -> str:
    found = Counter(one["best_head"] for one in kept if one.get("best_head"))
    return found.most_common(1)[0][0] if found else MISSING


def _known(kept: Sequence[Kept], key: str) -> list[float]:
    """A figure of those that have it; without a gold alignment there is no error rate."""
    return [float(one[key]) for one in kept if one.get(key) is not None]


def _mean(values: Sequence[float], form: str) -> str:
    return format(statistics.fmean(values), form) if values else MISSING
