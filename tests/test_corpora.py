"""Corpora read what is written, and say what is wrong with it."""

import errno
import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import exactly

from attn import corpora, registry
from attn.corpora import text
from attn.corpora.parallel import Parallel

GENERATED = ["copy", "reverse", "sort"]
PACKED = "or packed: .gz, .xz, .zst"
SIZES = {"train_size": 61, "dev_size": 7, "test_size": 11}


@pytest.fixture
def root(tmp_path):
    """A folder with the files that ``parallel`` looks for by default."""
    for stem, count in (("train", 5), ("dev", 3), ("test", 2)):
        for language in ("en", "de"):
            lines = [f"{stem} {language} {place}" for place in range(count)]
            (tmp_path / f"{stem}.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def made(name, **options):
    return registry.build("dataset", {"name": name, **options})


# Parallel files.


def test_lines_stand_side_by_side(root):
    corpus = Parallel(root=str(root))
    assert isinstance(corpus, corpora.Corpus)
    assert (corpus.source_language, corpus.target_language) == ("en", "de")
    assert corpus.splits == ("train", "dev", "test")
    assert [len(corpus.read(split)) for split in corpus.splits] == [5, 3, 2]
    assert corpus.read("dev")[1] == corpora.Pair("dev en 1", "dev de 1")


def test_a_packed_file_is_the_same_as_a_plain_one(root):
    plain = Parallel(root=str(root)).read("train")
    file = root / "train.de"
    file.with_name("train.de.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert Parallel(root=str(root)).read("train") == plain


def test_each_test_file_is_a_split_and_the_first_is_test(root):
    (root / "2016").mkdir()
    for language in ("en", "de"):
        (root / f"test.{language}").rename(root / "2016" / f"flickr.{language}")
    corpus = Parallel(root=str(root), test=["2016/flickr"])
    assert corpus.splits == ("train", "dev", "2016_flickr")
    assert corpora.test_split(corpus) == "2016_flickr"


def test_the_split_called_test_is_the_test_split(root):
    (root / "other.en").write_bytes(b"one\n")
    (root / "other.de").write_bytes(b"eins\n")
    corpus = Parallel(root=str(root), test=["other", "test"])
    assert corpus.splits == ("train", "dev", "other", "test")
    assert corpora.test_split(corpus) == "test"


def test_two_splits_of_one_name_are_refused(root):
    message = "test=dev: there is a split dev already; rename the file"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root), test=["test", "dev"])


def test_there_may_be_nothing_to_test_on(root):
    corpus = Parallel(root=str(root), test=[])
    assert corpus.splits == ("train", "dev")
    assert corpora.test_split(corpus) == "test"
    message = "split=test: unknown; choose one of dev, train"
    with pytest.raises(ValueError, match=exactly(message)):
        corpus.read("test")


def test_a_translation_into_the_same_language_is_refused(root):
    with pytest.raises(ValueError, match=exactly("target=en: must differ from source")):
        Parallel(root=str(root), target="en")


@pytest.mark.parametrize("stem", ["train", "dev", "test"])
def test_a_missing_file_is_named_before_anything_is_read(root, stem):
    (root / "train.en").write_bytes(b"\xff")
    file = root / f"{stem}.de"
    file.unlink()
    files = sorted(path.name for path in root.iterdir())
    message = f"{stem}={stem}: needs {stem}.de ({PACKED}); {root} holds {', '.join(files)}"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root))


def test_of_a_full_folder_some_files_are_named(root):
    for place in range(7):
        (root / f"a{place}").touch()
    message = (
        f"train=big/train: needs train.en and train.de ({PACKED}); there is no folder {root}/big"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root), train=["big/train"])
    message = (
        f"dev=val: needs val.en and val.de ({PACKED}); {root} holds "
        "a0, a1, a2, a3, a4, a5, a6, dev.de, dev.en, test.de, test.en, train.de and 1 more"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root), dev="val")


