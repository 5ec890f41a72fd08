"""``attn significance``: two runs, or files, on the same sentences."""

import json

import pytest
from direct import call
from evaluated import evaluate, sentences, spoken

from attn.cli import main
from attn.scoring import Scoring


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, lines):
    path.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return path.name


def told(capsys, *arguments):
    assert main(["significance", *arguments, "format=json", "trials=200"]) == 0
    return {one["metric"]: one for one in json.loads(capsys.readouterr().out)}


def test_two_files_by_words_without_keys(folder, capsys):
    references = sentences()
    said = [spoken(references, quality, 1) for quality in (0.9, 0.4)]
    names = [write(folder / f"{name},(x).txt", one) for name, one in zip("ab", said, strict=True)]
    found = told(capsys, *names, f"reference={write(folder / 'ref, 1.txt', references)}")
    scores = [Scoring().corpus(one, references) for one in said]
    assert list(found["BLEU"]) == [
        "metric", "first", "second", "difference", "p bootstrap", "p randomization", "signature"
    ]  # fmt: skip
    for metric, row in found.items():
        one, other = (score[metric]["score"] for score in scores)
        assert [row["first"], row["second"]] == pytest.approx([one, other])
        assert row["difference"] == pytest.approx(one - other)
        assert row["p bootstrap"] < 0.01
        assert row["p randomization"] < 0.01
        assert row["signature"] == f"{scores[0][metric]['signature']}|bs:1000|ar:200|seed:12345"


def test_a_run_beside_a_file(folder, capsys):
    run = evaluate(folder, scoring=Scoring(tokenize="char"))
    text = (run / "translations" / "test_2016.beam-step-10.txt").read_text().splitlines()
    found = told(capsys, str(run), write(folder / "same.txt", text))
    assert found["BLEU"]["difference"] == 0
    assert found["BLEU"]["p bootstrap"] == found["BLEU"]["p randomization"] == 1.0
    assert "tok:char" in found["BLEU"]["signature"]


def refused(**values):
    code, said = call("significance", **values)
    assert code == 2
    return said.splitlines()


def test_all_that_is_wrong_is_told(folder):
    one, two = write(folder / "one", ["a", "b"]), write(folder / "two", ["a"])
    assert refused(first=one, second="none") == ["second=none: there is no such file"]
    assert refused(first=one, second=one) == [
        "reference: needs a file, as no run tells the references"
    ]
    assert refused(first=one, second=two, reference=one) == [
        "second=two: has 1 lines, and there are 2 references"
    ]
    (folder / "bad").write_bytes(b"\xff\n")
    assert refused(first="bad", second=two, reference=two) == [
        "first: bad, line 1: not UTF-8 (invalid start byte)"
    ]
    run = evaluate(folder)
    assert refused(first=run, second=run, split="dev") == [
        f"{key}={run}: is not evaluated on dev; attn evaluate run={run} split=dev"
        for key in ("first",)
    ]
    assert refused(first=folder / "empty", second=one) == [
        f"first={folder}/empty: there is no such file"
    ]
    (folder / "empty").mkdir()
    assert refused(first=folder / "empty", second=one) == [
        f"first={folder}/empty: holds no run; a run's folder holds config.yaml"
    ]


def test_runs_must_be_scored_alike(folder):
    one = evaluate(folder, dim=8)
    other = evaluate(folder, dim=16, scoring=Scoring(tokenize="char"))
    third = evaluate(folder, dim=24, references=sentences(seed=9))
    signatures = [Scoring(tokenize=name).signatures()["BLEU"] for name in ("13a", "char")]
    assert refused(first=one, second=other) == [
        f"first and second: are scored by {signatures[0]} and by {signatures[1]}"
    ]
    assert refused(first=one, second=third) == [
        "first and second: are not scored by the same references"
    ]
    write(folder / "none.txt", [])
    assert refused(first="none.txt", second="none.txt", reference="none.txt") == [
        "reference=none.txt: has no lines"
    ]
    write(folder / "other.txt", sentences(seed=9))
    assert refused(first=one, second=one, reference="other.txt") == [
        "reference=other.txt: is not what first and second were scored by; leave it out"
    ]
    assert refused(first=one, second="other.txt", reference="other.txt") == [
        "reference=other.txt: is not what first was scored by; leave it out"
    ]
    text = one / "translations" / "test_2016.beam-step-10.txt"
    text.write_text("a\n")
    assert refused(first=one, second=one) == [
        f"first={one}: its translations of test_2016 are not as they were scored"
    ]


@pytest.mark.parametrize(
    ("second", "given", "line"),
    [
        ("run", "tokenize=char", "tokenize=char: runs are scored as they were evaluated"),
        ("run", "lowercase=true", "lowercase=true: runs are scored as they were evaluated"),
        ("file", "split=test", "split=test: is of runs, and both are files"),
    ],
)
def test_what_is_set_in_vain_is_refused(folder, capsys, second, given, line):
    evaluate(folder / "run")
    write(folder / "file", sentences())
    assert main(["significance", "file", second, "reference=file", given]) == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_numbers_have_bounds(folder, capsys):
    given = ["first=a", "second=b", "tokenize=x", "resamples=0", "trials=2000000", "seed=-1"]
    assert main(["significance", *given]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "tokenize=x: unknown; choose one of 13a, auto, char, intl, none",
        "resamples=0: must be from 1 to 1000000",
        "trials=2000000: must be from 1 to 1000000",
        "seed=-1: must be at least 0, within the 64 bits of an integer",
    ]
