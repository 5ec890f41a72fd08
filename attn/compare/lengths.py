"""Scores of variants by the length of the sources."""

from collections.abc import Sequence
from typing import Any

from attn import scoring
from attn.compare.bands import band
from attn.compare.evaluation import METRICS
from attn.compare.spoken import Spoken

GROUPS = 6  # about equally many sentences in each


def by_length(
    same: Sequence[Spoken], sources: Sequence[str]
) -> tuple[dict[str, Any], list[Spoken]]:
    """Groups of sentences by the words of their sources, and the band of each variant by metric.

    Beside them, the evaluations that are not as they were written, and left out.
    """
    groups = scoring.by_length(sources, bounds([len(source.split()) for source in sources]))
    filled = {name: rows for name, rows in groups.items() if rows}
    scores: dict[int, list[dict[str, dict[str, Any]]]] = {}
    lost = []
    for one in same:
        statistics = one.statistics(len(sources))
        if statistics is None:
            lost.append(one)
        else:
            found = scoring.Scoring().of_groups(statistics, filled)
            scores.setdefault(one.variant, []).append(found)
    data = {
        "groups": [[name, len(rows)] for name, rows in filled.items()],
        "metrics": {
            metric: {
                str(variant): band([[run[name][metric] for run in runs] for name in filled])
                for variant, runs in scores.items()
            }
            for metric in METRICS
        },
    }
    return data, lost


def bounds(words: Sequence[int]) -> list[int]:
    """Where lengths are parted, so that groups are about equally large."""
    ordered = sorted(words)
    cuts = {ordered[len(ordered) * part // GROUPS] for part in range(1, GROUPS)}
    return sorted(cut for cut in cuts if 1 <= cut < ordered[-1])