def test_paths_begin_where_the_program_was_started(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    corpus = Parallel(root=root.name)
    monkeypatch.chdir("/")
    assert len(corpus.read("train")) == 5
    with pytest.raises(ValueError, match=exactly("root=none: there is no folder /none")):
        Parallel(root="none")
    (root / "file").write_text("")
    with pytest.raises(
        ValueError, match=exactly(f"root={root}/file: {root}/file is a file, not a folder")
    ):
        Parallel(root=f"{root}/file")


def test_an_unknown_split_is_refused(root):
    message = "split=tests: unknown; did you mean 'test'? choose one of dev, test, train"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("tests")


def test_unequal_numbers_of_lines_are_counted(root):
    (root / "train.de").write_bytes(b"eins\nzwei\n")
    message = (
        f"train=train: {root}/train.en has 5 lines and {root}/train.de has 2; "
        "line n of one must be the translation of line n of the other"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("train")


def test_empty_files_are_refused(root):
    for language in ("en", "de"):
        (root / f"train.{language}").write_bytes(b"")
    message = f"train=train: {root}/train.en and {root}/train.de are empty"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("train")


def test_invalid_utf8_is_found_by_file_and_line(root):
    (root / "dev.de").write_bytes("eins\nZürich\n".encode() + "Zürich\n".encode("latin-1"))
    message = f"dev=dev: {root}/dev.de, line 3: not UTF-8 (invalid start byte)"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("dev")


def test_a_file_that_must_not_be_read_is_named(root, monkeypatch):
    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    message = f"dev=dev: {root}/dev.en: cannot be read (Permission denied)"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("dev")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"plain text\n", "Not a gzipped file (b'pl')"),
        (
            gzip.compress(b"one\n" * 99, mtime=0)[:-9],
            "Compressed file ended before the end-of-stream marker was reached",
        ),
    ],
)
def test_a_broken_packed_file_is_named(root, content, why):
    (root / "dev.de").unlink()
    (root / "dev.de.gz").write_bytes(content)
    message = f"dev=dev: {root}/dev.de.gz: not a whole gz file ({why})"
    with pytest.raises(ValueError, match=exactly(message)):
        Parallel(root=str(root)).read("dev")


def test_only_line_feeds_part_lines(tmp_path):
    file = tmp_path / "file"
    file.write_bytes("a\u2028b\x0bc\x0c\r\n\r\n\x85d\re".encode())
    assert text.lines(file) == ["a\u2028b\x0bc\x0c", "", "\x85d\re"]


def test_a_byte_order_mark_is_no_text(tmp_path):
    file = tmp_path / "file"
    file.write_bytes("\ufeffa\n\ufeffb\n".encode())
    assert text.lines(file) == ["a", "\ufeffb"]


