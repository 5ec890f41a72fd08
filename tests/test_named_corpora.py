"""Named corpora: made-up archives, laid out as the published ones, come out as pairs."""

import gzip
import hashlib
import io
import itertools
import tarfile
from pathlib import Path

import hydra
import pytest
from messages import exactly
from serving import serving

from attn import assemble, corpora
from attn.commands.train import Job
from attn.corpora import Pair, iwslt14, iwslt17, moses, multi30k, wmt14
from attn.corpora.iwslt14 import Iwslt14
from attn.corpora.iwslt17 import Iwslt17
from attn.corpora.multi30k import Multi30k
from attn.corpora.wmt14 import Wmt14
from attn.registry import RunError

MULTI30K = Path(__file__).parent.parent.parent / "shared" / "data" / "multi30k"
needs_multi30k = pytest.mark.skipif(
    not MULTI30K.is_dir(), reason="needs the Multi30k data in ../shared/data/multi30k"
)
PACKED = "or packed: .gz, .xz, .zst"
CAPTIONS = {"train": 5, "val": 3, "test_2016_flickr": 2, "test_2017_flickr": 2}
CAPTIONS |= {"test_2017_mscoco": 1, "test_2018_flickr": 4}
YEARS = ["test_2016_flickr", "test_2017_flickr", "test_2017_mscoco", "test_2018_flickr"]


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server in the place of all publishers, and an empty folder for what it gives."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ATTN_DATA", str(tmp_path / "data"))
    with serving() as one:
        yield one


