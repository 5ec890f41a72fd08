"""A tokenizer is trained once for the same text, section and code."""

import multiprocessing
from pathlib import Path

import pytest

from attn import registry, vocabulary
from attn.corpora import Pair
from attn.vocabulary import Vocabularies

LINES = ["a small dog runs .", "ein kleiner Hund läuft ."]
SECTION = {"name": "bpe", "size": 300}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("ATTN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tokenizers"


class Counted:
    """Builds tokenizers of a section and counts how often one is trained."""

    def __init__(self, section=SECTION):
        self.section, self.count = section, 0

    def __call__(self):
        tokenizer = registry.build("tokenizer", self.section)
        train = tokenizer.train

        def counted(lines):
            self.count += 1
            train(lines)

        tokenizer.train = counted
        return tokenizer


def trained(build, lines=LINES):
    return vocabulary.trained(build.section, build, lines)


def test_the_second_time_it_is_read(cache):
    build = Counted()
    first, again = trained(build), trained(build)
    assert build.count == 1
    assert first.size == again.size
    assert [first.encode(line) for line in LINES] == [again.encode(line) for line in LINES]
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("lines", [LINES[::-1], LINES[:1], [" ".join(LINES)], ["", *LINES]])
def test_other_text_is_another_vocabulary(cache, lines):
    build = Counted()
    trained(build)
    trained(build, lines)
    assert build.count == len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("section", [{"name": "unigram"}, {"size": 301}, {"byte_fallback": False}])
def test_another_section_is_another_vocabulary(cache, section):
    trained(Counted())
    build = Counted({**SECTION, **section})
    trained(build)
    assert build.count == 1
    assert len(list(cache.iterdir())) == 2


def test_the_order_of_options_does_not_matter():
    trained(Counted())
    build = Counted(dict(reversed(SECTION.items())))
    trained(build)
    assert build.count == 0


def test_changed_code_is_another_vocabulary(monkeypatch):
    trained(Counted())
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path) + b"\n" * (path.name == "subwords.py")
    )
    build = Counted()
    trained(build)
    assert build.count == 1


@pytest.mark.parametrize("blocked", ["cache", "cache/tokenizers"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, blocked):
    file = tmp_path / blocked
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"in the way")
    build = Counted()
    assert trained(build).size == trained(build).size == 300
    assert build.count == 2


def test_a_broken_entry_is_done_without(cache):
    build = Counted()
    trained(build)
    (entry,) = cache.iterdir()
    for file in entry.iterdir():
        file.unlink()
    assert trained(build).size == 300
    assert build.count == 2


def test_what_cannot_be_saved_leaves_nothing_behind(cache):
    class Full(Counted):
        def __call__(self):
            tokenizer = super().__call__()

            def save(folder):
                (folder / "half").write_bytes(b"")
                raise OSError("no space left on device")

            tokenizer.save = save
            return tokenizer

    assert trained(Full()).size == 300
    assert list(cache.iterdir()) == []


def test_the_first_of_two_processes_is_kept(cache):
    class Late(Counted):
        """Trains while another process does, which is quicker."""

        def __call__(self):
            tokenizer = super().__call__()
            train = tokenizer.train

            def late(lines):
                train(lines)
                trained(Counted())

            tokenizer.train = late
            return tokenizer

    assert trained(Late()).size == 300
    assert len(list(cache.iterdir())) == 1


def size(_):
    return trained(Counted()).size


@pytest.mark.long
def test_processes_may_race(cache):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(size, range(6), chunksize=1) == [300] * 6
    assert len(list(cache.iterdir())) == 1


def test_where_the_cache_is(monkeypatch, tmp_path):
    assert vocabulary.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("ATTN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert vocabulary.cache_folder() == tmp_path / "xdg" / "attn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert vocabulary.cache_folder() == tmp_path / ".cache" / "attn"


PAIRS = [Pair(*LINES), Pair(LINES[0], LINES[1].upper())] * 7


def vocabularies(source, target=None):
    """Tokenizers of these sections, trained on the pairs."""
    sources, targets = ([getattr(pair, side) for pair in PAIRS] for side in ("source", "target"))
    if target is None:
        joint = trained(Counted(source), sources + targets)
        return Vocabularies(joint, joint)
    return Vocabularies(trained(Counted(source), sources), trained(Counted(target), targets))


def test_each_side_has_its_own_tokenizer(tmp_path):
    known = vocabularies({"name": "words"}, {"name": "characters"})
    ((source, target), *_) = known.ids(PAIRS)
    assert (len(source), len(target)) == (len(LINES[0].split()), len(LINES[1]))
    known.save(tmp_path)
    other = Vocabularies(
        *(registry.build("tokenizer", {"name": name}) for name in ("words", "characters"))
    )
    other.load(tmp_path)
    assert other.ids(PAIRS) == known.ids(PAIRS)


def test_seed_epoch_place_and_side_say_how_texts_are_cut():
    known = vocabularies({**SECTION, "dropout": 0.4})
    first = known.sampled(PAIRS, seed=1, epoch=0)
    assert first != known.ids(PAIRS)
    assert known.sampled(PAIRS[::-1], seed=1, epoch=0)[::-1] != first
    assert known.sampled(PAIRS[:3], seed=1, epoch=0) == first[:3]
    for seed, epoch in ((1, 1), (2, 0), (0, 1)):
        assert known.sampled(PAIRS, seed=seed, epoch=epoch) != first
    alike = [Pair(LINES[0], LINES[0])] * 9
    assert any(source != target for source, target in known.sampled(alike, seed=1, epoch=0))


def test_a_side_that_does_not_sample_is_as_it_is():
    known = vocabularies({**SECTION, "dropout": 0.4}, {"name": "words"})
    assert known.samples
    assert not vocabularies({"name": "words"}).samples
    sampled, plain = known.sampled(PAIRS, seed=1, epoch=0), known.ids(PAIRS)
    assert [target for _, target in sampled] == [target for _, target in plain]
    assert [source for source, _ in sampled] != [source for source, _ in plain]
