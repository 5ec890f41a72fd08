"""Tests of significance: against sacreBLEU, on what is known, and on variants that are equal."""

import math

import numpy as np
import pytest
from evaluated import sentences, spoken
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.significance import PairedTest

from attn.compare import bootstrap, student
from attn.compare.bootstrap import paired_bootstrap, paired_randomization
from attn.compare.costs import front
from attn.compare.formulas import FORMULAS
from attn.compare.significance import SENTENCES, Side, Variance, difference, holm, more_seeds
from attn.scoring import Scoring

METRICS = ("BLEU", "chrF", "TER")
REFERENCES = sentences(121)  # odd: what is drawn in parts is that drawn at once all the same


def statistics(quality, seed, references=REFERENCES):
    return Scoring().sentences(spoken(references, quality, seed), references)


@pytest.mark.parametrize("metric", METRICS)
def test_formulas_give_the_scores_of_any_sample(metric):
    scoring, rows = Scoring(), statistics(0.5, 1)[metric]
    random = np.random.default_rng(1)
    samples = [rows[random.integers(0, 120, size)] for size in (1, 1, 1, 2, 3, 50, 120)]
    samples += [rows[:0], np.zeros((1, rows.shape[1]))]
    found = FORMULAS[metric](np.stack([one.sum(0) for one in samples]))
    assert found == pytest.approx([scoring.score_of(metric, one) for one in samples], abs=1e-9)


def test_words_without_a_reference_are_errors():
    assert FORMULAS["TER"](np.array([[3.0, 0.0], [0.0, 0.0]])).tolist() == [100.0, 0.0]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["bs", "ar"])
@pytest.mark.parametrize("quality", [0.72, 0.76])
def test_equals_sacrebleus_paired_test(kind, quality, monkeypatch):
    """But for samples that differ just as much as the systems do, which do not count there."""
    monkeypatch.setattr(bootstrap, "ROUNDING", -bootstrap.ROUNDING)
    said = {"one": spoken(REFERENCES, quality, 1), "other": spoken(REFERENCES, 0.7, 2)}
    scoring, count = Scoring(), 1100  # more than are taken at once
    test = PairedTest(list(said.items()), scoring.metrics, [REFERENCES], kind, count)
    one, other = (scoring.sentences(lines, REFERENCES) for lines in said.values())
    found = test()[1]
    for name, metric in zip(METRICS, list(found)[1:], strict=True):
        if kind == "bs":
            p = paired_bootstrap(name, one[name], other[name], samples=count)
        else:
            p = paired_randomization(name, one[name], other[name], trials=count)
        assert p == pytest.approx(found[metric][1].p_value, abs=1.01 / (count + 1)), name


@pytest.mark.parametrize("test", [paired_bootstrap, paired_randomization])
def test_what_is_almost_the_same_does_not_differ(test):
    rows = statistics(0.8, 1)["BLEU"]
    almost = rows.copy()
    almost[3, 2:6] = 0
    assert test("BLEU", rows, rows) == 1.0
    assert test("BLEU", rows, almost) > 0.1
    assert test("BLEU", rows, statistics(0.4, 1)["BLEU"]) < 0.01


@pytest.mark.parametrize(
    ("t", "degrees", "p"),
    [(12.7062, 1.0, 0.05), (4.30265, 2.0, 0.05), (2.57058, 5.0, 0.05), (9.92484, 2.0, 0.01)],
)
def test_students_distribution(t, degrees, p):
    assert student.both_tails(t, degrees) == pytest.approx(p, abs=1e-6)
    assert student.quantile(p, degrees) == pytest.approx(t, abs=1e-4)


def test_of_many_degrees_it_is_normal():
    assert student.both_tails(0.0, 3.0) == pytest.approx(1.0)
    assert student.both_tails(math.inf, 3.0) == 0
    for degrees in (1999.0, 2001.0):
        assert student.both_tails(1.96, degrees) == pytest.approx(0.05, abs=2e-4)