@pytest.mark.long
@given(
    lines=st.lists(
        st.text(st.characters(exclude_characters="\n\r\ufeff", codec="utf-8")), min_size=1
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_come_back_as_they_were_written(tmp_path, lines):
    file = tmp_path / "file"
    file.write_bytes("".join(f"{line}\n" for line in lines).encode())
    assert text.lines(file) == lines


def test_empty_sides_are_kept(root):
    (root / "dev.de").write_bytes(b"eins\n\n\n")
    assert [pair.target for pair in Parallel(root=str(root)).read("dev")] == ["eins", "", ""]


# Generated sequences.

RULES = {"copy": lambda words: words, "reverse": lambda words: words[::-1], "sort": sorted}


@pytest.mark.parametrize("name", GENERATED)
def test_the_target_follows_the_rule(name):
    corpus = made(name, **SIZES)
    for split in corpus.splits:
        for pair in corpus.read(split):
            assert pair.target.split() == RULES[name](pair.source.split())


@pytest.mark.parametrize("name", GENERATED)
def test_aligned_words_are_the_same_and_every_word_is_aligned_once(name):
    corpus = made(name, **SIZES)
    for split in corpus.splits:
        for pair in corpus.read(split):
            source, target = pair.source.split(), pair.target.split()
            assert all(source[i] == target[j] for i, j in pair.alignment)
            assert sorted(i for i, _ in pair.alignment) == list(range(len(source)))
            assert sorted(j for _, j in pair.alignment) == list(range(len(target)))


def test_equal_symbols_are_sorted_in_their_order():
    pairs = made("sort", **SIZES, symbols=2).read("train")
    for pair in pairs:
        for symbol in "ab":
            places = [
                i
                for i, j in sorted(pair.alignment, key=lambda two: two[1])
                if pair.source.split()[i] == symbol
            ]
            assert places == sorted(places)


@pytest.mark.parametrize("name", GENERATED)
def test_no_source_comes_twice(name):
    corpus = made(name, **SIZES, symbols=3, max_length=5)
    sources = [pair.source for split in corpus.splits for pair in corpus.read(split)]
    assert len(sources) == len(set(sources)) == 61 + 7 + 11 + 11 + 11


def test_lengths_are_within_their_bounds():
    corpus = made("copy", **SIZES, min_length=2, max_length=5)
    assert corpus.splits == ("train", "dev", "test", "longer", "longest")
    lengths = {
        split: {len(pair.source.split()) for pair in corpus.read(split)} for split in corpus.splits
    }
    assert lengths["train"] == {2, 3, 4, 5}
    assert lengths["dev"] | lengths["test"] <= {2, 3, 4, 5}
    assert lengths["longer"] <= {6, 7, 8, 9, 10}
    assert lengths["longest"] <= set(range(11, 21))


def test_the_seed_says_what_is_drawn():
    first, again, other = (made("copy", **SIZES, seed=seed).read("train") for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_training_leaves_the_other_splits_alone():
    some, more = made("sort", **SIZES), made("sort", **{**SIZES, "train_size": 97})
    for split in ("dev", "test", "longer", "longest"):
        assert some.read(split) == more.read(split)
    assert more.read("train")[:61] == some.read("train")


def test_a_generated_corpus_refuses_an_unknown_split():
    message = (
        "split=long: unknown; did you mean 'longer'? "
        "choose one of dev, longer, longest, test, train"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        made("copy").read("long")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_size": 0}, "train_size=0: must be at least 1"),
        ({"dev_size": -1}, "dev_size=-1: must be at least 1"),
        ({"test_size": 0}, "test_size=0: must be at least 1"),
        ({"min_length": 0}, "min_length=0: must be at least 1"),
        ({"symbols": 1}, "symbols=1: must be from 2 to 26"),
        ({"symbols": 27}, "symbols=27: must be from 2 to 26"),
        ({"max_length": 2}, "max_length=2: must be at least min_length=3"),
        (
            {"symbols": 2, "max_length": 4},
            "symbols=2: there are 24 sequences of 3-4 symbols, too few to draw 10400 different "
            "ones; raise symbols or max_length",
        ),
        (
            {"symbols": 2, "min_length": 10, "max_length": 10, "train_size": 113},
            "symbols=2: there are 1024 sequences of 10-10 symbols, too few to draw 513 different "
            "ones; raise symbols or max_length",
        ),
    ],
)
def test_what_cannot_be_generated_is_refused(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        made("copy", **options)


@pytest.mark.parametrize("shortest", [1, 10**9])
def test_sequences_are_counted_until_there_are_enough(shortest):
    assert made("copy", min_length=shortest, max_length=10**12).lengths == (shortest, 10**12)


@pytest.mark.parametrize("seed", range(3))
def test_as_many_are_drawn_as_are_allowed(seed):
    """Half of all sequences is the most; drawing them ends."""
    options = {"symbols": 2, "min_length": 1, "max_length": 4, "seed": seed}
    corpus = made("reverse", train_size=13, dev_size=1, test_size=1, **options)
    assert [len(corpus.read(split)) for split in corpus.splits] == [13, 1, 1, 1, 1]
