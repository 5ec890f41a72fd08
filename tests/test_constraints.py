"""What may not be said: n-grams twice, and what is not the prefix that is given."""

import pytest
import torch
from messages import exactly
from searching import SOURCE, VALID, build, continuations, found, log_probability, model

from attn import registry
from attn.search.likeliest import likeliest
from attn.search.ngrams import repeating
from attn.tokenizers import BOS, EOS, PAD

NAMES = [name for name in registry.names("search") if name != "mbr"]  # which has another search


def allowed(tokens, count):
    """Whether no n-gram comes twice."""
    ngrams = [tuple(tokens[at : at + count]) for at in range(len(tokens) - count + 1)]
    return len(set(ngrams)) == len(ngrams)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_what_repeats_an_ngram_is_barred(count):
    said = torch.randint(3, 6, (40, 9))
    for time in range(10):
        barred = repeating(said[:, :time], count, 8)[:, 1:]
        expected = [
            [
                not allowed([*row[:time], v], count) and allowed_end(row[:time], v, count)
                for v in range(1, 8)
            ]
            for row in said.tolist()
        ]
        assert barred.tolist() == expected


def allowed_end(tokens, token, count):
    """Whether the n-gram that a token ends has come before."""
    whole = [*tokens, token]
    last = whole[len(whole) - count :]
    return len(whole) >= count and any(
        whole[at : at + count] == last for at in range(len(whole) - count)
    )


@pytest.mark.parametrize("size", [7, 900])
def test_what_is_barred_is_never_the_likeliest_but_counts(size):
    logits = 20 * torch.randn(20, size, dtype=torch.float64)
    barred = torch.rand(20, size) < 0.5
    barred[:, EOS] = False
    barred[0] = torch.arange(size) != EOS
    logits[1, 4], barred[1, 4] = 5000, True
    expected = logits.log_softmax(-1).masked_fill(barred, -torch.inf)
    expected[:, [PAD, BOS]] = -torch.inf
    best, token = likeliest(logits.clone(), 2, barred)
    assert torch.allclose(best, expected.topk(2).values)
    finite = best.isfinite()
    assert torch.equal(token[finite], expected.topk(2).indices[finite])


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2])
def test_no_ngram_comes_twice(name, count):
    built = model(size=9, ending=-40.0)
    free = found(build(name, max_extra=9), built)
    assert not all(allowed(one.tokens, count) for one in free)
    said = found(build(name, max_extra=9, no_repeat_ngram=count), built)
    assert all(allowed(one.tokens, count) for one in said)


@torch.no_grad()
def test_greedy_search_takes_the_likeliest_that_repeats_nothing():
    built = model(ending=-2.0)
    for row, one in enumerate(found(build("greedy", no_repeat_ngram=2, max_extra=9), built)):
        tokens, score = [], 0.0
        while len(tokens) < 9 and EOS not in tokens:
            after = continuations(built, row, tuple(tokens))
            token, gained = max(
                ((v, log_p) for v, log_p in after if allowed([*tokens, v], 2)),
                key=lambda either: either[1],
            )
            tokens, score = [*tokens, token], score + gained
        assert one.tokens == [token for token in tokens if token != EOS]
        assert one.score == pytest.approx(score, abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_longer_ngrams_than_a_translation_bar_nothing(name):
    built = model()
    assert found(build(name, no_repeat_ngram=20), built) == found(build(name), built)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_ngrams_are_named(name):
    message = "no_repeat_ngram=-1: must be at least 1, or 0 for none"
    with pytest.raises(ValueError, match=exactly(message)):
        build(name, no_repeat_ngram=-1)


PREFIX = torch.tensor([[4, 4, 6], [5, 0, 0], [0, 0, 0], [3, 6, 0]])


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 1])
def test_translations_begin_with_what_is_given(name, count):
    built, chosen = model(ending=0.5), build(name, no_repeat_ngram=count)
    together = chosen(built, SOURCE, VALID, prefix=PREFIX)
    for row, (one,) in enumerate(together):
        prefix = PREFIX[row][PREFIX[row] > 0].tolist()
        assert one.tokens[: len(prefix)] == prefix
        tokens = [*one.tokens, EOS] if one.finished else one.tokens
        penalty = chosen.penalty(len(tokens)) if hasattr(chosen, "penalty") else 1
        expected = log_probability(built, row, tokens) / penalty
        assert one.score == pytest.approx(expected, abs=1e-5)
        width = int(VALID[row].sum())
        alone = (SOURCE[row : row + 1, :width], VALID[row : row + 1, :width])
        ((again,),) = chosen(built, *alone, prefix=PREFIX[row : row + 1, : max(len(prefix), 1)])
        assert again.tokens == one.tokens
        assert again.score == pytest.approx(one.score, abs=1e-5)
    ((free,),) = chosen(built, SOURCE[2:3], VALID[2:3])
    assert together[2][0].tokens == free.tokens


@torch.no_grad()
@pytest.mark.parametrize("name", ["greedy", "sampling"])
def test_its_own_beginning_changes_no_translation(name):
    built, chosen = model(ending=-2.0), build(name)
    free = found(chosen, built)
    prefix = torch.tensor([(one.tokens + [PAD] * 3)[:3] for one in free])
    begun = [one for (one,) in chosen(built, SOURCE, VALID, prefix=prefix)]
    assert begun == free
    assert all(one.tokens for one in free)


@torch.no_grad()
def test_what_is_not_the_likeliest_is_said_if_it_is_given():
    built = model()
    free = found(build("greedy"), built)
    prefix = torch.tensor([[4 if one.tokens[0] != 4 else 5] for one in free])
    begun = [one for (one,) in build("greedy")(built, SOURCE, VALID, prefix=prefix)]
    assert all(one.tokens[0] == given for one, (given,) in zip(begun, prefix.tolist(), strict=True))


@torch.no_grad()
def test_every_candidate_begins_with_what_is_given():
    candidates = {"name": "beam", "max_ratio": 0.0, "max_extra": 6}
    risk = registry.build("search", {"name": "mbr", "candidates": candidates})
    assert risk.limit.max_extra == 6
    for row, several in enumerate(risk(model(), SOURCE, VALID, best=5, prefix=PREFIX)):
        prefix = PREFIX[row][PREFIX[row] > 0].tolist()
        assert all(one.tokens[: len(prefix)] == prefix for one in several)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_prefixes_stay_with_their_sentences_when_others_leave(name):
    prefix = torch.tensor([[0, 0, 0, 0], [3, 0, 0, 0], [4, 6, 5, 3], [0, 0, 0, 0]])
    said = build(name)(model(ending=40.0), SOURCE, VALID, prefix=prefix)
    assert [one.tokens for (one,) in said] == [[], [3], [4, 6, 5, 3], []]
