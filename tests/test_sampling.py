"""Samples: what they are drawn from, and what they depend on."""

import math
from collections import Counter

import pytest
import torch
from messages import exactly
from searching import SOURCE, VALID, build, found, log_probability, model

from attn.search.noise import keys, uniform
from attn.search.truncation import FEW, Truncation
from attn.tokenizers import BOS, EOS, PAD

pytestmark = pytest.mark.usefixtures("unchecked")


def samples(built, *, row=0, size=20_000, **options):
    """Many samples of a sentence."""
    source = SOURCE[row : row + 1]
    (drawn,) = build("sampling", size=size, **options)(built, source, source != PAD, best=size)
    return drawn


def written(probabilities, *, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """What is drawn from, by the definitions, of one token."""
    sayable = {v: p ** (1 / temperature) for v, p in probabilities.items() if v not in (PAD, BOS)}
    total = sum(sayable.values())
    p = {v: weight / total for v, weight in sayable.items()}
    order = sorted(p, key=p.get, reverse=True)
    kept = set(order)
    if top_k:
        kept &= set(order[:top_k])
    nucleus = next(n for n in range(1, len(p) + 1) if sum(p[v] for v in order[:n]) >= top_p - 1e-9)
    kept &= set(order[:nucleus])
    kept &= {v for v in p if p[v] >= min_p * p[order[0]]}
    return {v: p[v] / sum(p[w] for w in kept) for v in kept}


@torch.no_grad()
def after(built, row, prefix):
    """The probability of each token after a prefix, by one pass."""
    hidden = built(SOURCE[row : row + 1], VALID[row : row + 1], torch.tensor([[BOS, *prefix]]))
    return dict(enumerate(built.project(hidden)[0, -1].float().softmax(-1).tolist()))


def fits(counts, expected):
    """Whether counts are as a distribution has it, by the test of Pearson, at one in a thousand."""
    total = sum(counts.values())
    assert set(counts) <= set(expected)
    chi = sum((counts.get(v, 0) - total * p) ** 2 / (total * p) for v, p in expected.items())
    freedom = len(expected) - 1
    # Wilson and Hilferty's cube root of a chi-square is normal; 3.09 deviations: 0.001.
    return (
        freedom == 0
        or chi < freedom * (1 - 2 / (9 * freedom) + 3.09 * math.sqrt(2 / (9 * freedom))) ** 3
    )


WAYS = [
    {},
    {"temperature": 0.7},
    {"temperature": 1.6},
    {"top_k": 3},
    {"top_p": 0.7},
    {"min_p": 0.3},
    {"temperature": 1.5, "top_k": 4, "top_p": 0.95, "min_p": 0.1},
]


@torch.no_grad()
@pytest.mark.parametrize("way", WAYS)
def test_tokens_come_as_often_as_the_model_has_it(way):
    built = model()
    drawn = samples(built, max_extra=2, **way)
    first = Counter(one.tokens[0] if one.tokens else EOS for one in drawn)
    assert fits(first, written(after(built, 0, []), **way))
    common = next(token for token, _ in first.most_common() if token != EOS)
    second = Counter(
        one.tokens[1] if len(one.tokens) > 1 else EOS for one in drawn if one.tokens[:1] == [common]
    )
    assert fits(second, written(after(built, 0, [common]), **way))


@torch.no_grad()
def test_what_does_not_follow_the_model_is_noticed():
    built = model()
    first = Counter(one.tokens[0] if one.tokens else EOS for one in samples(built, max_extra=1))
    assert not fits(first, written(after(built, 0, []), temperature=1.1))


@torch.no_grad()
def test_scores_are_the_models_own_and_the_likelier_come_first():
    built = model(ending=1.0)
    drawn = samples(built, size=12, row=1, temperature=2.0, top_k=4)
    assert [one.score for one in drawn] == sorted((one.score for one in drawn), reverse=True)
    assert len({tuple(one.tokens) for one in drawn}) > 1
    assert {one.finished for one in drawn} == {True, False}
    for one in drawn:
        tokens = [*one.tokens, EOS] if one.finished else one.tokens
        assert one.score == pytest.approx(log_probability(built, 1, tokens), abs=1e-5)
    assert samples(built, size=12, row=1, temperature=2.0, top_k=4)[:3] == drawn[:3]


@torch.no_grad()
@pytest.mark.parametrize(
    "way", [{"top_k": 1}, {"temperature": 1e-6}, {"top_p": 1e-9}, {"min_p": 1.0}]
)
def test_the_likeliest_alone_is_greedy_search(way):
    built = model(ending=1.0)
    greedy, drawn = found(build("greedy"), built), found(build("sampling", **way), built)
    assert [one.tokens for one in drawn] == [one.tokens for one in greedy]
    assert [one.score for one in drawn] == pytest.approx([one.score for one in greedy], abs=1e-5)
    assert {one.finished for one in drawn} == {True, False}


@torch.no_grad()
def test_seeds_sentences_and_samples_differ():
    built, source = model(size=9, ending=-2.0), SOURCE[[0, 0, 3]]
    searches = [build("sampling", size=2, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (one(built, source, source != PAD, best=2) for one in searches)
    assert first == again
    assert first[0] == first[1] != first[2]
    assert first[0] != other[0]
    assert first[0][0].tokens != first[0][1].tokens


def test_chance_is_even_and_free_of_neighbours():
    source = torch.arange(2000)[:, None].expand(-1, 3).contiguous()
    chance = uniform(keys(source, source >= 0, size=4, seed=3), 5)
    assert chance.shape == (2000, 4)
    assert 0 <= chance.min() < 0.001
    assert 0.999 < chance.max() < 1
    next_step = uniform(keys(source, source >= 0, size=4, seed=3), 6)
    next_seed = uniform(keys(source, source >= 0, size=4, seed=4), 5)
    every = torch.stack((chance.flatten(), next_step.flatten(), next_seed.flatten()))
    assert fits(Counter((chance.flatten() * 20).int().tolist()), dict.fromkeys(range(20), 0.05))
    near = torch.cat((every.corrcoef().fill_diagonal_(0).flatten(), chance.T.corrcoef()[0, 1:]))
    assert near.abs().max() < 0.05
    assert torch.corrcoef(torch.stack((chance[:-1, 0], chance[1:, 0])))[0, 1].abs() < 0.05


def test_tokens_in_another_order_are_another_sentence():
    source = torch.tensor([[4, 5, 2], [5, 4, 2], [4, 5, 2]])
    one, other, same = keys(source, source != PAD, size=1, seed=1)[:, 0].tolist()
    assert one == same != other


@pytest.mark.parametrize("share", [0.1, 0.6, 0.95, 0.9999])
def test_a_nucleus_is_that_of_a_sorted_vocabulary(share):
    p = (torch.randn(20, 3000) * torch.linspace(0.1, 20, 20)[:, None]).softmax(-1)
    kept = Truncation(0, share, 0.0)(p) > 0
    for row, of_row in zip(p, kept, strict=True):
        order = row.argsort(descending=True)
        count = int((row[order].cumsum(0) < share).sum()) + 1
        assert torch.equal(of_row.nonzero()[:, 0], order[:count].sort().values)
    assert {count > FEW for count in kept.sum(-1).tolist()} == {True, False}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0: must be at least 1"),
        ({"seed": -1}, "seed=-1: must not be negative"),
        (
            {"temperature": 0.0},
            "temperature=0.0: must be above 0; search=greedy takes the likeliest",
        ),
        ({"top_k": -1}, "top_k=-1: must be at least 1, or 0 for all tokens"),
        ({"top_p": 0.0}, "top_p=0.0: must be above 0 and at most 1"),
        ({"top_p": 1.5}, "top_p=1.5: must be above 0 and at most 1"),
        ({"min_p": -0.1}, "min_p=-0.1: must be at least 0 and at most 1"),
        ({"min_p": 1.1}, "min_p=1.1: must be at least 0 and at most 1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build("sampling", **options)
