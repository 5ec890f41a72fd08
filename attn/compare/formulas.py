"""BLEU, chrF and TER of many samples at once, from the sums of their sentences' statistics.

The numbers are those of sacreBLEU's defaults, which ``attn.scoring`` scores with: BLEU of up to 4
words with exponential smoothing, chrF of up to 6 characters with beta 2.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

Sums = Float64[np.ndarray, "*samples counts"]
Values = Float64[np.ndarray, "*samples"]
ORDER, BETA = 4, 2.0


def bleu(sums: Sums) -> Values:
    """BLEU (Papineni et al. 2002) of lengths said and wanted, matches, n-grams said.

    The n-th of the orders without a match counts as 1 / 2^n of one; see sacreBLEU's ``exp``.
    """
    said, wanted = sums[..., 0], sums[..., 1]
    matches, total = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
    missed = 2.0 ** np.cumsum(matches == 0, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precisions = 100 * np.where(matches == 0, 1 / missed, matches) / total
        brevity = np.where(said < wanted, np.exp(1 - wanted / said), 1.0)
        scores = brevity * np.exp(np.log(precisions).mean(-1))
    known = (total > 0).all(-1) & (matches > 0).any(-1)
    return np.where(known, scores, 0.0)


def chrf(sums: Sums) -> Values:
    """ChrF (Popović 2015) of the n-grams said, wanted and matched of each order."""
    said, wanted, matches = (sums[..., start::3] for start in range(3))
    known = (said > 0) & (wanted > 0)
    orders = np.maximum(known.sum(-1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(known, matches / said, 0.0).sum(-1) / orders
        recall = np.where(known, matches / wanted, 0.0).sum(-1) / orders
        scores = 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)
    return np.where(precision + recall > 0, scores, 0.0)


def ter(sums: Sums) -> Values:
    """TER (Snover et al. 2006) of edits and words wanted."""
    edits, wanted = sums[..., 0], sums[..., 1]
    rates = edits / np.where(wanted > 0, wanted, 1.0)
    return np.asarray(100 * np.where(wanted > 0, rates, np.sign(edits)))


def mean(sums: Sums) -> Values:
    """The mean of values, from their sum and their number."""
    return np.asarray(sums[..., 0] / sums[..., 1])


FORMULAS: dict[str, Callable[[Sums], Values]] = {
    "BLEU": bleu,
    "chrF": chrf,
    "TER": ter,
    "COMET": mean,
}
LOWER_IS_BETTER = {"TER"}


def score(metric: str, rows: Float64[np.ndarray, "sentences counts"]) -> float:
    """The score of all sentences together, from the statistics of each."""
    return float(FORMULAS[metric](rows.sum(0)))
