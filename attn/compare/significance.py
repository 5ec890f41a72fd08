"""Two variants, each of several seeds, on the same sentences: is one of them better?

What varies is the seed and the sentences that happen to be in the test set, and a claim that one
variant is better is to hold for other seeds and other sentences. With the mean scores of ``m`` and
``n`` seeds, the variance of their difference is estimated as

    V = s_1^2 / m + s_2^2 / n + max(0, B - I_1 - I_2),

``s_k^2`` being the variance of the scores of a variant's seeds on the whole test set, ``B`` that of
the difference over bootstrap samples of the sentences, drawn alike for every seed of both variants,
and ``I_k`` the part of B that is of single seeds on single sentences, which ``s_k^2`` holds
already: the mean variance over the samples of what tells a seed from the mean of its variant, over
``m - 1``. This is how two crossed sources of variance are added (Cameron, Gelbach and Miller 2011).

The bootstrap that draws seeds, then sentences, and takes percentiles has ``s^2 (m - 1) / m`` in the
place of ``s^2``, half of it with two seeds (Davison and Hinkley 1997, section 3.8), takes it for
known, and counts the luck of single seeds with single sentences several times (Owen 2007): on equal
variants it errs in none to a quarter of all trials (experiments/significance). So p is that of
Student's t: with the degrees of freedom of seeds that vary alike and with Welch's, of seeds that
need not. The larger counts, as the one is too small where they do not, and the other where one side
has two seeds and the other many.

A variant of one seed tells nothing of how seeds vary: it is taken to vary as the other one does,
and nothing is taken off B for it. If both have one seed, p is that of the paired bootstrap: of
these two trainings alone.
"""

import bisect
import dataclasses
import math
import statistics
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from attn.compare.bootstrap import RESAMPLES, SEED, Rows, resampled, shifted
from attn.compare.formulas import score
from attn.compare.student import both_tails, quantile

LEVEL, POWER = 0.05, 0.8
LEAST = 2.8  # the quantiles of both with no end of degrees of freedom
MOST = 1000  # seeds that are thought of
SEEDS, SENTENCES = "seeds and sentences", "sentences"  # what a test is over


@dataclasses.dataclass(frozen=True)
class Variance:
    """The variance of a difference: that of single seeds of each side, and that of sentences.

    ``pooled``: the seeds of both sides vary alike.
    """

    single: tuple[float, float]
    seeds: tuple[int, int]
    sentences: float
    sampled: int  # sentences
    pooled: bool

    @property
    def parts(self) -> list[tuple[float, float]]:
        """Estimates of variance, each with its degrees of freedom."""
        free = [n - 1 for n in self.seeds]
        if self.pooled:
            mean = sum(v * f for v, f in zip(self.single, free, strict=True)) / sum(free)
            of_seeds = [(sum(mean / n for n in self.seeds), float(sum(free)))]
        else:
            every = zip(self.single, self.seeds, free, strict=True)
            of_seeds = [(v / n, float(f)) for v, n, f in every]
        # A single sentence tells nothing of how sentences vary.
        return [*of_seeds, *([(self.sentences, self.sampled - 1.0)] if self.sampled > 1 else [])]

    @property
    def total(self) -> float:
        """The variance of the difference."""
        return sum(part for part, _ in self.parts)

    @property
    def degrees(self) -> float:
        """The degrees of freedom of the sum (Satterthwaite 1946)."""
        lost = sum(part**2 / free for part, free in self.parts if part)
        return self.total**2 / lost if lost > 0 else math.inf

    def p(self, value: float) -> float:
        """How probable a difference as large is if there is none."""
        if self.total == 0:
            return 0.0 if value else 1.0
        return both_tails(value / math.sqrt(self.total), self.degrees)

    def reach(self) -> float:
        """Half of the interval that holds the difference in 95 % of all trials."""
        return quantile(LEVEL, self.degrees) * math.sqrt(self.total) if self.total else 0.0

    def resolves(self, value: float) -> bool:
        """Whether a difference as large is found with the power asked for."""
        deviation = math.sqrt(self.total)
        if abs(value) < LEAST * deviation:  # the quantiles are larger: most numbers end here
            return False
        asked = quantile(LEVEL, self.degrees) + quantile(2 * (1 - POWER), self.degrees)
        return abs(value) >= asked * deviation


