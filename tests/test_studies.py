"""The studies of experiments/: what runs them, and what reads their tables and runs."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
TRAININGS = {
    "positions": 2, "multi30k": 2, "table3": 20, "why_attention": 3, "attention_variants": 4,
}  # fmt: skip
CONF = EXPERIMENTS.parent / "conf" / "experiment"


def script(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, EXPERIMENTS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_groups_of_a_table_have_words_means_and_deviations(tmp_path):
    title = "BLEU 5-8 words (182)"
    (tmp_path / "a.csv").write_text(
        f"model,{title},{title} deviation,{title} runs,BLEU 9- words (3)\n"
        "tiny,91.25,1.5,3,80\nbahdanau,94.5,,1,90\n"
    )
    drawing = script("by_length.py")
    assert drawing.variants(tmp_path / "a.csv", "model") == {
        "tiny": [("5-8\n(182)", 91.25, 1.5)],
        "bahdanau": [("5-8\n(182)", 94.5, 0.0)],
    }
    drawing.draw(tmp_path / "a.png", "model", ["one: a.csv a.csv", "other: a.csv"])
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_first_step_with_so_much_bleu(tmp_path):
    run = tmp_path / "transformer-softmax-0123abcd" / "seed-2"
    run.mkdir(parents=True)
    lines = [
        {"group": "dev", "step": 50, "BLEU": 49.9},
        {"group": "train", "step": 60, "loss": 1.0},
        {"group": "dev", "step": 100, "BLEU": 50.0},
        {"group": "dev", "step": 150, "BLEU": 40.0},
    ]
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    (run / "config.yaml").write_text("attention: {name: softmax}\ncross_attention: {name: sink}\n")
    steps = script("attention_variants/steps_to.py")
    assert list(steps.rows(tmp_path, 50.0)) == [["softmax", "sink", "2", 100]]
    assert list(steps.rows(tmp_path, 51.0)) == [["softmax", "sink", "2", None]]


def test_what_differs_as_in_the_paper_agrees_unless_it_may_be_chance():
    agrees = script("table3/directions.py").agrees
    assert agrees(-0.9, -3.0, "0.02") == "yes"
    assert agrees(-0.9, 3.0, "<0.001'") == "no"
    assert agrees(-0.9, -3.0, "0.05'") == "open"
    assert agrees(-0.2, -3.0, "0.02") == "yes"
    assert agrees(-0.1, -3.0, "0.02") == agrees(0.1, 3.0, "0.02") == "none there"
    assert agrees(0.0, 3.0, "<0.001") == "none there"


def test_each_small_row_of_table_3_is_found_in_the_table_of_a_comparison():
    study = script("table3/directions.py")
    rows = [one["what differs here"] for one in study.table(study.ROWS)]
    assert len(rows) == 20
    assert rows.count("") == 1
    results = [study.BASE | dict(one.split("=") for one in row.split()) for row in rows]
    assert all(one.keys() == study.BASE.keys() for one in results)
    for one in results:
        del one["model.decoder_layers"]  # differs as model.encoder_layers does
    assert [study.result(row, results) for row in rows] == results
    with pytest.raises(SystemExit, match=r"^the results have 0 rows of: position=learned$"):
        study.result("position=learned", results[:1])


def test_all_scores_of_a_study_by_seed(tmp_path):
    run = tmp_path / "recurrent-additive-none-0123abcd" / "seed-2"
    run.mkdir(parents=True)
    scores = {
        name: {"score": score, "signature": ""}
        for name, score in (("BLEU", 71.234), ("chrF", 80.0), ("TER", 20.5))
    }
    of = {**scores, "checkpoint": {"name": "best", "step": 800}}
    beside = {**of, "attention": {"alignment_error_rate": 0.12345}}
    (run / "scores.json").write_text(
        json.dumps({"test": {"beam best": beside, "greedy best": of}, "longer": {}})
    )
    rows = list(script("scores.py").rows(tmp_path))
    figures = [800, 71.23, 80.0, 20.5]
    assert rows == [
        ["recurrent-additive-none", "2", "test", "beam best", *figures, 0.1235],
        ["recurrent-additive-none", "2", "test", "greedy best", *figures, None],
    ]


def test_the_dev_curves_of_a_study(tmp_path):
    run = tmp_path / "transformer-softmax-0123abcd" / "seed-1"
    run.mkdir(parents=True)
    dev = {"group": "dev", "loss": 5.5151, "BLEU": 1.664, "chrF": 14.2}
    lines = [{**dev, "step": 200}, {"group": "train", "step": 250, "loss": 5.0}]
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    curve = script("multi30k/curve.py")
    assert list(curve.rows(tmp_path)) == [["1", 200, 5.515, 1.66, 14.2]]


# An attn that keeps what it is asked, and makes the folder of a run where it trains.
ATTN = """#!/bin/sh
printf '%s|' "$@" >> asked.txt
echo >> asked.txt
case $1 in
  status) [ -e states.csv ] && cat states.csv ;;
  train) for one in "$@"; do
      case $one in output=*) out=${one#*=} ;; study=*) name=${one#*=} ;; esac
    done
    cat; mkdir -p "$out/$name/recurrent-additive-none-1/seed-2" ;;
esac
"""
ELSEWHERE = "the study has folders of its own; OUT=FOLDER puts them elsewhere"
FINISHED = 'study,run,seed,state\nsmall,"a,b",1,finished\nsmall,c,1,planned\n'


@pytest.fixture
def study(tmp_path):
    """Run a study, or some lines as one, with arguments, below a stub of attn."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "attn").write_text(ATTN)
    (programs / "attn").chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    (tmp_path / "states.csv").write_text(FINISHED)

    def run(lines, *arguments, **environment):
        script = EXPERIMENTS / lines / "study.sh"
        if not script.exists():
            script = tmp_path / "experiments" / "small" / "study.sh"
            script.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(EXPERIMENTS / "begin.sh", script.parent.parent)
            begin = 'source "$(dirname "$0")/../begin.sh"'
            script.write_text(f"set -euo pipefail\nown=seed\n{begin}\n{lines}\n")
        return subprocess.run(
            ["bash", script, *arguments], cwd=tmp_path, capture_output=True, text=True, input="no",
            env={"PATH": f"{programs}:/usr/bin:/bin", "ATTN": "bin/attn", **environment},
        )  # fmt: skip

    return run


def test_a_study_trains_and_scores_in_its_folder_and_says_where_its_tables_are(study, tmp_path):
    trained = 'train small experiment=small "$@"\nevaluate small test,longer\n'
    done = study(f"{trained}table a.csv echo 1,2\nfinish", "text=a b", OUT="my runs")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "tables, pictures and pages are in my runs/small-tables\n"
    run = "my runs/small/recurrent-additive-none-1/seed-2"
    assert (tmp_path / "asked.txt").read_text().splitlines() == [
        "train|-m|output=my runs|study=small|experiment=small|text=a b|",
        "status|my runs/small|format=csv|",
        f"evaluate|-m|run=choice('{run}')|split=test,longer|samples=0|",
    ]
    assert [file.name for file in (tmp_path / "my runs" / "small-tables").iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", [file.parent.name for file in EXPERIMENTS.glob("*/study.sh")])
def test_every_study_goes_to_its_end(study, tmp_path, name):
    python = tmp_path / "bin" / "python"  # for tables and pictures of nothing
    python.unlink()
    python.write_text(f'#!/bin/sh\n[ "$1" != -c ] || exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    done = study(name, "precision.threads=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"tables, pictures and pages are in outputs/{name}-tables\n"
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    trained = [line.split("|") for line in asked if line.startswith("train|")]
    assert len(trained) == TRAININGS[name]
    assert all("precision.threads=1" in words for words in trained)
    for line in asked:
        for word in line.split("|"):
            if word.startswith("experiment="):
                assert (CONF / f"{word.removeprefix('experiment=')}.yaml").exists()
            if name == "positions" and word.startswith("dataset="):
                assert word in {"dataset=copy", "dataset=reverse"}


def test_a_study_waits_for_what_others_train(study, tmp_path):
    (tmp_path / "states.csv").write_text("study,run,seed,state\nsmall,a,1,running\n")
    sleep = tmp_path / "bin" / "sleep"
    sleep.write_text("#!/bin/sh\nprintf 'study,run,seed,state\\na,a,1,finished\\n' > states.csv\n")
    sleep.chmod(0o755)
    done = study("settle small\necho done")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("waiting for runs of outputs/small that another process trains\ndone\n")


@pytest.mark.parametrize("state", ["interrupted", "failed", "unreadable status.json"])
def test_a_study_does_not_score_runs_that_are_not_at_their_end(study, tmp_path, state):
    (tmp_path / "states.csv").write_text(
        f'study,run,seed,state\na,"a,b",1,{state}\na,a,1,finished\n'
    )
    stopped = study("settle small")
    assert stopped.returncode == 1
    assert stopped.stderr == (
        "outputs/small: has runs that are not at their end (attn status outputs/small names them); "
        "train them to it by the same command, delete them, or begin anew in OUT=FOLDER\n"
    )


def test_a_study_ends_where_the_states_of_its_runs_are_not_known(study, tmp_path):
    (tmp_path / "states.csv").unlink()
    done = study("train small\nevaluate small test\necho done")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_table_that_cannot_be_made_leaves_the_one_before(study, tmp_path):
    assert study("table a.csv echo 1\ntable a.csv false").returncode == 1
    (left,) = (tmp_path / "outputs" / "small-tables").iterdir()
    assert (left.name, left.read_text()) == ("a.csv", "1\n")


@pytest.mark.parametrize(
    ("name", "argument", "environment", "message"),
    [
        ("", "output=x", {}, f"output=x: {ELSEWHERE}"),
        ("", "study=x", {}, f"study=x: {ELSEWHERE}"),
        ("", "seed=1", {}, "seed=1: the study sets seed itself"),
        ("table3", "model.dropout=0", {}, "model.dropout=0: the study sets model.dropout itself"),
        ("", "", {"OUT": "it's"}, "OUT=it's: holds a quote; give a folder without one"),
        ("", "", {"ATTN": "bin/no"},
         "bin/no: there is no such program; run make install, or name another by ATTN="),
        ("", "", {"ATTN": "/bin/true"},
         "{true}: there is no python beside it; name the attn of a venv by ATTN="),
        ("positions", "", {"TASKS": "copy,reverse"},
         "TASKS=copy,reverse: copy,reverse is none of: copy reverse; several are parted by spaces"),
        ("multi30k", "", {"TEXTS": "rough"},
         "TEXTS=rough: rough is none of: tokenized raw; several are parted by spaces"),
    ],
)  # fmt: skip
def test_what_a_study_refuses(study, tmp_path, name, argument, environment, message):
    if environment.get("ATTN") == "/bin/true":
        alone = tmp_path / "alone" / "true"
        alone.parent.mkdir()
        shutil.copy("/bin/true", alone)
        environment, message = {"ATTN": str(alone)}, message.format(true=alone)
    refused = study(name or "finish", *argument.split(), **environment)
    assert (refused.returncode, refused.stderr) == (2, f"{message}\n")
    assert not (tmp_path / "asked.txt").exists()
