"""Pairs in the columns of tables, in files packed or not, one or several."""

import gzip
import json
import lzma
import sys

import pytest
import zstandard
from messages import exactly

from attn.corpora import Pair
from attn.corpora.parallel import Parallel

WRITTEN = [
    Pair("A dog .", "Ein Hund ."),
    Pair('say "a, b"', "sag\u2028"),
    Pair("", "שלום"),
    Pair("x" * 100_000, "\x00y"),
]
PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress}


def tabs(pairs, names=("id", "en", "de")):
    rows = [names, *((str(n), pair.source, pair.target) for n, pair in enumerate(pairs))]
    return "".join("\t".join(row) + "\n" for row in rows)


def commas(pairs):
    quoted = [
        [str(n), *(f'"{text.replace(chr(34), chr(34) * 2)}"' for text in (one.source, one.target))]
        for n, one in enumerate(pairs)
    ]
    return "".join(",".join(row) + "\r\n" for row in [["id", "en", "de"], *quoted])


def objects(pairs):
    rows = ({"id": n, "en": pair.source, "de": pair.target} for n, pair in enumerate(pairs))
    return "".join(json.dumps(row) + "\n" for row in rows)


WRITE = {"tsv": tabs, "csv": commas, "jsonl": objects}


def corpus(folder, train="train.tsv", **options):
    for stem in ("dev", "test"):
        for language in ("en", "de"):
            (folder / f"{stem}.{language}").write_text("x\n")
    return Parallel(root=str(folder), train=[train], **options)


def refused(folder, message, train="train.tsv", **options):
    with pytest.raises(ValueError, match=exactly(message)):
        corpus(folder, train, **options).read("train")


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("form", WRITE)
def test_a_table_gives_the_columns_named_like_the_languages(tmp_path, form, packed):
    name = f"train.{form}{packed}"
    (tmp_path / name).write_bytes(PACK[packed](WRITE[form](WRITTEN).encode()))
    assert corpus(tmp_path, name).read("train") == WRITTEN


@pytest.mark.parametrize("packed", PACK)
def test_packed_text_is_as_plain_text(tmp_path, packed):
    for language in ("en", "de"):
        content = f"one {language}\ntwo {language}\n".encode()
        (tmp_path / f"train.{language}{packed}").write_bytes(PACK[packed](content))
    pairs = corpus(tmp_path, "train").read("train")
    assert pairs == [Pair("one en", "one de"), Pair("two en", "two de")]


def test_columns_can_be_named(tmp_path):
    (tmp_path / "train.tsv").write_text(tabs(WRITTEN[:1], names=("id", "left", "right")))
    named = corpus(tmp_path, columns=["right", "left"])
    assert named.read("train") == [Pair("Ein Hund .", "A dog .")]


def test_numbered_columns_have_no_first_line(tmp_path):
    (tmp_path / "train.tsv").write_text("a\tb\tc\nd\te\tf\n")
    numbered = corpus(tmp_path, columns=["3", "1"])
    assert numbered.read("train") == [Pair("c", "a"), Pair("f", "d")]


def test_a_line_end_inside_a_text_is_a_space(tmp_path):
    (tmp_path / "train.csv").write_bytes(b'en,de\r\n"a\r\nb","c\nd"\r\n')
    assert corpus(tmp_path, "train.csv").read("train") == [Pair("a b", "c d")]


def test_a_star_takes_all_that_match_in_order(tmp_path):
    for stem in ("news2", "news1", "other"):
        for language in ("en", "de"):
            packed = gzip.compress(f"{stem} {language}\n".encode())
            (tmp_path / f"{stem}.{language}.gz").write_bytes(packed)
        (tmp_path / f"{stem}.tsv").write_text(tabs([Pair(stem, "x")]))
    assert [pair.source for pair in corpus(tmp_path, "news*").read("train")] == [
        "news1 en",
        "news2 en",
    ]
    assert corpus(tmp_path, "news*.tsv").read("train") == [Pair("news1", "x"), Pair("news2", "x")]