@dataclasses.dataclass(frozen=True)
class Difference:
    """A variant's mean less the baseline's: its p, over what, its 95 % interval.

    ``variances`` are the estimates that it was tested by; none without several seeds.
    """

    value: float
    p: float
    over: str
    low: float
    high: float
    variances: Sequence[Variance] = ()

    def more_seeds(self, p: float) -> int | None:
        """How many seeds both variants need more, for such a difference to be found.

        0 where ``p``, corrected or not, has found it; None where no number is known within reason.
        """
        if not self.variances:
            return None
        return 0 if p <= LEVEL else more_seeds(self.value, self.variances)


@dataclasses.dataclass(frozen=True)
class Side:
    """A variant by one metric: the score of each seed, and those of samples of the sentences."""

    scores: Sequence[float]
    sampled: Float64[np.ndarray, "samples seeds"]
    sentences: int

    @staticmethod
    def of(metric: str, seeds: Sequence[Rows], *, seed: int = SEED) -> "Side":
        """From the statistics of sentences of every seed; variants share their samples."""
        scores = [score(metric, rows) for rows in seeds]
        sampled = [resampled(metric, rows, samples=RESAMPLES, seed=seed) for rows in seeds]
        return Side(scores, np.stack(sampled, 1), len(seeds[0]))


def difference(variant: Side, baseline: Side) -> Difference:
    """Compare two variants on the same sentences."""
    value = statistics.fmean(variant.scores) - statistics.fmean(baseline.scores)
    sampled = variant.sampled.mean(1) - baseline.sampled.mean(1)
    if len(variant.scores) == len(baseline.scores) == 1:
        low, high = np.quantile(sampled, [LEVEL / 2, 1 - LEVEL / 2])
        return Difference(value, shifted(sampled, value), SENTENCES, float(low), float(high))
    every = _variances(variant, baseline, float(np.var(sampled, ddof=1)))
    worst = max(every, key=lambda one: one.p(value))
    reach = worst.reach()
    return Difference(value, worst.p(value), SEEDS, value - reach, value + reach, every)


def _variances(one: Side, other: Side, sampled: float) -> list[Variance]:
    """The variance as it is if the seeds of both sides vary alike, and as it is if they do not."""
    known = [statistics.variance(side.scores) for side in (one, other) if len(side.scores) > 1]
    rest = max(0.0, sampled - _single(one.sampled) - _single(other.sampled))
    seeds = (len(one.scores), len(other.scores))
    pooled = Variance((known[0], known[-1]), seeds, rest, one.sentences, pooled=True)
    return [pooled] if len(known) == 1 else [pooled, dataclasses.replace(pooled, pooled=False)]


def _single(sampled: Float64[np.ndarray, "samples seeds"]) -> float:
    """The share of the variance of a mean, over samples, that is of its seeds one by one."""
    seeds = sampled.shape[1]
    if seeds == 1:
        return 0.0
    apart = sampled - sampled.mean(1, keepdims=True)
    return float(apart.var(0, ddof=1).mean()) / (seeds - 1)


def more_seeds(value: float, variances: Sequence[Variance]) -> int | None:
    """How many seeds more, of each variant, would resolve a difference as large as the one seen.

    The smallest ``n`` beyond those that the variants have for which, at a level of 5 %, a power of
    80 % is reached: ``|D| >= (t_{0.05, f} + t_{0.4, f}) sqrt(V(n))``, with two-sided quantiles,
    ``V(n)`` with the variances of single seeds as they were seen, and ``f`` its degrees of freedom.
    Seeds take nothing away of what is of the sentences: if that alone is too much, no number is
    enough.
    """
    if value == 0:
        return None

    def resolved(n: int) -> bool:
        grown = (
            dataclasses.replace(one, seeds=(one.seeds[0] + n, one.seeds[1] + n))
            for one in variances
        )
        return all(one.resolves(value) for one in grown)

    n = bisect.bisect_left(range(1, MOST + 1), True, key=resolved) + 1
    return n if n <= MOST else None


def holm(every: Sequence[float]) -> list[float]:
    """Values of p, each so much larger that one error among all is no likelier (Holm 1979).

    The i-th smallest of n is multiplied by n + 1 - i, and none is below one before it.
    """
    order = sorted(range(len(every)), key=lambda number: every[number])
    found, least = [0.0] * len(every), 0.0
    for rank, number in enumerate(order):
        least = max(least, min(1.0, every[number] * (len(every) - rank)))
        found[number] = least
    return found