def packed(files, mode="w:gz"):
    """An archive of these texts."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            data = content.encode() if isinstance(content, str) else content
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return written.getvalue()


def published(server, monkeypatch, module, archives):
    """Put archives where a corpus fetches them."""
    remotes = {name: server.remote(name, content) for name, content in archives.items()}
    monkeypatch.setattr(module, "REMOTES", remotes)


def laid(folder, archives):
    """Put archives where a user has them."""
    for name, content in archives.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def unpacked(folder, archives):
    """Put what is in archives where a user has it."""
    for content in archives.values():
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder, filter="data")
    return str(folder)


def xml(*sentences):
    """A test set."""
    inside = "\n".join(f'<seg id="{n}"> {s} </seg>' for n, s in enumerate(sentences, 1))
    return f'<?xml version="1.0"?>\n<srcset>\n<doc id="1">\n{inside}\n</doc>\n</srcset>\n'


# Multi30k.


def captions(stem, language, text="raw"):
    return [f"A {language} {text} {stem} {n}." for n in range(CAPTIONS[stem])]


@pytest.fixture
def authors(server, monkeypatch):
    """Multi30k, some captions of each file, where its authors put it."""
    checksums = {}
    for text, files in multi30k.SHA256.items():
        for file in files:
            stem, language = file.split(".")
            content = "".join(f"{line}\n" for line in captions(stem, language, text)).encode()
            name = f"raw/{stem}.{language}.gz"
            if text == "tokenized":
                name = f"tok/{stem}.lc.norm.tok.{language}"
            content = gzip.compress(content) if text == "raw" else content
            server.remote(name, content)
            checksums.setdefault(text, {})[file] = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(multi30k, "URL", server.url)
    monkeypatch.setattr(multi30k, "SHA256", checksums)
    return server


@pytest.mark.parametrize("text", ["raw", "tokenized"])
def test_multi30k_between_any_two_languages(authors, text):
    for source, target in itertools.permutations(("en", "de", "fr", "cs"), 2):
        corpus = Multi30k(source=source, target=target, text=text)
        assert isinstance(corpus, corpora.Corpus)
        tests = [year for year in YEARS if "cs" not in {source, target} or "2017" not in year]
        assert corpus.splits == ("train", "dev", *tests)
        assert corpora.test_split(corpus) == "test_2016_flickr"
        for split in corpus.splits:
            stem = "val" if split == "dev" else split
            sides = captions(stem, source, text), captions(stem, target, text)
            assert corpus.read(split) == [Pair(*pair) for pair in zip(*sides, strict=True)]
    assert len(authors.asked) == 22


def test_multi30k_fetches_a_split_when_it_is_read(authors, tmp_path):
    corpus = Multi30k(source="fr", target="cs")
    assert authors.asked == []
    corpus.read("dev")
    assert [path for path, _ in authors.asked] == ["/raw/val.fr.gz", "/raw/val.cs.gz"]
    folder = tmp_path / "data" / "multi30k"
    assert sorted(path.name for path in folder.glob("val*")) == ["val.cs.gz", "val.fr.gz"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "cased"}, "text=cased: unknown; choose one of raw, tokenized"),
        ({"source": "it"}, "source=it: unknown; choose one of en, de, fr, cs"),
        ({"target": "nl"}, "target=nl: unknown; choose one of en, de, fr, cs"),
        ({"source": "de"}, "target=de: must differ from source"),
    ],
)
def test_multi30k_refuses_what_it_has_not(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Multi30k(**options)


def test_multi30k_says_where_it_looked(tmp_path):
    folder = tmp_path / "multi30k"
    wanted = f"root={folder}: needs train.en and train.de ({PACKED}); "
    with pytest.raises(ValueError, match=exactly(f"{wanted}there is no folder {folder}")):
        Multi30k(root=str(folder))
    folder.mkdir()
    with pytest.raises(ValueError, match=exactly(f"{wanted}{folder} holds nothing")):
        Multi30k(root=str(folder))


def test_of_multi30k_later_test_sets_may_be_missing(tmp_path):
    for stem in ("train", "val", "test_2016_flickr"):
        for language in ("en", "de"):
            (tmp_path / f"{stem}.{language}").write_text("".join(captions(stem, language)))
    corpus = Multi30k(root=str(tmp_path))
    assert corpus.splits == ("train", "dev", *YEARS)
    assert len(corpus.read("test_2016_flickr")) == 1
    held = ", ".join(sorted(path.name for path in tmp_path.iterdir()))
    message = (
        f"root={tmp_path}: needs test_2018_flickr.en and test_2018_flickr.de ({PACKED}); "
        f"{tmp_path} holds {held}"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        corpus.read("test_2018_flickr")


@needs_multi30k
@pytest.mark.parametrize("form", ["raw", "tokenized"])
def test_multi30k_has_the_published_sizes(form):
    corpus = Multi30k(root=str(MULTI30K), text=form)
    splits = ("train", "dev", "test_2016_flickr")
    assert [len(corpus.read(split)) for split in splits] == [29000, 1014, 1000]
    cased = any(pair.source != pair.source.lower() for pair in corpus.read("dev"))
    assert cased == (form == "raw")


@needs_multi30k
def test_multi30k_can_be_read_the_other_way_round():
    forth = Multi30k(root=str(MULTI30K)).read("dev")
    back = Multi30k(root=str(MULTI30K), source="de", target="en").read("dev")
    assert [(pair.target, pair.source) for pair in back] == [
        (pair.source, pair.target) for pair in forth
    ]


@needs_multi30k
@pytest.mark.parametrize(("text", "form"), [("raw", "*"), ("tokenized", "*.lc.norm.tok")])
def test_the_checksums_of_multi30k_are_those_of_its_files(text, form):
    found = {}
    for path in MULTI30K.glob(f"{form}.??.gz"):
        if ("norm" in path.name) == (text == "tokenized"):
            content = path.read_bytes() if text == "raw" else gzip.decompress(path.read_bytes())
            name = path.name.replace(".lc.norm.tok", "").removesuffix(".gz")
            found[name] = hashlib.sha256(content).hexdigest()
    assert len(found) == 6
    assert found.items() <= multi30k.SHA256[text].items()


# IWSLT 2014.

TALK = "{} {}."  # two words and a full stop
TEDS = ["TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012"]


def talks(language):
    """49 pairs that are kept, some that are not, and what is tagged."""
    lines = ["<url>http://ted</url>", "<keywords>talks</keywords>", "<talkid>1</talkid>"]
    lines += [
        f"<title>The {language} title</title>",
        f"<description>It  is {language}</description>",
    ]
    lines += [f"Sentence {language} {n}." for n in range(20)]
    lines += ["" if language == "de" else "Empty on the other side."]
    lines += ["one two three" if language == "de" else "one two"]  # 3 : 2, kept
    lines += ["one two three four" if language == "de" else "one two."]  # 4 : 3, kept
    lines += ["one, two, three." if language == "de" else "one two three"]  # 6 : 3, left out
    lines += [" ".join(["word"] * 175), " ".join(["word"] * 176)]
    lines += [f"More {language} {n}." for n in range(24)]
    return "".join(f" {line}\n" for line in lines)


@pytest.fixture(scope="module")
def ted2014():
    files = {f"de-en/train.tags.de-en.{language}": talks(language) for language in ("de", "en")}
    for name, language in itertools.product(TEDS, ("de", "en")):
        file = f"de-en/IWSLT14.{name}.de-en.{language}.xml"
        files[file] = xml(
            f"It{iwslt14.APOSTROPHE}s {name} &amp; {language}.", f"Two &lt;{language}&gt;."
        )
    return {"de-en.tgz": packed({"de-en/README": "", **files})}


def test_iwslt14_is_cleaned_and_split_as_published(server, monkeypatch, ted2014):
    published(server, monkeypatch, iwslt14, ted2014)
    corpus = Iwslt14()
    assert server.asked == []
    train, dev, test = map(corpus.read, corpus.splits)
    assert corpus.splits == ("train", "dev", "test")
    assert len(train) == 47
    assert train[:3] == [
        Pair("The de title", "The en title"),
        Pair("It is de", "It is en"),
        Pair("Sentence de 0.", "Sentence en 0."),
    ]
    assert dev == [
        Pair("one two three", "one two"),
        Pair("More de 20.", "More en 20."),
    ]
    assert Pair("one two three four", "one two.") in train
    assert max(len(pair.source.split()) for pair in train) == 175
    assert not any("three." in pair.source or "Empty" in pair.target for pair in train)
    assert test == [
        pair
        for name in TEDS
        for pair in (
            Pair(f"It's {name} & de.", f"It's {name} & en."),
            Pair("Two <de>.", "Two <en>."),
        )
    ]
    assert len(server.asked) == 1


def test_iwslt14_the_other_way_round_and_lowercased(tmp_path, ted2014):
    root = laid(tmp_path, ted2014)
    forth, back = (
        Iwslt14(root=root),
        Iwslt14(root=root, source="en", target="de", text="lowercased"),
    )
    for split in forth.splits:
        assert back.read(split) == [
            Pair(pair.target.lower(), pair.source.lower()) for pair in forth.read(split)
        ]


# IWSLT 2017.


def ted2017(language):
    lines = ['<doc docid="1" genre="lectures">', f"<title>{language} title</title>"]
    lines += [f" First {language}. ", "<reviewer></reviewer>", f"Second {language}.", "</doc>"]
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def archives2017():
    archives = {}
    for pair in ("en-de", "de-en", "en-fr", "fr-en"):
        files = {}
        for language in pair.split("-"):
            files[f"{pair}/train.tags.{pair}.{language}"] = ted2017(language)
            for name in ("dev2010", *(f"tst{year}" for year in range(2010, 2016))):
                file = f"{pair}/IWSLT17.TED.{name}.{pair}.{language}.xml"
                files[file] = xml(f"{name} {language}.")
        archives[f"2017-01-trnted/{pair}.tgz"] = packed(files)
        source = pair[:2]
        apart = {
            f"{pair}/IWSLT17.TED.{name}.{pair}.{source}.xml": xml(f"{name} {source}.")
            for name in ("tst2016", "tst2017")
        }
        archives[f"2017-01-ted-test/{pair}.tgz"] = packed(apart)
    return archives


@pytest.mark.parametrize("pair", ["en-de", "de-en", "en-fr", "fr-en"])
def test_iwslt17_has_its_splits(server, monkeypatch, archives2017, pair):
    published(server, monkeypatch, iwslt17, archives2017)
    source, target = pair.split("-")
    corpus = Iwslt17(source=source, target=target)
    assert server.asked == []
    assert corpus.read("train") == [
        Pair(f"First {source}.", f"First {target}."),
        Pair(f"Second {source}.", f"Second {target}."),
    ]
    assert corpus.read("dev") == [Pair(f"dev2010 {source}.", f"dev2010 {target}.")]
    assert corpus.splits[2:] == tuple(f"tst{year}" for year in range(2010, 2018))
    for split in corpus.splits[2:]:
        assert corpus.read(split) == [Pair(f"{split} {source}.", f"{split} {target}.")]
    assert [path for path, _ in server.asked] == [
        f"/2017-01-trnted/{pair}.tgz",
        f"/2017-01-ted-test/{source}-{target}.tgz",
        f"/2017-01-ted-test/{target}-{source}.tgz",
    ]


def test_iwslt17_is_with_english(tmp_path):
    with pytest.raises(ValueError, match=exactly("target=fr: must be en, where source=de")):
        Iwslt17(source="de", target="fr")


def test_of_iwslt17_what_is_missing_is_named(tmp_path, archives2017):
    training = "2017-01-trnted/en-de.tgz"
    message = (
        f"root={tmp_path}: needs {training} (or unpacked: en-de/train.tags.en-de.en ...); "
        f"{tmp_path} holds nothing"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Iwslt17(root=str(tmp_path))
    root = laid(tmp_path, {training: archives2017[training]})
    assert len(Iwslt17(root=root).read("tst2015")) == 1
    message = (
        f"root={tmp_path}: needs 2017-01-ted-test/en-de.tgz "
        "(or unpacked: en-de/IWSLT17.TED.tst2017.en-de.en.xml ...) and 2017-01-ted-test/de-en.tgz "
        "(or unpacked: de-en/IWSLT17.TED.tst2017.de-en.de.xml ...); "
        f"{tmp_path} holds 2017-01-trnted"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Iwslt17(root=root).read("tst2017")


def test_unpacked_archives_are_as_good(tmp_path, archives2017):
    whole = Iwslt17(root=laid(tmp_path / "packed", archives2017))
    apart = Iwslt17(root=unpacked(tmp_path / "unpacked", archives2017))
    assert all(whole.read(split) == apart.read(split) for split in whole.splits)
    file = tmp_path / "unpacked" / "en-de" / "train.tags.en-de.de"
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert apart.read("train") == whole.read("train")
    file.with_name(f"{file.name}.gz").unlink()
    root = tmp_path / "unpacked"
    message = (
        f"root={root}: needs en-de/train.tags.en-de.de; {root} holds de-en, en-de, en-fr, fr-en"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Iwslt17(root=str(root))


# WMT 2014.


@pytest.fixture(scope="module")
def archives2014():
    def both(name, pair):
        return {
            name.format(pair=pair, language=language): f"{name[:9]} {language}.\n"
            for language in pair.split("-")
        }

    training = {
        "training-parallel-europarl-v7.tgz": "training/europarl-v7.{pair}.{language}",
        "training-parallel-commoncrawl.tgz": "commoncrawl.{pair}.{language}",
        "training-parallel-nc-v9.tgz": "training/news-commentary-v9.{pair}.{language}",
    }
    archives = {
        archive: packed({**both(name, "de-en"), **both(name, "fr-en")})
        for archive, name in training.items()
    }
    archives["training-parallel-un.tgz"] = packed(both("un/undoc.2000.{pair}.{language}", "fr-en"))
    giga = both("giga-fren.release2.fixed.{language}.gz", "fr-en")
    archives["training-giga-fren.tar"] = packed(
        {name: gzip.compress(content.encode()) for name, content in giga.items()}, "w"
    )
    archives["test.tgz"] = packed({
        f"test/newstest2013-src.{language}.sgm": xml(f"dev {language}.", "R &amp; D")
        for language in ("en", "de", "fr")
    })
    archives["test-full.tgz"] = packed({
        f"test-full/newstest2014-{other}en-{side}.{language}.sgm": xml(f"{side} {language}.")
        for other in ("de", "fr")
        for language in (other, "en")
        for side in ("src", "ref")
    })
    return archives


@pytest.mark.parametrize(("source", "target"), [("en", "de"), ("de", "en"), ("en", "fr")])
def test_wmt14_puts_its_parts_together(server, monkeypatch, archives2014, source, target):
    published(server, monkeypatch, wmt14, archives2014)
    corpus = Wmt14(source=source, target=target)
    assert server.asked == []
    assert corpus.splits == ("train", "dev", "newstest2014")
    starts = ["training/", "commoncra", "training/"]
    if "fr" in {source, target}:
        starts += ["un/undoc.", "giga-fren"]
    assert corpus.read("train") == [Pair(f"{one} {source}.", f"{one} {target}.") for one in starts]
    assert corpus.read("dev") == [Pair(f"dev {source}.", f"dev {target}."), Pair("R & D", "R & D")]
    assert corpus.read("newstest2014") == [Pair(f"src {source}.", f"ref {target}.")]
    assert len(server.asked) == len(starts) + 2


def test_of_wmt14_all_that_is_missing_is_named(tmp_path, archives2014):
    left = {name: archives2014[name] for name in ("test.tgz", "training-parallel-nc-v9.tgz")}
    root = laid(tmp_path, left)
    message = (
        f"root={root}: needs training-parallel-europarl-v7.tgz (or unpacked: "
        "training/europarl-v7.de-en.en ...) and training-parallel-commoncrawl.tgz (or unpacked: "
        "commoncrawl.de-en.en ...) and test-full.tgz (or unpacked: "
        "test-full/newstest2014-deen-src.en.sgm ...); "
        f"{root} holds test.tgz, training-parallel-nc-v9.tgz"
    )
    with pytest.raises(ValueError, match=exactly(message)):
        Wmt14(root=root)


def test_wmt14_is_with_english():
    with pytest.raises(ValueError, match=exactly("target=fr: must be en, where source=de")):
        Wmt14(source="de", target="fr")


# Archives.


def broken(folder, archives2017, change):
    """IWSLT 2017 with an archive that is not as it should be."""
    training = "2017-01-trnted/en-de.tgz"
    corpus = Iwslt17(root=laid(folder, {training: change(archives2017[training])}))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is returned
        corpus.read("dev")
    return folder / training, str(caught.value)


def test_half_an_archive_is_named(tmp_path, archives2017):
    path, said = broken(tmp_path, archives2017, lambda content: content[:99])
    reason = "Compressed file ended before the end-of-stream marker was reached"
    assert said == f"{path}: not a whole archive ({reason})"


def test_an_archive_that_lacks_something_is_named(tmp_path, archives2017):
    path, said = broken(tmp_path, archives2017, lambda _: packed({"en-de/README": ""}))
    names = [f"en-de/IWSLT17.TED.dev2010.en-de.{language}.xml" for language in ("en", "de")]
    assert said == f"{path}: has no {names[0]} and no {names[1]}"


def test_unequal_sides_are_counted(tmp_path, archives2017):
    names = [f"en-de/IWSLT17.TED.dev2010.en-de.{language}.xml" for language in ("en", "de")]
    files = {names[0]: xml("one"), names[1]: xml("eins", "zwei")}
    _, said = broken(tmp_path, archives2017, lambda _: packed(files))
    assert said == (
        f"root={tmp_path}: {names[0]} has 1 sentences and {names[1]} has 2; sentence n of one must "
        "be the translation of sentence n of the other"
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('<seg id="1">a &amp;lt; b</seg>', "a &lt; b"),
        ("<seg id='1'>&quot;AT&T &#39;R&D&apos; &#x41; &copy;</seg>", "\"AT&T 'R&D' A &copy;"),
        ('<SEG id="1"> one\n two </SEG>', "one two"),
        ('<hl><seg id="1">one</seg></hl>', "one"),
    ],
)
def test_segments_are_read_with_care_for_entities(written, read):
    assert corpora.archives.segments(written.split("\n")) == [read]


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "I don't know, it's 5,300 people.", 10),
        ("en", "Mr. Smith left. He's gone...", 8),
        ("en", "The 1990's, i.e. a well-known time", 8),
        ("en", "'Yes' (no)!", 6),
        ("de", "Das geht's, z.B. am 3. Mai usw.", 10),
        ("de", "Er ist 1,5 m groß. Gut.", 8),
        ("de", "", 0),
    ],
)
def test_words_are_counted_as_moses_does(language, text, count):
    assert moses.words(text, language) == count


# What is published, and the program around it.


@pytest.mark.parametrize("module", [iwslt14, iwslt17, wmt14])
def test_every_archive_has_an_address_and_a_checksum_if_one_is_published(module):
    for name, remote in module.REMOTES.items():
        assert remote.url.startswith("https://")
        assert remote.url.endswith(f"/{name.rpartition('/')[2]}")
        algorithm, _, digest = (remote.checksum or "").partition(":")
        unpublished = name in {"training-parallel-un.tgz", "training-giga-fren.tar"}
        assert len(digest) == {"": 0, "md5": 32, "sha256": 64}[algorithm]
        assert unpublished == (not digest)


def test_every_file_of_multi30k_has_a_checksum():
    for files in multi30k.SHA256.values():
        tests = {f"{stem}.{language}" for stem in CAPTIONS for language in ("en", "de", "fr", "cs")}
        assert files.keys() == tests - {"test_2017_flickr.cs", "test_2017_mscoco.cs"}
        assert all(len(digest) == 64 for digest in files.values())


@pytest.fixture
def job():
    """What ``attn train`` makes of options, before it trains."""

    def made(*options):
        common = ["tokenizer=characters", "precision.device=cpu", "study=named"]
        with hydra.initialize_config_module("attn.conf", version_base="1.3"):
            cfg = hydra.compose("train", [*common, *options])
        return Job.from_config(assemble.plain(cfg))

    return made


@pytest.mark.long
def test_a_run_is_the_same_whether_its_data_was_fetched_or_not(authors, tmp_path, job):
    fetched = job("dataset=multi30k")
    assert fetched.config["dataset"]["root"] is None
    assert len(authors.asked) == 6
    local = job("dataset=multi30k", f"dataset.root={tmp_path / 'data' / 'multi30k'}")
    assert local.folder == fetched.folder
    assert len(authors.asked) == 6


def test_offline_a_run_fails_with_a_word_of_what_to_do(server, monkeypatch, tmp_path, job):
    published(server, monkeypatch, iwslt14, {"de-en.tgz": b""})
    server.files.clear()
    path = tmp_path / "data" / "iwslt14" / "de-en.tgz"
    message = (
        f"{server.url}/de-en.tgz: cannot be fetched: the server answers 404 Not Found; try again, "
        f"or fetch it by hand as {path}, or give dataset.root=FOLDER with the files"
    )
    with pytest.raises(RunError, match=exactly(message)):
        job("dataset=iwslt14")
