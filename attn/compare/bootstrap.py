"""Two systems on the same sentences: is the difference of their scores one of these sentences only?

Both tests draw as ``sacrebleu.significance.PairedTest`` does, and give its p, but compute all
samples at once from the sums of sufficient statistics. In one thing they differ: a sample that
differs just as much as the systems do counts, too. Where few sentences are unlike, many samples do;
without them two systems of which one sentence is unlike, or none, would pass for different.

The tests know nothing of seeds: what they tell is of two sets of translations, not of two ways to
train.
"""

import functools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from attn.compare.formulas import FORMULAS, score

SEED = 12345
RESAMPLES, TRIALS = 1000, 10_000
CHUNK = 1024  # samples taken at once; of 32s, so that swaps drawn in parts are those drawn at once
ROUNDING = 1e-9  # of a score

Rows = Float64[np.ndarray, "sentences counts"]


def draws(
    sentences: int, samples: int, seed: int
) -> Iterator[Float64[np.ndarray, "some sentences"]]:
    """How often each sentence is in each sample, drawn with replacement; some samples at a time."""
    if samples <= CHUNK:
        yield _few(sentences, samples, seed)
        return
    random = np.random.default_rng(seed)
    for start in range(0, samples, CHUNK):
        yield _counts(random, min(CHUNK, samples - start), sentences)


@functools.lru_cache(maxsize=4)
def _few(sentences: int, samples: int, seed: int) -> Float64[np.ndarray, "samples sentences"]:
    return _counts(np.random.default_rng(seed), samples, sentences)


def _counts(
    random: np.random.Generator, samples: int, sentences: int
) -> Float64[np.ndarray, "samples sentences"]:
    chosen = random.choice(sentences, (samples, sentences), replace=True)
    offsets = np.arange(samples)[:, None] * sentences
    counts = np.bincount((chosen + offsets).ravel(), minlength=samples * sentences)
    return counts.reshape(samples, sentences).astype(np.float64)


def resampled(
    metric: str, rows: Rows, *, samples: int = RESAMPLES, seed: int = SEED
) -> Float64[np.ndarray, " samples"]:
    """The scores of samples of the sentences, the same samples whatever the system."""
    every = [FORMULAS[metric](drawn @ rows) for drawn in draws(len(rows), samples, seed)]
    return np.concatenate(every)


def paired_bootstrap(
    metric: str, one: Rows, other: Rows, *, samples: int = RESAMPLES, seed: int = SEED
) -> float:
    """P of the paired bootstrap (Koehn 2004; shifted as Riezler and Maxwell 2005 have it).

    The share of samples whose difference is further from the mean of all than the difference seen
    is from none, with one added to both numbers.
    """
    scores = [resampled(metric, rows, samples=samples, seed=seed) for rows in (one, other)]
    return shifted(scores[0] - scores[1], _seen(metric, one, other))


def shifted(differences: Float64[np.ndarray, " samples"], seen: float) -> float:
    """That p, of the differences of samples and the one seen."""
    sizes = np.abs(differences)
    return _share(sizes - sizes.mean(), abs(seen))


def paired_randomization(
    metric: str, one: Rows, other: Rows, *, trials: int = TRIALS, seed: int = SEED
) -> float:
    """P of paired approximate randomization (Riezler and Maxwell 2005).

    The share of trials, each of which swaps the translations of half the sentences by chance, that
    differ by more than the systems do, with one added to both numbers.
    """
    differences = np.concatenate(list(_swapped(metric, one, other, trials, seed)))
    return _share(differences, _seen(metric, one, other))


def _swapped(
    metric: str, one: Rows, other: Rows, trials: int, seed: int
) -> Iterator[Float64[np.ndarray, " some"]]:
    """The differences of two shuffled systems, some trials at a time: they would fill the memory.

    What one does not have of the sum of both, the other has.
    """
    random, whole = np.random.default_rng(seed), (one + other).sum(0)
    for start in range(0, trials, CHUNK):
        size = (min(CHUNK, trials - start), len(one))
        chosen = random.integers(2, size=size, dtype=bool).astype(np.float64)
        sums = chosen @ (one - other) + other.sum(0)
        yield np.abs(FORMULAS[metric](sums) - FORMULAS[metric](whole - sums))


def _seen(metric: str, one: Rows, other: Rows) -> float:
    return abs(score(metric, one) - score(metric, other))


def _share(found: Float64[np.ndarray, " samples"], seen: float) -> float:
    return float(((found >= seen - ROUNDING).sum() + 1) / (len(found) + 1))
