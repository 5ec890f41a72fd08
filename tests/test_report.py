"""The page of a comparison: what it holds of runs, and what it refuses."""

import importlib.util
import json
import re

import numpy as np
import pytest
from reports import SIGNATURES, evaluate, leave, shown_by, spoilt, texts
from sacrebleu import sentence_bleu, sentence_chrf

from attn.cli import main
from attn.compare import curves, lengths, reading, report, sentences
from attn.compare.variants import Variant, variants
from attn.scoring import Scoring

REFERENCES, SOURCES = texts(24, 1, 12), texts(24, 2, 12)


@pytest.fixture
def study(tmp_path):
    """Two variants of two seeds, evaluated; the first is better."""
    for attention, share in (("softmax", 0.2), ("linear", 0.5)):
        for seed in (1, 2):
            run = leave(
                tmp_path / "runs", attention=attention, seed=seed, dev=40 - 20 * share - seed
            )
            evaluate(run, spoilt(REFERENCES, share, seed), REFERENCES, SOURCES)
    return tmp_path / "runs"


def page_of(study, *arguments):
    file = study.parent / "page.html"
    assert main(["compare", f"runs={study}", f"report={file}", *arguments]) == 0
    return file.read_text(encoding="utf-8")


def the_variants(folder):
    return variants(reading.read([str(folder)]))


def test_every_cell_of_the_table_is_in_the_page(study, capsys):
    shown = shown_by(page_of(study, "format=markdown"))
    said = capsys.readouterr()
    assert said.err.endswith(f"report in {study.parent / 'page.html'}\n")
    lines = [line[2:-2].split(" | ") for line in said.out.splitlines()]
    header, _, *rows = lines
    assert shown["header"] == header
    assert [[text for text, _, _ in row] for row in shown["cells"]] == rows
    assert shown["header"][: shown["options"]] == ["attention"]
    assert shown["following"] == []
    assert [row[4][1:] for row in shown["cells"]] == [[8000.0, None]] * 2
    [value, spread] = shown["cells"][0][3][1:]
    assert f"{value:.2f} ± {spread:.2f}" == rows[0][3]


@pytest.mark.parametrize(
    ("text", "number", "spread"),
    [
        ("31.00 ± 1.41 (2 of 3)", 31.0, 1.41),
        ("1,234,567", 1234567.0, None),
        ("-1.5", -1.5, None),
        ("+0.71", 0.71, None),
        ("<0.001'", 0.001, None),
        (">200", 200.0, None),
        ("1e-05", 1e-05, None),
        ("-", None, None),
        ("softmax", None, None),
    ],
)
def test_a_cell_is_sorted_by_the_number_that_it_tells(text, number, spread):
    assert report._cell(text) == (text, number, spread)


def variant(**options):
    told = {key.replace("_", "."): value for key, value in options.items()}
    return Variant(" ".join(f"{key}={value}" for key, value in told.items()), told, [])


def test_labels_leave_out_what_follows_from_a_part():
    one = variant(attention="window", attention_radius="8", attention_chunk="-", seed_no="1")
    other = variant(attention="linear", attention_radius="-", attention_chunk="64", seed_no="1")
    assert report.labels([one, other]) == [
        "attention=window seed.no=1",
        "attention=linear seed.no=1",
    ]
    wide = variant(attention="window", attention_radius="16", attention_chunk="-", seed_no="1")
    assert report.labels([one, wide, other]) == [
        "attention=window attention.radius=8 seed.no=1",
        "attention=window attention.radius=16 seed.no=1",
        "attention=linear seed.no=1",
    ]


def test_labels_that_would_be_the_same_stay_whole():
    every = [variant(dim="-", heads="-"), variant(dim="8", heads="-")]
    assert report.labels(every) == [one.label for one in every]


def test_signatures_and_places_are_told(study):
    page = page_of(study)
    assert re.search("<h1>(.*)</h1>", page)[1] == f"attn compare: {study}"
    shown = shown_by(page)
    assert f"BLEU {SIGNATURES['BLEU']}" in shown["remarks"]
    assert shown["runs"][1] == [
        f"{study}/linear-8/seed-{seed} (finished, step-30)" for seed in (1, 2)
    ]


