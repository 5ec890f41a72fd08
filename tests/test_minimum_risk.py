"""Minimum Bayes risk decoding against sacreBLEU's own scores, pair by pair."""

import dataclasses

import numpy as np
import pytest
import sacrebleu
import torch
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from test_search import SOURCE, VALID, model

from attn import registry
from attn.search import Hypothesis, Reading, Search
from attn.search.minimum_risk import MinimumRisk
from attn.search.utilities import UTILITIES

BEAM = {"name": "beam", "max_ratio": 0.0, "max_extra": 6}
NAMES = sorted(UTILITIES)
PAIR = {
    "chrF": lambda one, other: sacrebleu.sentence_chrf(one, [other]).score,
    "BLEU": lambda one, other: sacrebleu.sentence_bleu(one, [other]).score,
}
TEXTS = st.lists(st.text("ab c,.é🙂", max_size=30), min_size=1, max_size=5)
REAL = [
    "Bank",
    "Ein Mann mit einem Hut sitzt auf der Bank, und liest.",
    "Ein Mann mit Hut sitzt auf einer Bank und liest.",
    "Ein Mann sitzt.",
    "Zwei Hunde spielen im Schnee .",
    "ein mann mit einem hut sitzt auf der bank",
    "",
    " ",
    "la la la la la la la la la la",
]


def pairwise(name, texts):
    return [[PAIR[name](one, other) for other in texts] for one in texts]


@pytest.mark.parametrize("name", NAMES)
def test_utilities_are_sacrebleus(name):
    np.testing.assert_allclose(UTILITIES[name](REAL), pairwise(name, REAL), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(texts=TEXTS)
def test_utilities_of_anything_are_sacrebleus(name, texts):
    np.testing.assert_allclose(UTILITIES[name](texts), pairwise(name, texts), atol=1e-9)


@dataclasses.dataclass
class Found:
    """A search that finds what it is given."""

    several: list
    rows: int = 9

    def __call__(self, model, source, valid, *, best=1, prefix=None):
        return [self.several[:best]]


def chosen(texts, *, utility="chrF", best=1, unfinished=()):
    """What is found where a search finds these texts, the first the likeliest."""
    search = MinimumRisk(utility=utility)
    search.search = Found([
        Hypothesis([number], -float(number), text not in unfinished)
        for number, text in enumerate(texts)
    ])
    (found,) = search.reading(lambda tokens: texts[tokens[0]])(
        model(), SOURCE[:1], VALID[:1], best=best
    )
    return found


@pytest.mark.parametrize("utility", NAMES)
def test_the_score_is_the_mean_utility(utility):
    table = pairwise(utility, REAL)
    means = [sum(row) / len(row) for row in table]
    found = chosen(REAL, utility=utility, best=9)
    assert [one.score for one in found] == pytest.approx(sorted(means, reverse=True))
    assert [means[one.tokens[0]] for one in found] == pytest.approx([one.score for one in found])
    assert found[0].tokens != [0]  # which is the likeliest


def test_what_comes_often_weighs_much():
    rare, often = "a b c d e", "v w x y z"
    (one,) = chosen([rare, often, often])
    assert (one.tokens, one.score) == ([1], pytest.approx(200 / 3))
    found = chosen([rare, often, often], best=3)
    assert [one.tokens for one in found] == [[1], [0]]


def test_of_equals_the_likelier_is_taken():
    assert chosen(["a b", "c d"])[0].tokens == [0]


def test_what_did_not_end_is_no_candidate():
    texts = ["a b c d", "a b c d e", "z"]
    assert [one.tokens for one in chosen(texts, best=3, unfinished=texts[:2])] == [[2]]
    assert len(chosen(texts, best=3, unfinished=texts)) == 3


@torch.no_grad()
@pytest.mark.parametrize("utility", NAMES)
def test_candidates_are_those_of_the_search(utility):
    built = model(ending=1.0)
    inner = registry.build("search", {**BEAM, "size": 6})
    search = registry.build(
        "search", {"name": "mbr", "candidates": {**BEAM, "size": 6}, "utility": utility}
    )
    assert isinstance(search, Search)
    assert isinstance(search, Reading)
    assert search.rows == 6
    found = search(built, SOURCE, VALID, best=6)
    for several, candidates in zip(found, inner(built, SOURCE, VALID, best=6), strict=True):
        finished = [one.tokens for one in candidates if one.finished]
        assert finished
        texts = [" ".join(map(str, tokens)) for tokens in finished]
        means = np.mean(pairwise(utility, texts), 1)
        best = np.argsort(-means, kind="stable")
        assert [one.tokens for one in several] == [finished[i] for i in best]
        assert [one.score for one in several] == pytest.approx(means[best])


@torch.no_grad()
def test_what_is_drawn_weighs_as_it_is_drawn():
    built = model(ending=5.0)
    drawing = {"name": "sampling", "size": 12, "max_ratio": 0.0, "max_extra": 6}
    drawn = registry.build("search", drawing)(built, SOURCE, VALID, best=12)
    found = registry.build("search", {"name": "mbr", "candidates": drawing})(built, SOURCE, VALID)
    repeated = 0
    for (one,), several in zip(found, drawn, strict=True):
        finished = [each.tokens for each in several if each.finished]
        assert finished
        texts = [" ".join(map(str, tokens)) for tokens in finished]
        means = np.mean(pairwise("chrF", texts), 1)
        assert one.tokens == finished[int(np.argmax(means))]
        assert one.score == pytest.approx(max(means))
        repeated += len(set(texts)) < len(texts)
    assert repeated


@torch.no_grad()
def test_one_at_a_time_is_all_together():
    search, built = registry.build("search", {"name": "mbr", "candidates": BEAM}), model()
    for row, (together,) in enumerate(search(built, SOURCE, VALID)):
        width = int(VALID[row].sum())
        ((alone,),) = search(built, SOURCE[row : row + 1, :width], VALID[row : row + 1, :width])
        assert alone.tokens == together.tokens


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"utility": "chrf"}, "utility=chrf: unknown; choose one of chrF, BLEU"),
        (
            {"candidates": {"name": "mbr"}},
            "candidates.name=mbr: finds no candidates; "
            f"{registry.suggest('mbr', [n for n in registry.names('search') if n != 'mbr'])}",
        ),
        ({"candidates": {"name": "beam", "size": 0}}, "candidates.size=0: must be at least 1"),
        (
            {"candidates": {"name": "beam", "size": "a"}},
            "candidates.size=a: not of type int",
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        registry.build("search", {"name": "mbr", **options})