def side(random, seeds, *, mean=0.0, between=0.0, within=1.0, common=0.0):
    """Seeds of a variant by a metric that is the mean of the sentences' values."""
    values = mean + common + between * random.standard_normal((seeds, 1))
    values = values + within * random.standard_normal((seeds, 60))
    return Side.of("COMET", [np.stack([one, np.ones(60)], 1) for one in values])


@pytest.mark.long
@pytest.mark.parametrize(
    ("seeds", "between"), [((2, 2), 0.0), ((3, 3), 0.3), ((2, 5), 0.1), ((1, 4), 0.1)]
)
def test_equal_variants_are_rarely_found_to_differ(seeds, between):
    """At 5 %; see experiments/significance for BLEU, and for more trials."""
    random = np.random.default_rng(3)
    found = []
    for _ in range(250):
        common = random.standard_normal(60)
        one, other = (side(random, n, between=between, common=common) for n in seeds)
        found.append(difference(one, other).p <= 0.05)
    assert np.mean(found) <= 0.07  # 0.05, and the deviation of 250 trials


def test_true_differences_are_found_as_often_as_is_planned():
    """With as many seeds as ``more_seeds`` asks for, in about 80 % of trials."""
    random, value = np.random.default_rng(6), 0.5
    single = 0.3**2 + 1 / 60  # of the score of a seed
    parts = Variance((single, single), (2, 2), 0.0, 60, pooled=True)
    seeds = 2 + more_seeds(value, [parts])
    found = [
        difference(side(random, seeds, mean=value, between=0.3), side(random, seeds, between=0.3)).p
        <= 0.05
        for _ in range(120)
    ]
    assert 0.65 < np.mean(found) < 0.95


def test_differences_are_found():
    random = np.random.default_rng(4)
    one, other = side(random, 3, mean=5.0, between=0.1), side(random, 3, between=0.1)
    found = difference(one, other)
    assert found.p < 0.01
    assert found.low < found.value < found.high
    assert found.low > 0
    assert (found.over, found.more_seeds(found.p)) == ("seeds and sentences", 0)
    assert found.more_seeds(0.06) == 1  # which other rows have made of p


def test_one_seed_each_is_a_matter_of_sentences():
    random = np.random.default_rng(4)
    found = difference(side(random, 1, mean=5.0), side(random, 1))
    assert found.over == SENTENCES
    assert found.more_seeds(found.p) is None
    assert found.p < 0.01


def test_a_difference_of_few_sentences_is_not_resolved_by_seeds():
    """Variants that are the same on every seed, and differ on sentences as these happen to be."""
    random = np.random.default_rng(4)
    lucky = random.standard_normal(60)
    found = difference(side(random, 4, within=0.01, common=lucky), side(random, 4, within=0.01))
    assert found.p > 0.05
    assert found.more_seeds(found.p) is None


def test_as_many_seeds_as_the_power_asks_for():
    parts = Variance((1.0, 1.0), (2, 2), 0.0, 60, pooled=True)
    n = more_seeds(1.0, [parts]) + 2
    assert n == 17  # of each side, as tables of power have it for one deviation
    assert more_seeds(0.0, [parts]) is None
    assert more_seeds(0.01, [parts]) is None


def test_what_does_not_vary_differs_or_does_not():
    parts = Variance((0.0, 0.0), (2, 2), 0.0, 60, pooled=False)
    assert (parts.p(0.0), parts.p(0.1), parts.reach()) == (1.0, 0.0, 0.0)
    assert parts.degrees == math.inf


def test_holms_correction():
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_the_front_is_what_nothing_beats(points):
    quality, cost = ([float(one) for one in side] for side in zip(*points, strict=True))
    for row, on in enumerate(front(quality, cost)):
        better = [
            other
            for other in points
            if other != points[row] and other[0] >= points[row][0] and other[1] <= points[row][1]
        ]
        assert on is not bool(better)


def test_what_is_not_known_is_on_no_front():
    assert front([1.0, None, 3.0], [1.0, 1.0, None]) == [True, False, False]


def test_one_sentence_tells_nothing_of_sentences():
    variance = Variance((1.0, 1.0), (2, 3), 1e-20, 1, pooled=True)
    assert len(variance.parts) == 1
    assert 0 < variance.p(1.0) < 1
