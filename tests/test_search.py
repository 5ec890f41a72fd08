"""Searches against exhaustive and uncached ones."""

import functools
import itertools

import pytest
import torch
from builders import build_model
from messages import exactly
from searching import SOURCE, VALID, build, continuations, found, log_probability, model

from attn import registry, search
from attn.search import Limit
from attn.tokenizers import BOS, EOS, PAD

pytestmark = pytest.mark.usefixtures("unchecked")
ALONE = [name for name in registry.names("search") if name != "mbr"]  # which has another search


@pytest.mark.parametrize("name", ALONE)
class TestEverySearch:
    @torch.no_grad()
    def test_does_not_depend_on_the_batch(self, name):
        built = model()
        together = found(build(name), built)
        order = torch.tensor([2, 0, 3, 1])
        shuffled = found(build(name), built, SOURCE[order], VALID[order])
        for row, hypothesis in enumerate(together):
            width = int(VALID[row].sum())
            (alone,) = found(
                build(name), built, SOURCE[row : row + 1, :width], VALID[row : row + 1, :width]
            )
            other = shuffled[order.tolist().index(row)]
            for same in (alone, other):
                assert same.tokens == hypothesis.tokens
                assert same.finished == hypothesis.finished
                assert same.score == pytest.approx(hypothesis.score, abs=1e-5)

    @torch.no_grad()
    def test_score_is_that_of_one_pass(self, name):
        built, chosen = model(), build(name)
        for row, one in enumerate(found(chosen, built)):
            tokens = [*one.tokens, EOS] if one.finished else one.tokens
            penalty = chosen.penalty(len(tokens)) if hasattr(chosen, "penalty") else 1
            assert one.score == pytest.approx(
                log_probability(built, row, tokens) / penalty, abs=1e-5
            )

    @torch.no_grad()
    def test_ends_at_its_own_limit(self, name):
        built = model(ending=-torch.inf)
        said = found(build(name, max_ratio=1.0, max_extra=2), built)
        assert [len(hypothesis.tokens) for hypothesis in said] == [7, 5, 4, 6]
        assert not any(hypothesis.finished for hypothesis in said)

    def test_limits_that_allow_nothing_are_named(self, name):
        with pytest.raises(ValueError, match=exactly("max_extra=0: must be at least 1")):
            build(name, max_extra=0)
        with pytest.raises(ValueError, match=exactly("max_ratio=-1.0: must not be negative")):
            build(name, max_ratio=-1.0)


@torch.no_grad()
@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
def test_beam_of_one_is_greedy(length_penalty):
    built = model(ending=1.0)
    greedy = found(build("greedy"), built)
    beam = found(build("beam", size=1, length_penalty=length_penalty), built)
    assert [h.tokens for h in beam] == [h.tokens for h in greedy]
    assert any(h.finished for h in greedy)


@pytest.mark.long
@torch.no_grad()
def test_greedy_is_greedy_without_states():
    built = model()
    for row, one in enumerate(found(build("greedy"), built)):
        tokens = [BOS]
        while tokens[-1] != EOS and len(tokens) <= 6:
            hidden = built(SOURCE[row : row + 1], VALID[row : row + 1], torch.tensor([tokens]))
            logits = built.project(hidden[0, -1])
            logits[[PAD, BOS]] = -torch.inf
            tokens.append(int(logits.argmax()))
        assert one.tokens == [token for token in tokens[1:] if token != EOS]


@pytest.mark.long
@torch.no_grad()
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_wide_beam_is_exhaustive_search(length_penalty):
    built = model(size=5)
    source = SOURCE.clamp(max=4)
    chosen = build("beam", size=40, length_penalty=length_penalty, max_extra=4)
    for row, one in enumerate(found(chosen, built, source)):
        scores = {
            tokens: total / chosen.penalty(len(tokens) + 1)
            for tokens, total in _totals(built, row).items()
        }
        best = max(scores, key=scores.get)
        assert tuple(one.tokens) == best
        assert one.score == pytest.approx(scores[best], abs=1e-5)


@functools.cache
def _totals(built, row):
    """The log-probability of each sequence of up to three of two tokens, its end included."""
    source, valid = SOURCE[row : row + 1].clamp(max=4), VALID[row : row + 1]

    def total(tokens):
        hidden = built(source, valid, torch.tensor([[BOS, *tokens[:-1]]]))
        table = built.project(hidden).float().log_softmax(-1)[0]
        return sum(table[place, token].item() for place, token in enumerate(tokens))

    lengths = (itertools.product((3, 4), repeat=length) for length in range(4))
    return {tokens: total([*tokens, EOS]) for tokens in itertools.chain.from_iterable(lengths)}