def test_a_curve_is_the_mean_over_the_seeds_that_got_there(tmp_path):
    leave(tmp_path, seed=1, dev=30.0)
    leave(tmp_path, seed=2, dev=60.0, steps=(10, 20))
    [found] = curves.curves(the_variants(tmp_path))
    assert found["dev BLEU"] == {
        "step": [10, 20, 30],
        "minutes": [1.0, 2.0, 3.0],
        "mean": [20.0, 40.0, 30.0],
        "low": [10.0, 20.0, 30.0],
        "high": [30.0, 60.0, 30.0],
        "deviation": [14.142, 28.284, 0.0],
        "seeds": [2, 2, 1],
    }
    assert "train tokens per second" in found


def test_minutes_between_evaluations_are_drawn_between_them(tmp_path):
    run = leave(tmp_path)
    lines = [
        {"step": 5, "group": "train", "loss": 3.0},
        {"step": 10, "group": "dev", "loss": 3.0, "minutes": 1.0},
        {"step": 15, "group": "train", "loss": float("nan")},
        {"step": 16, "group": "train", "loss": 2.0},
        {"step": 20, "group": "dev", "loss": "none", "minutes": 4.0},
        {"step": 22, "group": "train", "loss": 1.0},
        {"step": "x", "group": "train", "loss": 1.0},
        {"step": 23, "group": "other", "loss": 1.0},
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [found] = curves.curves(the_variants(tmp_path))
    assert found.keys() == {"train loss", "dev loss"}
    assert (found["train loss"]["step"], found["train loss"]["minutes"]) == (
        [5, 16, 22],
        [0.5, 2.8, 4.6],
    )


def test_long_curves_keep_both_ends(tmp_path):
    leave(tmp_path, steps=range(3, 3000, 3))
    [found] = curves.curves(the_variants(tmp_path))
    steps = found["dev BLEU"]["step"]
    assert (len(set(steps)), steps[0], steps[-1]) == (curves.POINTS, 3, 2997)


def test_dev_scores_of_unlike_signatures_are_figures_of_their_own(tmp_path, monkeypatch):
    leave(tmp_path, attention="softmax")
    with monkeypatch.context() as patch:
        patch.setitem(SIGNATURES, "BLEU", SIGNATURES["BLEU"].replace("13a", "none"))
        leave(tmp_path, attention="linear", dev=20.0)
    one, other = curves.curves(the_variants(tmp_path))
    assert {"dev BLEU tok:13a", "dev loss"} < one.keys()
    assert {"dev BLEU tok:none", "dev loss"} < other.keys()


def test_scores_by_length_are_those_of_the_sentences_alone(study):
    found = shown_by(page_of(study))["lengths"]
    assert sum(count for _, count in found["groups"]) == len(SOURCES)
    shortest = int(found["groups"][0][0].removeprefix("0-"))
    rows = [i for i, one in enumerate(SOURCES) if len(one.split()) <= shortest]
    said = [spoilt(REFERENCES, 0.2, seed) for seed in (1, 2)]
    scores = [
        Scoring().corpus([one[i] for i in rows], [REFERENCES[i] for i in rows])["chrF"]["score"]
        for one in said
    ]
    assert found["metrics"]["chrF"]["0"]["mean"][0] == pytest.approx(np.mean(scores), rel=1e-4)
    assert found["metrics"]["chrF"]["0"]["seeds"] == [2] * len(found["groups"])


def test_lengths_that_are_all_the_same_are_one_group():
    assert lengths.bounds([7] * 50) == []
    assert lengths.bounds([0, 1, 2, 3, 4, 5, 6]) == [1, 2, 3, 4, 5]


def test_sentences_are_scored_as_sentences(study):
    found = shown_by(page_of(study))["sentences"]
    assert (found["references"], found["sources"]) == (REFERENCES, SOURCES)
    assert found["runs"] == [
        {"variant": variant, "seed": str(seed)} for variant in (0, 1) for seed in (1, 2)
    ]
    said = spoilt(REFERENCES, 0.5, 2)
    assert [row[3] for row in found["texts"]] == said
    for name, score in (("BLEU", sentence_bleu), ("chrF", sentence_chrf)):
        expected = [score(one, [two]).score for one, two in zip(said, REFERENCES, strict=True)]
        assert found["scores"][name][3] == pytest.approx(expected, abs=0.06)


def test_where_room_is_short_every_variant_keeps_a_seed(study, monkeypatch):
    monkeypatch.setattr(sentences, "ROOM", 3 * len(REFERENCES))
    runs = shown_by(page_of(study))["sentences"]["runs"]
    assert [(run["variant"], run["seed"]) for run in runs] == [(0, "1"), (0, "2"), (1, "1")]


def test_what_was_scored_by_another_reference_is_told_and_left_out(study):
    run = study / "linear-8" / "seed-2"
    evaluate(run, REFERENCES[::-1], REFERENCES[::-1], SOURCES)
    shown = shown_by(page_of(study))
    assert len(shown["sentences"]["runs"]) == 3
    assert shown["lengths"]["metrics"]["BLEU"]["1"]["seeds"][0] == 1
    assert f"not by length or sentence, for its reference or signatures: {run}" in shown["remarks"]


@pytest.mark.parametrize(
    "kept", ["sentences/test.beam-size-5-step-30.npz", "translations/test.beam-size-5-step-30.txt"]
)
def test_what_was_altered_is_left_out_and_told(study, kept):
    run = study / "linear-8" / "seed-1"
    (run / kept).write_bytes(b"other\n")
    shown = shown_by(page_of(study))
    assert len(shown["sentences"]["runs"]) == 3
    assert f"sentences are not as they were written, evaluate again: {run}" in shown["remarks"]


def test_runs_that_kept_no_sources_are_shown_without(study):
    for file in study.rglob("test.src"):
        file.unlink()
    shown = shown_by(page_of(study))
    assert shown["lengths"] is None
    assert shown["sentences"]["sources"] == []
    assert "sources were not kept: evaluate again to see scores by their length" in shown["remarks"]


def test_runs_that_were_not_evaluated_have_a_page_too(tmp_path):
    leave(tmp_path / "runs")
    shown = shown_by(page_of(tmp_path / "runs"))
    assert (shown["lengths"], shown["sentences"], shown["labels"]) == (None, None, ["all runs"])


def test_what_stands_in_the_way_of_a_page_is_said_before_runs_are_read(study, monkeypatch, capsys):
    find = importlib.util.find_spec
    lacking = lambda name, *more: None if name == "plotly" else find(name, *more)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", lacking)
    assert main(["compare", f"runs={study}", f"report={study}"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"report={study}: is a folder; give another path",
        f"report={study}: needs the package plotly; pip install attn[report]",
    ]


@pytest.mark.slow
def test_thirty_runs_of_a_thousand_sentences_are_less_than_six_mebibytes(tmp_path):
    references, sources = texts(1000, 1), texts(1000, 2)
    chance = np.random.default_rng(1)
    for number in range(30):
        said = spoilt(references, 0.3, number)
        statistics = {
            "BLEU": np.sort(chance.integers(0, 30, (1000, 10)).astype(float)),
            "chrF": np.sort(chance.integers(0, 30, (1000, 18)).astype(float)),
            "TER": chance.integers(1, 30, (1000, 2)).astype(float),
        }
        run = leave(
            tmp_path / "runs",
            attention=f"a{number // 3}",
            seed=number % 3,
            steps=range(20, 2001, 20),
        )
        evaluate(run, said, references, sources, statistics=statistics)
    page = page_of(tmp_path / "runs")
    assert len(shown_by(page)["sentences"]["runs"]) == 30
    assert len(page.encode()) < 6 * 2**20
