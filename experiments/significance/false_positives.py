"""How often tests find a difference between two variants that are the same but for their seeds.

    python experiments/significance/false_positives.py --trials 2000

A sentence has a difficulty of its own, a seed a quality of its own, and a seed luck with a
sentence; from these follow the n-grams that match, and BLEU. Both variants draw alike.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float64, Int64

from attn.compare.bootstrap import paired_bootstrap, resampled
from attn.compare.significance import Side, difference

SENTENCES, ORDER, LEVEL = 200, 4, 0.05
# The deviation of a seed's quality and of its luck with a sentence, on the scale of log odds.
SETTINGS = {"alike": (0.0, 0.6), "different": (0.05, 0.6), "very different": (0.3, 0.6)}
SEEDS = ((2, 2), (3, 3), (5, 5), (2, 5), (1, 5))
Rows = Float64[np.ndarray, "sentences counts"]


def variant(
    random: np.random.Generator,
    lengths: Int64[np.ndarray, " sentences"],
    ease: Float64[np.ndarray, " sentences"],
    seeds: int,
    deviations: tuple[float, float],
) -> Iterator[Rows]:
    """The BLEU statistics of every seed of a variant."""
    (between, within), orders = deviations, np.arange(ORDER)
    total = np.maximum(lengths[:, None] - orders, 0)
    for _ in range(seeds):
        luck = within * random.standard_normal(SENTENCES)
        odds = ease + between * random.standard_normal() + luck
        right = 1 / (1 + np.exp(-odds))
        matches = random.binomial(total, right[:, None] ** (orders + 1))
        sides = np.stack([lengths, lengths], 1)
        yield np.concatenate([sides, matches, total], 1).astype(np.float64)


def percentile(random: np.random.Generator, one: Sequence[Rows], other: Sequence[Rows]) -> bool:
    """Whether the interval of a bootstrap of seeds, then sentences, leaves zero out."""
    means = []
    for side in (one, other):
        scores = np.stack([resampled("BLEU", rows) for rows in side], 1)
        drawn = random.integers(len(side), size=scores.shape)
        means.append(np.take_along_axis(scores, drawn, 1).mean(1))
    low, high = np.quantile(means[0] - means[1], [LEVEL / 2, 1 - LEVEL / 2])
    return bool(low > 0 or high < 0)


def rates(
    trials: int, deviations: tuple[float, float], seeds: tuple[int, int]
) -> tuple[float, ...]:
    """The share of false positives: of attn compare, of percentiles, of one seed each."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(trials):
        lengths = random.integers(4, 25, SENTENCES)
        ease = 1.0 + 0.8 * random.standard_normal(SENTENCES)
        one, other = (list(variant(random, lengths, ease, count, deviations)) for count in seeds)
        found.append((
            difference(Side.of("BLEU", one), Side.of("BLEU", other)).p <= LEVEL,
            percentile(random, one, other),
            paired_bootstrap("BLEU", one[0], other[0]) <= LEVEL,
        ))
    return tuple(map(statistics.fmean, zip(*found, strict=True)))


def lines(trials: int, settings: Sequence[str]) -> Iterator[str]:
    """A table of Markdown."""
    yield "| seeds are | how many | attn compare | percentiles | one of each, sentences alone |"
    yield "|---|---|---|---|---|"
    for name in settings:
        for seeds in SEEDS:
            shares = rates(trials, SETTINGS[name], seeds)
            cells = [name, "{} and {}".format(*seeds), *(f"{share:.1%}" for share in shares)]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table, line by line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    asked = parser.parse_args()
    for line in lines(asked.trials, asked.settings):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