def by_the_book(built, row, size, length_penalty, limit):
    """Beam search as it is described, each prefix from its begin, one sentence."""
    living, finished = [(0.0, ())], []

    def penalty(length):
        return ((5 + length) / 6) ** length_penalty

    for _ in range(limit):
        every = [
            (score + gained, (*tokens, token))
            for score, tokens in living
            for token, gained in continuations(built, row, tokens)
        ]
        every.sort(key=lambda one: -one[0])
        ended = [one for one in every[:size] if one[1][-1] == EOS]
        finished += [(score / penalty(len(tokens)), tokens) for score, tokens in ended]
        finished = sorted(finished, key=lambda one: -one[0])[:size]
        living = [one for one in every if one[1][-1] != EOS][:size]
        if len(finished) == size or (finished and finished[0][0] >= living[0][0] / penalty(limit)):
            break
    score, tokens = living[0]
    return finished[0] if finished else (score / penalty(limit), tokens)


@pytest.mark.long
@pytest.mark.parametrize(("length_penalty", "ending"), [(0.0, 0.0), (0.6, 1.5), (1.5, -1.0)])
@pytest.mark.parametrize("size", [2, 5])
@torch.no_grad()
def test_beam_is_as_it_is_described(size, length_penalty, ending):
    built = model(size=9, ending=ending)
    chosen = build("beam", size=size, length_penalty=length_penalty)
    for row, one in enumerate(found(chosen, built)):
        score, tokens = by_the_book(built, row, size, length_penalty, 6)
        assert one.tokens == [token for token in tokens if token != EOS]
        assert one.score == pytest.approx(score, abs=1e-4)


@torch.no_grad()
def test_a_wider_beam_finds_no_less():
    built = model(ending=1.0)
    narrow, wide = (found(build("beam", size=size, length_penalty=0.0), built) for size in (1, 40))
    finished = [(n, w) for n, w in zip(narrow, wide, strict=True) if n.finished]
    assert finished
    assert all(n.score <= w.score + 1e-6 for n, w in finished)


@pytest.mark.long
@torch.no_grad()
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_the_best_of_a_wide_beam_are_the_best_there_are(length_penalty):
    built, source = model(size=5), SOURCE.clamp(max=4)
    chosen = build("beam", size=40, length_penalty=length_penalty, max_extra=3)
    for row, several in enumerate(chosen(built, source, VALID, best=5)):
        scores = {
            tokens: total / chosen.penalty(len(tokens) + 1)
            for tokens, total in _totals(built, row).items()
            if len(tokens) < 3
        }
        best = sorted(scores, key=scores.get, reverse=True)[:5]
        assert [tuple(one.tokens) for one in several] == best
        assert [one.score for one in several] == pytest.approx([scores[b] for b in best], abs=1e-5)
        assert all(one.finished for one in several)


@torch.no_grad()
def test_more_translations_begin_with_the_one():
    built = model(ending=1.0)
    chosen = build("beam", size=5)
    for (one,), several in zip(
        chosen(built, SOURCE, VALID), chosen(built, SOURCE, VALID, best=5), strict=True
    ):
        assert several[0].tokens == one.tokens
        assert len({(tuple(h.tokens), h.finished) for h in several}) == len(several) == 5
        finished = [h.score for h in several if h.finished]
        assert finished == sorted(finished, reverse=True)


@torch.no_grad()
def test_greedy_search_finds_one():
    assert [len(several) for several in build("greedy")(model(), SOURCE, VALID, best=3)] == [1] * 4


def test_limit_counts_real_tokens():
    assert Limit(1.5, 2).of(VALID, None).tolist() == [9, 6, 5, 8]
    assert Limit(1.5, 2).of(VALID, 7).tolist() == [7, 6, 5, 7]


@pytest.mark.parametrize("name", ALONE)
def test_it_says_no_more_than_the_positions_know(name):
    built = build_model(size=7, position="learned", position_options={"max_positions": 5})
    assert built.room == 5
    with torch.no_grad():
        said = found(build(name, max_extra=50), built, SOURCE[:, :5], VALID[:, :5])
    assert max(len(one.tokens) for one in said) <= 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0: must be at least 1"),
        ({"length_penalty": -1.0}, "length_penalty=-1.0: must not be negative"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        build("beam", **options)


@pytest.mark.parametrize("name", registry.names("search"))
def test_a_model_that_gives_no_numbers_any_more_ends_no_search(name):
    built = build_model(size=7)
    torch.nn.init.constant_(built.target_embedding.weight, torch.nan)
    searching = registry.build("search", {"name": name})
    if isinstance(searching, search.Reading):
        searching = searching.reading(lambda tokens: " ".join(map(str, tokens)))
    several = searching(built, SOURCE, VALID)
    assert [len(one) for one in several] == [1] * len(SOURCE)
