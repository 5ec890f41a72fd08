"""Learning curves of variants, over their seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attn import runs
from attn.compare.bands import Band, band, short
from attn.compare.variants import Variant

POINTS = 200  # of a curve at most: more cannot be told apart in a picture
PLACES = {"step", "group", "minutes"}
OF_TRAINING = {"loss", "gradient_norm", "tokens_per_second", "learning_rate"}
LOSSES = ("loss", "perplexity")  # they do not depend on how text is scored

Series = dict[str, dict[int, float]]  # the figures of one run by name and step


def curves(variants: Sequence[Variant]) -> list[dict[str, Band]]:
    """The curves of each variant by the name of the figure: ``dev BLEU``, ``train loss``, ...

    A curve has ``step`` and ``minutes`` beside its band. Dev scores of unlike signatures are
    figures of their own.
    """
    marks = _marks(variants)
    return [_of_variant(one, mark) for one, mark in zip(variants, marks, strict=True)]


def _of_variant(variant: Variant, mark: str) -> dict[str, Band]:
    every = [_series(runs.figures(run.folder)) for run in variant.runs]
    names = dict.fromkeys(name for series, _ in every for name in series)
    return {
        f"{name}{mark if name.startswith('dev') and not name.endswith(LOSSES) else ''}": _curve([
            (series[name], minutes) for series, minutes in every if name in series
        ])
        for name in names
    }


def _series(lines: Sequence[Mapping[str, Any]]) -> tuple[Series, dict[int, float]]:
    """The figures of a run, and after how many minutes each evaluation was."""
    found: Series = {}
    minutes = {0: 0.0}
    for line in lines:
        group, step = line.get("group"), line.get("step")
        if not isinstance(step, int) or group not in {"train", "dev"}:
            continue
        if _is_number(line.get("minutes")):
            minutes[step] = line["minutes"]
        for name, value in line.items():
            if _is_number(value) and (
                name in OF_TRAINING if group == "train" else name not in PLACES
            ):
                found.setdefault(f"{group} {name}".replace("_", " "), {})[step] = value
    return found, minutes


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def _curve(runs: Sequence[tuple[Mapping[int, float], Mapping[int, float]]]) -> Band:
    """One figure by step, over runs that each have values and minutes by step."""
    steps = _thinned(sorted({step for values, _ in runs for step in values}))
    clocks = [_passed(steps, minutes) for _, minutes in runs]
    there = [
        [number for number, (values, _) in enumerate(runs) if step in values] for step in steps
    ]
    return {
        "step": list(steps),
        "minutes": [
            short(statistics.fmean(clocks[run][place] for run in some))
            for place, some in enumerate(there)
        ],
        **band([
            [runs[run][0][step] for run in some] for step, some in zip(steps, there, strict=True)
        ]),
    }


def _thinned(steps: Sequence[int]) -> Sequence[int]:
    """At most so many of some steps, the first and the last among them."""
    if len(steps) <= POINTS:
        return steps
    stride = (len(steps) - 1) / (POINTS - 1)
    return [steps[round(number * stride)] for number in range(POINTS)]


def _passed(steps: Sequence[int], minutes: Mapping[int, float]) -> list[float]:
    """The minutes at some steps, between or beyond those at which they are known."""
    known = sorted(minutes)
    if len(known) < 2:
        return [0.0] * len(steps)
    before, last = known[-2:]
    beyond = max(steps[-1], last) - last
    rate = (minutes[last] - minutes[before]) / (last - before)
    times = [minutes[step] for step in known]
    found = np.interp(steps, [*known, last + beyond], [*times, times[-1] + beyond * rate])
    return [float(one) for one in found]


def _marks(variants: Sequence[Variant]) -> list[str]:
    """What tells the signatures of dev scores apart, where they are unlike: `` tok:none``."""
    signatures = [_signature(one) for one in variants]
    parts = [set(one.split("|")) for one in signatures if one]
    shared = set.intersection(*parts) if parts else set()
    return [
        "".join(f" {part}" for part in one.split("|") if part and part not in shared)
        for one in signatures
    ]


def _signature(variant: Variant) -> str:
    return next((run.dev.signature for run in variant.runs if run.dev is not None), "")
