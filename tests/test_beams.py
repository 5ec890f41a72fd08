"""Beam search with all that it can be asked for, in groups too, as it is described."""

import math
from collections import Counter

import pytest
import torch
from messages import exactly
from searching import SOURCE, VALID, build, continuations, model

from attn.search.coverage import Coverage
from attn.search.ensemble import Ensemble
from attn.search.length import LengthPenalty
from attn.tokenizers import BOS, EOS

pytestmark = pytest.mark.usefixtures("unchecked")
LIMIT = 6


def penalty(length, options):
    """What a log-probability is divided by."""
    exponent = options.get("length_penalty", 0.6)
    power = options.get("length_norm") == "power"
    return length**exponent if power else ((5 + length) / 6) ** exponent


@torch.no_grad()
def missing(built, row, tokens, beta):
    """What a translation loses for words of its source that it hardly looked at."""
    source = SOURCE[row : row + 1, : int(VALID[row].sum())]
    inputs = torch.tensor([[BOS, *tokens[:-1]]])
    weights = built.attend(source, source > 0, inputs)
    layers = [one[0].mean(0) for name, one in weights.items() if name.startswith("cross.")]
    seen = sum(layers) / len(layers)
    return beta * sum(math.log(min(column.sum().item(), 1.0)) for column in seen.T)


def repeats(tokens, count):
    """Whether the last n-gram came before."""
    before = [tokens[at : at + count] for at in range(len(tokens) - count)]
    return count > 0 and len(tokens) >= count and tokens[len(tokens) - count :] in before


def may_follow(tokens, token, options):
    """Whether a token is that of the prefix, or behind it one that repeats no n-gram."""
    given = options.get("prefix", [])
    if len(tokens) < len(given):
        return token == given[len(tokens)]
    return not repeats([*tokens, token], options.get("no_repeat_ngram", 0))


def one_step(built, row, group, shunned, options):
    """A group one token on: its living prefixes, and those that ended."""
    size, living = options["size"], []
    every = [
        (
            score + gained - options.get("strength", 0) * shunned[token],
            score + gained,
            [*old, token],
        )
        for score, old in group
        for token, gained in continuations(built, row, tuple(old))
        if may_follow(old, token, options)
    ]
    every.sort(key=lambda one: -one[0])
    ended = [(score, tokens) for _, score, tokens in every[:size] if tokens[-1] == EOS]
    living = [(score, tokens) for _, score, tokens in every if tokens[-1] != EOS][:size]
    return living, ended


def by_the_book(built, row, options):
    """Every translation that is found of one sentence: score, tokens, the better first."""
    groups, beta = options.get("groups", 1), options.get("coverage_penalty", 0)
    options = {**options, "size": options["size"] // groups}

    def worth(score, tokens):
        return score / penalty(len(tokens), options) + missing(built, row, tokens, beta)

    living = [[(0.0, [])] for _ in range(groups)]
    finished = [[] for _ in range(groups)]
    for _ in range(LIMIT):
        shunned, done = Counter(), []
        for group in range(groups):
            living[group], ended = one_step(built, row, living[group], shunned, options)
            shunned.update(tokens[-1] for _, tokens in living[group])
            finished[group] += [(worth(*one), one[1]) for one in ended]
            finished[group] = sorted(finished[group], reverse=True)[: options["size"]]
            hope = max((one[0] for one in living[group]), default=-math.inf)
            hope /= penalty(LIMIT, options)
            best = finished[group][0][0] if finished[group] else -math.inf
            done.append(len(finished[group]) == options["size"] or best >= hope)
        if all(done):
            break
    ended = sorted((one for group in finished for one in group), reverse=True)
    return ended or sorted(((worth(*one), one[1]) for g in living for one in g), reverse=True)


WAYS = [
    ("beam", {"size": 3, "no_repeat_ngram": 1}),
    ("beam", {"size": 4, "no_repeat_ngram": 2}),
    ("beam", {"size": 4, "coverage_penalty": 0.5}),
    ("beam", {"size": 3, "coverage_penalty": 3.0, "no_repeat_ngram": 2, "length_penalty": 0.0}),
    ("beam", {"size": 4, "length_norm": "power", "length_penalty": 1.0}),
    ("diverse", {"size": 4, "groups": 2, "strength": 0.7}),
    ("diverse", {"size": 6, "groups": 3, "strength": 4.0, "no_repeat_ngram": 2}),
    ("diverse", {"size": 3, "groups": 3, "strength": 1.0, "length_norm": "power"}),
]


@torch.no_grad()
@pytest.mark.parametrize("ending", [-2.0, 0.0, 1.5])
@pytest.mark.parametrize(("name", "options"), WAYS)
def test_beams_are_as_they_are_described(name, options, ending):
    built = model(size=9, ending=ending)
    for row, several in enumerate(build(name, **options)(built, SOURCE, VALID)):
        (score, tokens), *_ = by_the_book(built, row, options)
        (one,) = several
        assert one.tokens == [token for token in tokens if token != EOS]
        assert one.score == pytest.approx(score, abs=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("name", "options"), WAYS)
def test_beams_with_a_prefix_are_as_they_are_described(name, options):
    built, prefix = model(size=9), torch.tensor([[7, 4, 4], [5, 0, 0], [0, 0, 0], [3, 6, 0]])
    every = build(name, **options)(built, SOURCE, VALID, prefix=prefix)
    for row, (one,) in enumerate(every):
        given = prefix[row][prefix[row] > 0].tolist()
        (score, tokens), *_ = by_the_book(built, row, {**options, "prefix": given})
        assert one.tokens == [token for token in tokens if token != EOS]
        assert one.score == pytest.approx(score, abs=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("name", "options"), WAYS)
def test_every_option_matters(name, options):
    built, size = model(size=9), options["size"]
    plain = build("beam", size=size, length_penalty=options.get("length_penalty", 0.6))
    several = build(name, **options)(built, SOURCE, VALID, best=size)
    assert several != plain(built, SOURCE, VALID, best=size)


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 4])
def test_one_group_is_beam_search(size):
    built = model(size=9, ending=1.0)
    beam = build("beam", size=size)(built, SOURCE, VALID, best=size)
    assert build("diverse", size=size, groups=1)(built, SOURCE, VALID, best=size) == beam