def test_a_star_that_matches_half_a_pair_is_refused(tmp_path):
    (tmp_path / "news1.en").write_text("x\n")
    refused(
        tmp_path,
        f"train=news*: needs news1.de (or packed: .gz, .xz, .zst); {tmp_path} holds dev.de, "
        "dev.en, news1.en, test.de, test.en",
        train="news*",
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.tsv", b"", "{path} is empty"),
        ("train.tsv", b"en\tde\n", "{path} is empty"),
        (
            "train.tsv",
            b"id\tfr\tde\n1\ta\tb\n",
            "{path} has no column en; its first line names id, fr, de; choose with "
            "dataset.columns=[NAME,NAME], or by number",
        ),
        (
            "train.tsv",
            b"en\tde\na\tb\nc\n",
            "{path}, line 3: has 1 columns, column 2 is needed",
        ),
        ("train.tsv", b"en\tde\na\t\xff\n", "{path}, line 2: not UTF-8 (invalid start byte)"),
        ("train.csv", b'en,de\na,"b\n', "{path}, line 2: unexpected end of data"),
        (
            "train.jsonl",
            b'{"en": "a", "de": "b"}\n{"en": 1\n',
            "{path}, line 2: no JSON (Expecting ',' delimiter: line 1 column 9 (char 8))",
        ),
        ("train.jsonl", b'{"en": "a", "fr": "b"}\n', "{path}, line 1: has no de; it holds en, fr"),
        (
            "train.csv",
            b"en,de\na,b\nc,d,e\n",
            "{path}, line 3: has 3 columns, the first line has 2",
        ),
        ("train.jsonl", b"[1]\n", "{path}, line 1: has no en; it holds no columns"),
        (
            "train.jsonl",
            b'{"en": "a \\ud800", "de": "b"}\n',
            "{path}, line 1: en holds half of a character (a lone surrogate)",
        ),
        (
            "train.jsonl",
            b'{"en": "a", "de": null}\n',
            "{path}, line 1: de is no string, but null",
        ),
        (
            "train.tsv.xz",
            lzma.compress(b"a")[:-9],
            "{path}: not a whole xz file "
            "(Compressed data ended before the end-of-stream marker was reached)",
        ),
        (
            "train.tsv.xz",
            b"plain",
            "{path}: not a whole xz file (Input format not supported by decoder)",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path, f"train={name}: {message.format(path=tmp_path / name)}", train=name)


def test_a_zst_file_of_several_frames_is_read_whole(tmp_path):
    rows = (b"en\tde\na\tA\n", b"b\tB\n", b"", b"c\tC\n")
    (tmp_path / "train.tsv.zst").write_bytes(b"".join(map(zstandard.compress, rows)))
    assert [pair.source for pair in corpus(tmp_path, "train.tsv.zst").read("train")] == list("abc")


@pytest.mark.parametrize("frames", [1, 2])
def test_a_zst_file_that_is_cut_short_is_named(tmp_path, frames):
    packed = zstandard.compress(b"en\tde\n" + bytes(range(97, 117)) + b"\tA\n") * frames
    (tmp_path / "train.tsv.zst").write_bytes(packed[:-5])
    path = tmp_path / "train.tsv.zst"
    said = f"train=train.tsv.zst: {path}: not a whole zst file (it is cut short)"
    refused(tmp_path, said, train="train.tsv.zst")


def test_a_broken_zst_file_is_named(tmp_path):
    (tmp_path / "train.tsv.zst").write_bytes(b"plain")
    with pytest.raises(ValueError, match=r"train\.tsv\.zst: not a whole zst file \("):
        corpus(tmp_path, "train.tsv.zst").read("train")


def test_a_missing_table_is_named(tmp_path):
    refused(
        tmp_path,
        f"train=train.tsv: there is none; {tmp_path} holds dev.de, dev.en, test.de, test.en",
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a"], "columns=[a]: must be two, of source and target"),
        (
            ["de", "en"],
            "columns=[de, en]: is the other direction than source=en target=de; "
            "write source=de target=en",
        ),
        (["a", "a"], "columns=[a, a]: source and target must differ"),
        (["0", "1"], "columns=[0, 1]: numbers begin with 1"),
    ],
)
def test_wrong_columns_are_refused(tmp_path, columns, message):
    refused(tmp_path, message, columns=columns)


def test_zst_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "train.tsv.zst").write_bytes(zstandard.compress(b"en\tde\na\tb\n"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    refused(
        tmp_path,
        "train=train.tsv.zst: zst files need the package zstandard; pip install attn[zst]",
        train="train.tsv.zst",
    )
