"""The sentences of a split with what each run said, and how good that is by itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from attn import scoring
from attn.compare.spoken import Spoken

ROOM = 60_000  # translations of a page at most
METRICS = ("chrF", "BLEU")


def sentences(
    same: Sequence[Spoken], references: Sequence[str], sources: Sequence[str]
) -> tuple[dict[str, Any], list[Spoken]]:
    """References, sources, and by run its translations and their scores by metric.

    Where there are too many runs for a page, the first seeds of all variants come before others.
    Beside them, the evaluations that are not as they were written, and left out.
    """
    shown, lost = [], []
    for one in _turns(same)[: max(1, ROOM // len(references))]:
        statistics, texts = one.statistics(len(references)), one.evaluation.translations()
        if statistics is None or texts is None:
            lost.append(one)
        else:
            shown.append((one, texts, _scores(statistics)))
    shown.sort(key=lambda run: run[0].variant)
    data = {
        "references": list(references),
        "sources": list(sources),
        "runs": [{"variant": one.variant, "seed": one.seed} for one, _, _ in shown],
        # Sentence by sentence, so that what is alike lies together and packs well.
        "texts": [list(row) for row in zip(*(texts for _, texts, _ in shown), strict=True)],
        "scores": {name: [scores[name] for _, _, scores in shown] for name in METRICS},
    }
    return data, lost


def _turns(same: Sequence[Spoken]) -> list[Spoken]:
    """The first run of each variant, then the second of each, ..."""
    met: Counter[int] = Counter()
    turns = []
    for one in same:
        turns.append(met[one.variant])
        met[one.variant] += 1
    return [one for _, one in sorted(zip(turns, same, strict=True), key=lambda pair: pair[0])]


def _scores(statistics: scoring.Statistics) -> dict[str, list[float]]:
    """The scores of each sentence; BLEU with effective order, as sentences need it."""
    metrics = {"chrF": CHRF(), "BLEU": BLEU(effective_order=True)}
    return {
        name: [
            round(metric._compute_score_from_stats(row).score, 1)
            for row in statistics[name].tolist()
        ]
        for name, metric in metrics.items()
    }
