"""Text becomes ids and comes back; no text becomes padding, begin or end."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import exactly

from attn import registry
from attn.cutting import Merges, Ways
from attn.tokenizers import BOS, EOS, PAD, UNK, Sampler, Tokenizer

LINES = [
    "A small dog runs across the grass .",
    "Ein kleiner Hund läuft über das Gras .",
    "Two small dogs run , and one  dog sleeps .",
    "Zwei kleine Hunde laufen , und ein Hund schläft .",
] * 2
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<0x0A>", "\u2581", " ", "a", "\x00", "\t"]
NAMES = ["bpe", "bytes", "characters", "unigram", "words"]
LOSSLESS = ["bpe", "bytes", "unigram"]
SUBWORDS = ["bpe", "unigram"]
TRAINED = {}
LINE = st.text(st.characters(exclude_characters="\n", codec="utf-8"))
MIXED = st.lists(st.one_of(st.sampled_from(SPECIAL), LINE)).map("".join)


def made(name, **options):
    return registry.build("tokenizer", {"name": name, **options})


def trained(name, lines=LINES, **options):
    key = (name, tuple(lines), tuple(options.items()))
    if key not in TRAINED:
        TRAINED[key] = made(name, **options)
        TRAINED[key].train(lines)
    return TRAINED[key]


def test_all_tokenizers_are_tested():
    assert registry.names("tokenizer") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_below_the_size(name):
    tokenizer = trained(name)
    assert isinstance(tokenizer, Tokenizer)
    assert {i for line in LINES for i in tokenizer.encode(line)} <= set(range(4, tokenizer.size))
    assert len(tokenizer.pieces(range(tokenizer.size))) == tokenizer.size


@pytest.mark.parametrize("name", NAMES)
def test_no_text_yields_padding_begin_or_end(name):
    special = trained(name, [*LINES, *SPECIAL, " ".join(SPECIAL)])

    @given(text=MIXED)
    @settings(deadline=None, max_examples=60)
    def check(text):
        for tokenizer in (trained(name), special):
            assert not {PAD, BOS, EOS} & set(tokenizer.encode(text))

    check()


@pytest.mark.parametrize("name", LOSSLESS)
@given(text=MIXED)
@settings(deadline=None, max_examples=200)
def test_every_text_comes_back(name, text):
    tokenizer = trained(name)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert UNK not in ids
    assert bool(ids) == bool(text)


@pytest.mark.parametrize("options", [{}, {"byte_fallback": False}])
@given(text=st.one_of(MIXED, st.text(st.sampled_from("".join(LINES)))))
@settings(deadline=None, max_examples=200)
def test_byte_pairs_of_words_are_those_of_the_whole_text(options, text):
    tokenizer = trained("bpe", **options)
    whole = tokenizer._processor.encode
    assert tokenizer.encode(text) == (tokenizer._parted(text, whole) if text else [])


def test_words_are_cut_anew_by_another_model(tmp_path):
    tokenizer, other = made("bpe"), trained("bpe", ["xyz xyz zyx"] * 9)
    tokenizer.train(LINES)
    before = tokenizer.encode("small xyz")
    other.save(tmp_path)
    tokenizer.load(tmp_path)
    assert tokenizer.encode("small xyz") == other.encode("small xyz") != before


@pytest.mark.parametrize("name", SUBWORDS)
@pytest.mark.parametrize(
    "text", ["\u2581", "a\u2581\u2581 b", " \u2581 ", "<s> \u2581x</s>", "\x00"]
)
def test_text_that_looks_like_pieces_comes_back(name, text):
    assert trained(name).decode(trained(name).encode(text)) == text


def test_bytes_are_written_as_characters_where_they_are():
    tokenizer = made("bytes")
    assert tokenizer.pieces(tokenizer.encode("aß ")) == ["a", "<0xC3>", "<0x9F>", "<0x20>"]
    assert tokenizer.decode(tokenizer.encode("aß")[:2]) == "a\ufffd"


@given(text=st.text(st.sampled_from("".join(LINES))))
@settings(deadline=None)
def test_text_of_known_characters_comes_back(text):
    tokenizer = trained("characters")
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.pieces(tokenizer.encode(text)) == list(text)


@given(words=st.lists(st.sampled_from(" ".join(LINES).split())))
@settings(deadline=None)
def test_text_of_known_words_comes_back(words):
    tokenizer = trained("words")
    assert tokenizer.decode(tokenizer.encode("  ".join(words))) == " ".join(words)


@pytest.mark.parametrize("name", NAMES)
def test_padding_begin_and_end_are_left_out_of_text(name):
    tokenizer = trained(name)
    ids = tokenizer.encode("small dog")
    assert tokenizer.decode([BOS, *ids, EOS, PAD, PAD]) == "small dog"


@pytest.mark.parametrize("name", NAMES)
def test_training_is_deterministic(name):
    first, again = made(name), made(name)
    for tokenizer in (first, again):
        tokenizer.train(iter(LINES))
    assert first.size == again.size
    assert first.pieces(range(first.size)) == again.pieces(range(again.size))
    assert [first.encode(line) for line in LINES] == [again.encode(line) for line in LINES]


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_tokenizer_is_the_same(name, tmp_path):
    saved, loaded = trained(name), made(name)
    saved.save(tmp_path / "tokenizer")
    loaded.load(tmp_path / "tokenizer")
    assert loaded.size == saved.size
    for text in [*LINES, *SPECIAL, " small\u2581dogs"]:
        assert loaded.encode(text) == saved.encode(text)
        assert loaded.decode(loaded.encode(text)) == saved.decode(saved.encode(text))


@pytest.mark.parametrize(
    ("name", "lines"),
    [(name, [""]) for name in NAMES] + [(name, [" "]) for name in (*SUBWORDS, "words")],
)
def test_no_text_is_refused(name, lines):
    message = "there is no text to learn a vocabulary from"
    with pytest.raises(ValueError, match=exactly(message)):
        made(name).train(lines)


# Subwords.


@pytest.mark.parametrize("name", SUBWORDS)
def test_training_is_silent(name, capfd):
    made(name).train(LINES)
    with pytest.raises(ValueError, match=r"^size=6: "):
        made(name, size=6, byte_fallback=False).train(LINES)
    assert capfd.readouterr() == ("", "")


def test_a_size_that_the_text_supports_is_reached():
    assert trained("bpe", size=317).size == 317


@pytest.mark.parametrize("name", SUBWORDS)
def test_a_text_too_small_for_the_size_is_enough(name):
    assert 4 + 256 < trained(name).size < 8000


@pytest.mark.parametrize("name", SUBWORDS)
def test_all_of_a_long_line_is_learnt_from(name):
    tokenizer = made(name)
    tokenizer.train(["ab cd " * 40_009 + "日" * 3])
    assert "日" in tokenizer.pieces(range(tokenizer.size))


@pytest.mark.parametrize("name", SUBWORDS)
def test_without_bytes_unseen_characters_are_unknown(name):
    tokenizer = trained(name, byte_fallback=False)
    assert trained(name).size - tokenizer.size == 256
    assert UNK in tokenizer.encode("日")
    assert tokenizer.encode("\u2581").count(UNK) == 1


@pytest.mark.parametrize("name", SUBWORDS)
def test_coverage_leaves_rare_characters_to_the_bytes(name):
    lines = [*["abc abd"] * 997, "é"]
    covered, left = trained(name, lines), trained(name, lines, character_coverage=0.999)
    assert "é" in covered.pieces(range(covered.size))
    assert "é" not in left.pieces(range(left.size))
    assert left.decode(left.encode("éa")) == "éa"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 260}, "size=260: must be at least 261"),
        ({"size": 4, "byte_fallback": False}, "size=4: must be at least 5"),
        (
            {"character_coverage": 0.0},
            "character_coverage=0.0: must be above 0 and at most 1",
        ),
        (
            {"character_coverage": 1.5},
            "character_coverage=1.5: must be above 0 and at most 1",
        ),
    ],
)
@pytest.mark.parametrize("name", SUBWORDS)
def test_options_out_of_their_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        made(name, **options)


@pytest.mark.parametrize("name", SUBWORDS)
def test_a_size_below_the_number_of_characters_is_refused(name):
    message = (
        "size=263: must be at least 265, for the characters of this text alone; or lower "
        "character_coverage=1.0"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        made(name, size=263).train(["abcd"])
    made(name, size=265).train(["abcd"])


# Words and characters.


@pytest.mark.parametrize(
    ("name", "text", "pieces"),
    [
        ("words", "  a small\tcat\u00a0.", ["<unk>", "small", "<unk>", "."]),
        ("characters", "do#", ["d", "o", "<unk>"]),
    ],
)
def test_what_is_not_listed_is_unknown(name, text, pieces):
    tokenizer = trained(name)
    ids = tokenizer.encode(text)
    assert tokenizer.pieces(ids) == pieces
    assert [i == UNK for i in ids] == [piece == "<unk>" for piece in pieces]


@pytest.mark.parametrize(("name", "lines"), [("words", ["x y x"]), ("characters", ["xyx"])])
def test_rare_symbols_are_left_out(name, lines):
    assert trained(name, lines).pieces(range(4, 6)) == ["x", "y"]
    assert trained(name, lines, min_count=2).size == 5
    assert trained(name, lines, min_count=3).size == 4


@pytest.mark.parametrize("name", ["characters", "words"])
def test_a_count_below_one_is_refused(name):
    with pytest.raises(ValueError, match=exactly("min_count=0: must be at least 1")):
        made(name, min_count=0)


SURE = {"nbest": -1, "alpha": 1e4}
SAMPLED = [("bpe", {"dropout": 0.3}), ("unigram", {"nbest": 8}), ("unigram", {"nbest": -1})]


@pytest.mark.parametrize(("name", "options"), SAMPLED)
@given(text=MIXED, seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_a_text_that_is_cut_at_random_comes_back(name, options, text, seed):
    tokenizer = trained(name, **options)
    ids = tokenizer.sample(text, seed)
    assert tokenizer.decode(ids) == text
    assert not {PAD, BOS, EOS, UNK} & set(ids)
    assert tokenizer.sample(text, seed) == ids


@pytest.mark.parametrize(("name", "options"), SAMPLED)
def test_seeds_cut_a_text_in_many_ways_and_encoding_in_one(name, options):
    tokenizer = trained(name, **options)
    ways = {tuple(tokenizer.sample(LINES[0], seed)) for seed in range(30)}
    assert len(ways) > 4
    assert tokenizer.encode(LINES[0]) == trained(name).encode(LINES[0])
    assert isinstance(tokenizer, Sampler)
    assert tokenizer.samples
    assert not trained(name).samples


@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize(("name", "surely"), [("bpe", {"dropout": 1e-15}), ("unigram", SURE)])
@given(text=st.one_of(MIXED, st.text(st.sampled_from("".join(LINES)))))
@settings(deadline=None, max_examples=100)
def test_where_nothing_is_left_to_chance_a_text_is_cut_as_ever(name, surely, fallback, text):
    tokenizer = trained(name, byte_fallback=fallback, **surely)
    assert tokenizer.samples
    assert tokenizer.pieces(tokenizer.sample(text, 1)) == tokenizer.pieces(tokenizer.encode(text))


@pytest.mark.parametrize(
    ("name", "options", "theirs"),
    [
        ("bpe", {"dropout": 0.3}, {"nbest_size": -1, "alpha": 0.3}),
        ("unigram", {"nbest": -1, "alpha": 0.4}, {"nbest_size": -1, "alpha": 0.4}),
        ("unigram", {"nbest": 5, "alpha": 0.4}, {"nbest_size": 5, "alpha": 0.4}),
    ],
)
def test_ways_are_drawn_as_often_as_by_sentencepiece(name, options, theirs):
    tokenizer, text, count = trained(name, **options), "kleine Hunde", 4000
    draw = tokenizer._processor.encode
    ours = Counter(tuple(tokenizer.sample(text, seed)) for seed in range(count))
    others = Counter(tuple(draw(f" {text}", enable_sampling=True, **theirs)) for _ in range(count))
    assert max(abs(ours[way] - others[way]) for way in {*ours, *others}) < 0.05 * count
    assert len(ours) > 4


def test_each_way_has_its_share():
    scores = {"a": -1.0, "b": -2.0, "ab": -2.5, "ba": -1.5, "aba": -4.0, "c": -9.0}
    way, word, alpha, count = Ways(scores, 0.7), "abac", 0.7, 20_000
    every = [("a", "b", "a", "c"), ("ab", "a", "c"), ("a", "ba", "c"), ("aba", "c")]
    likely = [math.exp(alpha * sum(scores[piece] for piece in pieces)) for pieces in every]
    draw = random.Random(3).random
    drawn = Counter(tuple(way.cut(word, draw)) for _ in range(count))
    assert set(drawn) == set(every)
    for pieces, one in zip(every, likely, strict=True):
        share = one / sum(likely)
        error = math.sqrt(share * (1 - share) / count)
        assert drawn[pieces] / count == pytest.approx(share, abs=4 * error)


def test_a_merge_is_left_out_with_its_probability():
    way, count = Merges({"ab": -1.0, "abc": -2.0}, 0.3), 20_000
    draw = random.Random(3).random
    drawn = Counter(tuple(way.cut("abc", draw)) for _ in range(count))
    shares = {("a", "b", "c"): 0.3, ("ab", "c"): 0.7 * 0.3, ("abc",): 0.7 * 0.7}
    assert set(drawn) == set(shares)
    for pieces, share in shares.items():
        error = math.sqrt(share * (1 - share) / count)
        assert drawn[pieces] / count == pytest.approx(share, abs=4 * error)


def test_a_seed_decides_in_every_process():
    scores = {"l": -5.0, "o": -5.0, "w": -6.0, "e": -5.5, "r": -6.0, "lo": -1.0, "er": -2.0}
    scores |= {"low": -3.0, "we": -4.0}

    def drawn(way):
        draw = random.Random(1).random
        return " ".join("-".join(way.cut("lower", draw)) for _ in range(6))

    assert drawn(Merges(scores, 0.4)) == "l-o-w-er low-e-r low-er l-o-we-r lo-w-er lo-w-er"
    assert drawn(Ways(scores, 0.5)) == "lo-we-r low-er low-er low-er lo-w-er low-er"


@pytest.mark.parametrize(("dropout", "alike"), [(0.0, True), (0.9, False)])
def test_more_dropout_leaves_more_merges_out(dropout, alike):
    tokenizer = made("bpe", dropout=dropout)
    tokenizer.train(LINES)
    whole, cut = tokenizer.encode(LINES[0]), tokenizer.sample(LINES[0], 1)
    assert (len(cut) == len(whole)) is alike
    assert len(cut) >= len(whole)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bpe", {"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ("bpe", {"dropout": float("nan")}, "dropout=nan: must be at least 0 and below 1"),
        ("unigram", {"nbest": 0}, "nbest=0: must be at least 1, or -1 for all"),
        ("unigram", {"alpha": -0.1}, "alpha=-0.1: must be at least 0, and finite"),
        ("unigram", {"alpha": float("inf")}, "alpha=inf: must be at least 0, and finite"),
    ],
)
def test_ways_of_cutting_that_do_not_exist_are_refused(name, options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        registry.find("tokenizer", name)(**options)