@torch.no_grad()
def test_groups_that_shun_nothing_are_the_same_beam():
    built = model(size=9, ending=1.0)
    beam = build("beam", size=2)(built, SOURCE, VALID, best=2)
    same = build("diverse", size=6, groups=3, strength=0.0)(built, SOURCE, VALID, best=6)
    for once, thrice in zip(beam, same, strict=True):
        assert [h.tokens for h in thrice[::3]] == [h.tokens for h in once]
        assert all(thrice[at : at + 3] == [thrice[at]] * 3 for at in range(0, len(thrice), 3))


@torch.no_grad()
def test_groups_begin_differently_where_it_counts_most():
    built = model(size=9, ending=-40.0)
    chosen = build("diverse", size=3, groups=3, strength=1000.0)
    for several in chosen(built, SOURCE, VALID, best=3):
        assert len({one.tokens[0] for one in several}) == 3


@torch.no_grad()
@pytest.mark.parametrize("options", [{"coverage_penalty": 0.5}, {"groups": 3, "size": 6}])
def test_several_sentences_are_as_each_alone(options):
    built = model(size=9, ending=0.5)
    chosen = build("diverse" if "groups" in options else "beam", **options)
    together = chosen(built, SOURCE, VALID, best=3)
    for row, several in enumerate(together):
        source = SOURCE[row : row + 1, : int(VALID[row].sum())]
        (alone,) = chosen(built, source, source > 0, best=3)
        assert [h.tokens for h in alone] == [h.tokens for h in several]
        assert [h.score for h in alone] == pytest.approx([h.score for h in several], abs=1e-5)


def test_a_word_that_was_never_looked_at_costs_much_but_not_all():
    valid = torch.tensor([[True, True, True, False]])
    coverage = Coverage.begin(2.0, valid, 1)
    assert -1000 < coverage.penalty().item() < -500
    coverage.look({"cross.0": torch.tensor([[[[0.8, 0.2, 0.0, 0.0]], [[0.4, 0.0, 0.6, 0.0]]]])})
    expected = 2 * (math.log(0.6) + math.log(0.1) + math.log(0.3))
    assert coverage.penalty().item() == pytest.approx(expected, rel=1e-5)
    coverage.look({"cross.0": torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])})
    expected = 2 * (math.log(0.1) + math.log(0.3))
    assert coverage.penalty().item() == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_an_ensemble_looks_where_its_models_look_in_the_mean():
    one, chosen = model(size=9), build("beam", size=4, coverage_penalty=0.5)
    expected = chosen(one, SOURCE, VALID, best=3)
    for mine, theirs in zip(
        chosen(Ensemble([one, one]), SOURCE, VALID, best=3), expected, strict=True
    ):
        assert [h.tokens for h in mine] == [h.tokens for h in theirs]
        assert [h.score for h in mine] == pytest.approx([h.score for h in theirs], abs=1e-5)


def test_lengths_are_punished_as_they_are_named():
    assert LengthPenalty("wu", 2.0)(7) == 4.0
    assert LengthPenalty("power", 2.0)(7) == 49.0
    assert LengthPenalty("wu", 0.0)(7) == LengthPenalty("power", 0.0)(7) == 1.0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("beam", {"coverage_penalty": -0.2}, "coverage_penalty=-0.2: must not be negative"),
        ("beam", {"length_norm": "gnmt"}, "length_norm=gnmt: unknown; choose one of wu, power"),
        ("diverse", {"groups": 0}, "groups=0: must be at least 1"),
        ("diverse", {"size": 5}, "size=5: must be a multiple of groups=3"),
        ("diverse", {"strength": -1.0}, "strength=-1.0: must not be negative"),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build(name, **options)
