"""Figures over the seeds of a variant, as a line with a band around it."""

import statistics
from collections.abc import Mapping, Sequence

Band = Mapping[str, Sequence[int | float]]


def band(points: Sequence[Sequence[float]]) -> Band:
    """For each point, which has a value of each seed that got there: ``mean``, ``low``, ``high``.

    And the standard ``deviation``, 0 of one seed alone, and how many ``seeds`` there are.
    """
    return {
        "mean": [short(statistics.fmean(values)) for values in points],
        "low": [short(min(values)) for values in points],
        "high": [short(max(values)) for values in points],
        "deviation": [
            short(statistics.stdev(values)) if len(values) > 1 else 0.0 for values in points
        ],
        "seeds": [len(values) for values in points],
    }


def short(value: float) -> float:
    """A value to five digits, which is more than a picture shows."""
    return float(f"{value:.5g}")
