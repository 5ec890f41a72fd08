"""What the table tells of evaluated runs: differences, costs, parts of the test set, provenance."""

import csv
import io
import json
import shutil

import pytest
import yaml
from direct import call
from evaluated import evaluate, sentences, spoken

from attn import results, runs
from attn.cli import main
from attn.compare.table import bare
from attn.files import read_json, write_json
from attn.scoring import Scoring, fingerprint

SIGNATURES = Scoring().signatures()
NOTE = "more seeds: of both sides, to find such a difference in 80 % of trials, p not corrected"
COST = {"seconds": 2.0, "tokens": 100, "flops": {"train": 3e6, "encode": 1e6, "decode": 1e6}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for seed in (1, 2, 3):
        evaluate(folder, seed=seed, quality=0.9, dim=8, dev=32.0, more=COST)
        evaluate(folder, seed=seed, quality=0.5, dim=16, dev=31.0)
    return folder


@pytest.fixture
def study(made, tmp_path, monkeypatch):
    """Two variants of three seeds, one of which is better."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(capsys, *arguments):
    assert call("compare", "runs=.", *arguments) == (0, "")
    said = capsys.readouterr()
    return said.out, said.err.splitlines()


def rows(capsys, *arguments):
    text, remarks = compared(capsys, "format=csv", *arguments)
    return list(csv.DictReader(io.StringIO(text))), remarks


def refused(*arguments):
    code, said = call("compare", "runs=.", *arguments)
    assert code == 2
    return said.splitlines()


def test_differences_to_a_baseline(study, capsys):
    (best, base), remarks = rows(capsys, "baseline=model.dim=16", "metrics=[BLEU,TER]")
    assert base["Δ BLEU test"] == base["p BLEU test"] == ""
    means = [float(one["BLEU test"]) for one in (best, base)]
    assert float(best["Δ BLEU test"]) == pytest.approx(means[0] - means[1], abs=0.006)
    assert float(best["BLEU test deviation"]) >= 0
    assert (best["BLEU test runs"], best["BLEU dev"]) == ("3", "32.0000")
    assert float(best["Δ TER test"]) < 0
    assert float(best["p BLEU test"].strip("<")) < 0.05
    assert best["more seeds BLEU test"] == "0"
    assert "Δ BLEU dev" not in best
    assert remarks[:4] == [
        f"BLEU {SIGNATURES['BLEU']}",
        f"TER {SIGNATURES['TER']}",
        "Δ and p: to model.dim=16, over seeds and sentences, p corrected by Holm for the rows of a "
        "column",
        NOTE,
    ]


def test_without_a_baseline_nothing_is_compared(study, capsys):
    assert not any(key.startswith(("Δ", "p ")) for key in rows(capsys)[0][0])


def test_one_seed_each_is_marked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    evaluate(tmp_path, dim=8, dev=32.0)
    run = evaluate(tmp_path, dim=16, quality=0.4)
    (one, _), remarks = rows(capsys, "baseline=model.dim=16")
    assert one["p BLEU test"].endswith("'")
    assert one["more seeds BLEU test"] == ""
    assert "p': one seed a side, so over sentences alone: of these two trainings" in remarks
    for file in (run / "sentences").iterdir():
        file.write_bytes(b"")
    (one, _), remarks = rows(capsys, "baseline=model.dim=16")
    assert one["p BLEU test"] == ""
    assert "no statistics of sentences: model.dim=16" in remarks


def test_a_baseline_is_one_variant(study):
    labels = "model.dim=8; model.dim=16"
    assert refused("baseline=model.dim=9") == [
        f"baseline=model.dim=9: names no variant; choose one of: {labels}"
    ]
    assert refused("baseline=softmax")[0].startswith("baseline=softmax: names no variant; ")
    assert refused("baseline=position=sinusoidal") == [
        f"baseline=position=sinusoidal: names 2 variants; choose one of: {labels}"
    ]


def test_a_baseline_without_scores_is_told(study, capsys):
    remarks = rows(capsys, "baseline=model.dim=8", "split=longer")[1]
    assert "BLEU longer: nothing is compared, model.dim=8 has no score there" in remarks


def test_only_so_many_rows_are_tested(study, capsys, monkeypatch):
    monkeypatch.setattr("attn.compare.differences.MOST", 0)
    assert "significance is told of the first 0 rows" in rows(capsys, "baseline=model.dim=8")[1]


def test_costs_are_shown_where_they_are_known(study, capsys):
    one, other = rows(capsys)[0]
    assert (one["MFLOPs/token"], one["tokens/s decoded"]) == ("3", "50")
    assert (other["MFLOPs/token"], other["tokens/s decoded"]) == ("", "")
    assert one["Pareto"] == "parameters MFLOPs/token minutes"
    assert other["Pareto"] == ""


def test_unlike_references_never_share_a_column(study, capsys):
    evaluate(study, dim=24, dev=30.0, references=sentences(seed=7))
    every, remarks = rows(capsys, "baseline=model.dim=8")
    shown = [[one[f"BLEU test [{number}]"] != "" for number in (2, 3)] for one in every]
    assert sum(map(sum, shown)) == len(shown) == 3
    assert sorted(map(sum, zip(*shown, strict=True))) == [1, 2]
    hashes = sorted(fingerprint(sentences(seed=seed)) for seed in (5, 7))
    told = [line for line in remarks if "reference" in line]
    assert told == [
        f"[{number}] BLEU {SIGNATURES['BLEU']}, test reference {one[:9]}"
        for number, one in enumerate(hashes, 2)
    ]


def test_several_splits_stand_side_by_side(study, capsys):
    evaluate(study, dim=8, split="longer")
    one, other = rows(capsys, "split=[test,longer]")[0]
    assert one["BLEU longer runs"] == "1"
    assert other["BLEU longer"] == ""
    found, remarks = rows(capsys, "split=[test,longer]", "by=split")
    assert list(found[0])[:2] == ["model.dim", "seeds"]
    assert list(found[0])[2::3] == ["BLEU test", "BLEU longer"]
    assert remarks[:2] == [
        f"BLEU {SIGNATURES['BLEU']}",
        "not evaluated on longer, by their own search with the best checkpoint:",
    ]
    assert len(remarks) == 2 + 5


def test_dev_is_not_tested(study, capsys):
    found, remarks = rows(capsys, "split=dev", "baseline=model.dim=16")
    assert not [title for title in found[0] if title.startswith(("Δ", "p "))]
    assert [title for title in found[0] if title.startswith("BLEU")] == [
        "BLEU dev", "BLEU dev deviation", "BLEU dev runs"
    ]  # fmt: skip
    assert "split=dev: not tested, for checkpoints were chosen by it" in remarks


def test_by_length_of_sources(study, capsys):
    (one, _), remarks = rows(capsys, "by=length", "bounds=[5,10]", "metrics=chrF")
    references = sentences()
    short = [number for number, line in enumerate(references) if len(line.split()) <= 5]
    said = spoken(references, 0.9, 108)
    direct = Scoring().corpus([said[n] for n in short], [references[n] for n in short])
    values = [run["chrF"] for run in _per_run(study, short)]
    assert direct["chrF"]["score"] in values
    assert one[f"chrF 0-5 words ({len(short)})"].startswith(f"{sum(values) / 3:.2f}")
    assert list(one)[-1].startswith("chrF 11- words (")
    assert remarks == [f"chrF test: {SIGNATURES['chrF']}"]


def test_what_is_left_out_of_parts_is_told(study, capsys):
    other = evaluate(study, seed=4, dim=8, scoring=Scoring(tokenize="char"))
    for file in study.glob("sinusoidal-16/seed-1/sentences/*"):
        file.write_bytes(b"")
    (_, two), remarks = rows(capsys, "by=length")
    assert "scored otherwise by BLEU, and left out: 1 runs" in remarks
    assert "no statistics of sentences: model.dim=16" in remarks
    assert {value for title, value in two.items() if title.endswith(" runs")} == {"0"}
    shutil.rmtree(other)
    for file in study.glob("sinusoidal-16/seed-1/translations/*.beam*"):
        file.write_text("")
    section = {"name": "reverse", "train_size": 9}
    for run in study.glob("*/seed-*"):
        runs.save_config(run, {**runs.load_config(run), "dataset": section})
        section = {"name": "reverse", "train_size": 10}
    remarks = rows(capsys, "by=frequency")[1]
    told = "not all runs have one training text; here it is that of sinusoidal-8/seed-1"
    assert told in remarks
    assert "translations were not kept: sinusoidal-16/seed-1" in remarks


def _per_run(study, chosen):
    for seed in (1, 2, 3):
        every, _ = results.load_marked(
            study / "sinusoidal-8" / f"seed-{seed}", "test_2016", "beam step-10"
        )
        yield {name: Scoring().score_of(name, stats[chosen]) for name, stats in every.items()}


def test_by_frequency_of_words(study, capsys):
    trained = ["der der der die", "das das"]
    for run in study.glob("*/seed-*"):
        section = {"name": "parallel", "source": "en", "target": "de", "root": str(study)}
        runs.save_config(run, {**runs.load_config(run), "dataset": section})
    for split in ("train", "dev", "test"):
        for side in ("en", "de"):
            (study / f"{split}.{side}").write_text("".join(f"{one}\n" for one in trained))
    (one, _), remarks = rows(capsys, "by=frequency", "bounds=[0,1,2]")
    words = " ".join(sentences()).split()
    assert list(one)[2::3] == [
        f"0 times ({sum(word not in {'der', 'die', 'das'} for word in words)})",
        f"1 times ({words.count('die')})",
        f"2 times ({words.count('das')})",
        f"3- times ({words.count('der')})",
    ]
    assert all(50 < float(value) < 100 for value in list(one.values())[2::3])
    assert remarks == [
        "F1 of the words of test, by how often the training text has them; in brackets, how many "
        "words of the references that are",
        f"words as BLEU has them: {SIGNATURES['BLEU']}",
    ]


def test_what_was_not_kept_cannot_be_parted(study):
    for file in study.glob("*/seed-*/translations/*.src"):
        file.unlink()
    assert refused("by=length") == [
        "split=test: no run has kept its sources; attn evaluate run=FOLDER split=test keeps them"
    ]


def test_attention_is_shown_where_it_is_kept(study, capsys):
    told = {
        "entropy": {"encoder": 1.0, "cross": 2.0},
        "dead_heads": 1,
        "heads": 8,
        "alignment_error_rate": 0.25,
        "best_head": "cross.2.head.1",
    }
    for seed, share in ((1, 0.25), (2, 0.35)):
        path = study / "sinusoidal-8" / f"seed-{seed}" / "scores.json"
        every = read_json(path)
        entry = {**every["test_2016"]["beam step-10"], "attention": told}
        entry = {**entry, "attention": {**told, "alignment_error_rate": share}}
        del entry["sha256"]
        write_json(path, {"test_2016": {"beam step-10": entry}})
    one, other = rows(capsys)[0]
    shown = {
        "entropy encoder": "1.000",
        "entropy cross": "2.000",
        "dead heads": "1 of 8",
        "alignment error rate": "0.300",
        "best head": "cross.2.head.1",
    }
    assert dict(list(one.items())[-5:]) == shown
    assert other["best head"] == ""


def test_without_gold_there_is_no_error_rate(study, capsys):
    """As attn align leaves it."""
    figures = {"entropy": {"cross": 2.0}, "dead_heads": 0, "heads": 4, "sentences": 40}
    figures |= {"alignment_error_rate": None, "best_head": None}
    reference = fingerprint(sentences())
    run = study / "sinusoidal-8" / "seed-1"
    marks = {"checkpoint": {"sha256": {}}, "reference": reference}
    assert results.add_attention(run, "test_2016", marks, figures) == ["beam step-10"]
    one, _ = rows(capsys)[0]
    assert dict(list(one.items())[-2:]) == {"entropy cross": "2.000", "dead heads": "0 of 4"}


def test_other_systems_stand_beside_ours(study, capsys):
    theirs = spoken(sentences(), 0.7, 3)
    (study / "their, 1.txt").write_text("".join(f"{one}\n" for one in theirs))
    found, _ = rows(capsys, "systems=['theirs:their, 1.txt']", "baseline=theirs")
    assert [one["system"] for one in found] == ["", "", "theirs"]
    score = Scoring().corpus(theirs, sentences())["BLEU"]["score"]
    assert found[2]["BLEU test"] == f"{score:.4f}"
    assert float(found[0]["Δ BLEU test"]) > 0


def test_systems_that_cannot_be_scored(study):
    (study / "short").write_text("a\n")
    assert refused("systems=[a:none,b,a:short]") == [
        "systems: a=none: there is no such file",
        "systems: 'b' must look like name:file",
        "systems: 'a' is the name of two",
    ]
    assert refused("systems=a:short") == ["systems: a=short: 1 translations for 40 references"]
    for file in study.glob("*/seed-*/translations/*.ref"):
        file.unlink()
    assert refused("systems=a:short") == [
        "systems: no run has kept the references of test; evaluate one of them"
    ]


def test_scores_are_verified(study, capsys):
    assert call("compare", "runs=.", "verify=true") == (0, "")
    assert capsys.readouterr().out == "the scores of 6 runs are those of their translations\n"
    run = study / "sinusoidal-8" / "seed-1"
    path = run / "scores.json"
    every = read_json(path)
    entry = every["test_2016"]["beam step-10"]
    stored = entry["BLEU"]["score"]
    entry["BLEU"]["score"] = 99.5
    entry["TER"]["signature"] = SIGNATURES["TER"].replace("mixed", "lc")
    write_json(path, every)
    code, said = call("compare", "runs=.", "verify=true")
    assert (code, said) == (
        1, "attn compare: verify=true: 3 mismatches in the scores of 6 runs\n"
    )  # fmt: skip
    here = "sinusoidal-8/seed-1/scores.json: test_2016, beam step-10"
    lower = SIGNATURES["TER"].replace("mixed", "lc")
    assert capsys.readouterr().out.splitlines() == [
        f"{here}: is not as it was written",
        f"{here}: BLEU is stored as 99.5, its texts give {stored}",
        f"{here}: TER is of {lower}, not of {SIGNATURES['TER']}",
    ]


def test_texts_that_are_not_those_scored_are_told(study, capsys):
    run = study / "sinusoidal-8" / "seed-1"
    text = run / "translations" / "test_2016.beam-step-10.txt"
    text.write_text(text.read_text().replace("Hund", "Katze"))
    other = study / "sinusoidal-16" / "seed-2"
    (other / "translations" / "test_2016.ref").unlink()
    third = study / "sinusoidal-16" / "seed-3" / "scores.json"
    third.write_text("[]")
    fourth = study / "sinusoidal-8" / "seed-3" / "scores.json"
    every = read_json(fourth)
    every["test_2016"]["beam step-10"]["BLEU"]["signature"] = "x"
    write_json(fourth, every)
    assert call("compare", "runs=.", "verify=true")[0] == 1
    said = capsys.readouterr().out.splitlines()
    entry = "test_2016, beam step-10"
    path = "sinusoidal-8/seed-1/translations/test_2016.beam-step-10.txt"
    assert f"sinusoidal-8/seed-1/scores.json: {entry}: {path} is not what was scored" in said
    lost = "sinusoidal-16/seed-2/translations/test_2016.ref"
    assert (
        f"sinusoidal-16/seed-2/scores.json: {entry}: cannot be scored again without {lost}" in said
    )
    assert "sinusoidal-16/seed-3/scores.json: is not as it was written (it holds no scores)" in said
    assert (
        f"sinusoidal-8/seed-3/scores.json: {entry}: cannot be scored again (signature x: nothing "
        "here scores like that)" in said
    )


def test_nothing_to_verify(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs.save_config(tmp_path / "run", {"seed": 1})
    assert refused("verify=true") == [
        "verify=true: no run is evaluated; attn evaluate run=FOLDER does it"
    ]


def test_json_tells_where_each_score_comes_from(study, capsys):
    text, _ = compared(capsys, "format=json", "baseline=model.dim=16")
    told = json.loads(text)
    (best, _), (difference,) = told["variants"], told["differences"]
    run = best["runs"][0]
    assert run["scores"]["test"]["checkpoint"] == {
        "name": "step-10", "step": 10, "sha256": {}, "attn": "0.1.0"
    }  # fmt: skip
    assert run["scores"]["test"]["search"] == {"name": "beam", "size": 5}
    assert run["scores"]["test"]["reference"] == fingerprint(sentences())
    assert run["scores"]["test"]["BLEU"]["signature"] == SIGNATURES["BLEU"]
    assert len(run["scores"]["test"]["translations"]) == 64
    assert told["baseline"] == difference["variant"].replace("8", "16")
    assert difference["interval"][0] < difference["difference"] < difference["interval"][1]
    parted = json.loads(compared(capsys, "format=json", "by=split")[0])
    assert list(parted["rows"][0]) == ["model.dim", "seeds", "BLEU test"]


def test_latex_has_marks_in_place_of_tests(study, capsys):
    text, remarks = compared(capsys, "format=latex", "baseline=model.dim=16")
    assert remarks[-1] == (
        "* p < 0.05, ** p < 0.01: of the difference to model.dim=16, over seeds and sentences, p "
        "corrected by Holm for the rows of a column"
    )
    assert NOTE not in remarks
    lines = text.splitlines()
    assert lines[:2] == ["\\begin{tabular}{rrrrrrrrrr}", "\\toprule"] or "l" in lines[0]
    assert lines[2].startswith("model.dim & seeds & BLEU dev & BLEU test & parameters")
    assert "$\\Delta$" not in text
    assert "$\\pm$" in lines[4]
    assert "\\textbf{" in lines[4]
    assert "}$^{*" in lines[4]
    assert "\\textbf{" not in lines[5]


def test_versions_that_are_mixed_are_told(study, capsys):
    path = study / "sinusoidal-8" / "seed-1" / "scores.json"
    every = read_json(path)
    entry = every["test_2016"]["beam step-10"]
    entry["checkpoint"]["attn"] = "0.2.0"
    del entry["sha256"]
    write_json(path, every)
    remarks = rows(capsys)[1]
    assert "evaluated by several versions of attn: 0.1.0 (5 runs), 0.2.0 (1 runs)" in remarks


def test_all_that_is_wrong_is_told(study):
    assert refused("metrics=[comet,foo]", "by=foo", "split=[]", "format=x") == [
        "format=x: unknown; choose one of csv, json, latex, markdown, terminal",
        "metrics: 'foo' is unknown; choose one of BLEU, COMET, TER, chrF",
        "split=[]: names none",
        "metrics: COMET needs the package unbabel-comet; pip install attn[comet]",
        "by=foo: unknown; choose one of frequency, length, split",
    ]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("bounds=[5]", "bounds=[5]: is of by=length and by=frequency alone"),
        ("root=x", "root=x: is of by=frequency alone"),
        (
            "by=frequency metrics=[chrF]",
            "metrics=[chrF]: by=frequency shows F1; leave one of them out",
        ),
        ("by=split report=x.html", "report=x.html: is of the whole table; leave by out"),
        (
            "by=split baseline=model.dim=8",
            "baseline=model.dim=8: nothing is compared with it in scores by=split; leave by out",
        ),
        (
            "verify=true format=csv",
            "format=csv: verify=true shows no table; leave one of them out",
        ),
    ],
)
def test_what_is_set_in_vain_is_refused(made, capsys, given, line):
    assert main(["compare", f"runs={made}", *given.split(" ")]) == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_a_part_is_of_one_split(study):
    assert refused("by=length", "split=[test,longer]") == [
        "split=[test, longer]: by=length is of one; name one"
    ]


def test_a_comment_in_a_config_is_no_fault(study, capsys):
    before = rows(capsys)
    config = next(study.rglob("config.yaml"))
    config.write_text(f"# mine\n---\n{config.read_text()}")
    assert rows(capsys) == before


def test_code_that_is_mixed_is_told(study, capsys):
    path = study / "sinusoidal-8" / "seed-1" / "scores.json"
    every = read_json(path)
    entry = every["test_2016"]["beam step-10"]
    entry["checkpoint"]["code"] = "1a2b3c4d"
    del entry["sha256"]
    write_json(path, every)
    told = "evaluated by several versions of attn: 0.1.0 (5 runs), 0.1.0+1a2b3c4d (1 runs)"
    assert told in rows(capsys)[1]


def test_a_seed_that_stands_twice_is_told(study, capsys):
    shutil.copytree(study / "sinusoidal-8", study / "again" / "sinusoidal-8")
    folders = (f"{one}sinusoidal-8/seed-{seed}" for one in ("again/", "") for seed in (1, 2, 3))
    told = f"one row, in which a seed stands twice and counts twice: {', '.join(folders)}"
    assert told in rows(capsys)[1]


def test_runs_of_other_data_in_one_row_are_told(study, capsys):
    (study / "sinusoidal-1a2b3c4d").mkdir()
    moved = study / "sinusoidal-1a2b3c4d" / "seed-2"
    (study / "sinusoidal-8" / "seed-2").rename(moved)
    why = "one row, though data, number format or plug-in are not the same: "
    runs_ = ("sinusoidal-1a2b3c4d/seed-2", "sinusoidal-8/seed-1", "sinusoidal-8/seed-3")
    assert f"{why}{', '.join(runs_)}" in rows(capsys)[1]


def test_searches_that_are_mixed_are_told(study, capsys):
    run = study / "sinusoidal-8" / "seed-1"
    every = read_json(run / "scores.json")
    entry = every["test_2016"].pop("beam step-10")
    del entry["sha256"]
    every["test_2016"]["greedy step-10"] = {**entry, "search": {"name": "greedy"}}
    write_json(run / "scores.json", every)
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**config, "search": {"name": "greedy"}}))
    told = "test translated in several ways: greedy (1 runs), beam (5 runs)"
    assert told in rows(capsys)[1]


def test_a_single_seed_is_taken_to_vary_as_those_beside_it(study, capsys):
    told = "p beside a single seed: that side is taken to vary over seeds as the other does"
    assert told not in compared(capsys, "baseline=model.dim=16")[0].splitlines()
    for seed in (2, 3):
        shutil.rmtree(study / "sinusoidal-16" / f"seed-{seed}")
    assert told in compared(capsys, "baseline=model.dim=16")[0].splitlines()


def test_what_is_not_evaluated_yet_is_weighed_by_dev(study, capsys):
    for seed in (1, 2, 3):
        (study / "sinusoidal-8" / f"seed-{seed}" / "scores.json").unlink()
    (one, other), _ = rows(capsys)
    assert (one["model.dim"], one["BLEU test"]) == ("8", "")
    assert "Pareto by dev" in one
    assert (one["Pareto by dev"], other["Pareto by dev"]) != ("", "")
    assert "Pareto" not in one


def test_numbers_of_programs_have_no_commas():
    assert [bare(cell) for cell in ("1,234.5", "21,856", "-", "a,b")] == [
        "1234.5", "21856", "", "a,b"
    ]  # fmt: skip


def test_parts_are_bounded(study):
    assert refused("by=length", "bounds=[3,2]") == [
        "bounds=[3, 2]: must be whole numbers from 1 on, each above the one before"
    ]


class Comet:
    """The model of the package, as far as it is used."""

    asked = 0

    def predict(self, texts, batch_size, gpus):
        Comet.asked += 1
        assert set(texts[0]) == {"src", "mt", "ref"}
        self.scores = [0.5 + 0.5 * (one["mt"] == one["ref"]) for one in texts]
        return self


def test_comet_is_asked_once(study, capsys, monkeypatch):
    module = type("comet", (), {
        "download_model": staticmethod(lambda name: name),
        "load_from_checkpoint": staticmethod(lambda _: Comet()),
    })  # fmt: skip
    monkeypatch.setitem(__import__("sys").modules, "comet", module)
    monkeypatch.setattr("attn.compare.comet.problems", list)
    (study / "sinusoidal-16" / "seed-3" / "translations" / "test_2016.src").unlink()
    lost = "COMET needs sources, translations and references; evaluate again: "
    for _ in range(2):
        (one, other), remarks = rows(capsys, "metrics=[comet]", "baseline=model.dim=16")
        assert remarks[0] == f"{lost}sinusoidal-16/seed-3"
        assert remarks[1] == "COMET Unbabel/wmt22-comet-da"
        assert 50 < float(one["COMET test"]) < 100
        assert other["COMET test runs"] == "2"
    assert Comet.asked == 5


def test_comet_without_its_model(study, capsys, monkeypatch):
    """As its package says that it cannot be fetched, whatever the reason."""

    def download_model(name):
        raise KeyError(f"Model '{name}' not supported by COMET.")

    module = type("comet", (), {"download_model": staticmethod(download_model)})
    monkeypatch.setitem(__import__("sys").modules, "comet", module)
    monkeypatch.setattr("attn.compare.comet.problems", list)
    monkeypatch.setattr("sys.argv", ["attn", "compare", f"runs={study}", "metrics=[comet]"])
    assert main() == 1
    assert capsys.readouterr().err == (
        "attn compare: COMET: its model Unbabel/wmt22-comet-da could not be fetched from "
        "huggingface.co; fetch it where there is a connection, and copy the folder that HF_HOME "
        "names\n"
    )
