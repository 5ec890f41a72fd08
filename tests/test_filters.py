"""Which pairs are trained on."""

import pytest
from messages import exactly

from attn.corpora import Pair
from attn.corpora.parallel import Parallel
from attn.filters import Filters, counted, oddities, shared


def pairs(*texts):
    return [Pair(*text.split("|")) for text in texts]


@pytest.mark.parametrize(
    ("options", "kept", "left", "reason"),
    [
        ({}, ["a|A"], ["|x", "x|", " |x"], "empty"),
        ({"max_words": 2}, ["a b|A B"], ["a b c|x", "x|a b c"], "over max_words"),
        ({"max_ratio": 1.5}, ["a b|A B C", "a|A"], ["a b|x", "a b|a b c d"], "over max_ratio"),
        ({"drop_identical": True}, ["a b|A B"], ["a b|a b"], "identical"),
    ],
)
def test_a_pair_is_left_out_for_its_reason(options, kept, left, reason):
    chosen, counts = Filters(**options)(pairs(*kept, *left))
    assert chosen == pairs(*kept)
    assert counts == {reason: len(left)}


def test_duplicates_are_left_out_after_their_first():
    some = pairs("a|A", "a|B", "a|A", "b|B", "a|A")
    kept, counts = Filters(drop_duplicates=True)(some)
    assert kept == pairs("a|A", "a|B", "b|B")
    assert counts == {"duplicate": 2}


def test_what_is_not_asked_for_is_not_filtered():
    some = pairs("a|a", "a|a", "a|a b c d e f g")
    assert Filters()(some) == (some, {})


def test_sources_that_are_trained_on_are_counted():
    assert shared(pairs("a|A", "b|B"), pairs("a|X", "a|Y", "c|B")) == 2


def test_tags_do_not_hide_what_is_trained_on(tmp_path):
    for name, text in (("train", "a\nb\n"), ("dev", "a\nc\n"), ("test", "b\n")):
        for language in ("en", "de"):
            (tmp_path / f"{name}.{language}").write_text(text)
    corpus = Parallel(root=str(tmp_path), tags=["<T>"], held_out_tag="<H>")
    train, dev, test = map(corpus.read, ("train", "dev", "test"))
    assert [pair.source for pair in (*train, *dev)] == ["<T> a", "<T> b", "<H> a", "<H> c"]
    assert (shared(train, dev), shared(train, test)) == (1, 1)


def test_counts_in_words():
    assert counted({"empty": 3, "identical": 1}) == "3 empty, 1 identical"


@pytest.mark.parametrize("option", ["max_words", "max_ratio"])
def test_limits_below_one_are_refused(option):
    value = {"max_words": 0, "max_ratio": 0.5}[option]
    message = f"{option}={value}: must be at least 1, or null for no limit"
    with pytest.raises(ValueError, match=exactly(message)):
        Filters(**{option: value})


def test_what_is_odd_is_counted():
    some = pairs("a|A", "b|b", "a|A", "a|B", "b|b", "a|A", "a\0|A", "c|\0")
    assert oddities(some) == {"repeated": 3, "identical": 2, "with NUL characters": 2}
