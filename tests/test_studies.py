"""What reads the tables of studies and the figures of runs, in experiments/."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).parent.parent / "experiments"


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


@pytest.fixture
def study(tmp_path):
    """A study of these lines, with arguments, and with an attn that says what it is asked."""
    folder = tmp_path / "experiments" / "small"
    folder.mkdir(parents=True)
    shutil.copy(EXPERIMENTS / "begin.sh", folder.parent)
    program = tmp_path / "bin" / "attn"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" != status ] || cat states.csv\necho "$@" >> asked.txt\n')
    program.chmod(0o755)

    def run(lines, *arguments, states=(), **environment):
        begun = f'set -euo pipefail\nsource "$(dirname "$0")/../begin.sh"\n{lines}\n'
        (folder / "study.sh").write_text(begun)
        rows = [f"small,a,1,{state}" for state in states]
        (tmp_path / "states.csv").write_text("\n".join(["study,run,seed,state", *rows]))
        return subprocess.run(
            ["bash", folder / "study.sh", *arguments], cwd=tmp_path, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "ATTN": "bin/attn", **environment},
        )  # fmt: skip

    return run


def test_a_study_trains_and_scores_in_its_folder_and_says_where_its_tables_are(study, tmp_path):
    (tmp_path / "my runs" / "small" / "a-1" / "seed-1").mkdir(parents=True)
    trained = 'train small experiment=small "$@"\nevaluate small test,longer\n'
    done = study(
        f"{trained}table a.csv echo 1,2\nfinish",
        "seed=1",
        states=["finished", "planned"],
        OUT="my runs",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "tables, pictures and pages are in my runs/small-tables\n"
    assert (tmp_path / "asked.txt").read_text().splitlines() == [
        "train output=my runs study=small experiment=small seed=1",
        "status my runs/small format=csv",
        "evaluate -m run=choice('my runs/small/a-1/seed-1') split=test,longer samples=0",
    ]
    assert [file.name for file in (tmp_path / "my runs" / "small-tables").iterdir()] == ["a.csv"]


def test_a_study_does_not_score_runs_that_are_not_at_their_end(study):
    stopped = study("settle small", states=["finished", "interrupted"])
    assert stopped.returncode == 1
    assert stopped.stderr == (
        "outputs/small: has runs that are not at their end (attn status outputs/small names them); "
        "train them to it by the same command, delete them, or begin anew in OUT=FOLDER\n"
    )


def test_a_table_that_cannot_be_made_leaves_the_one_before(study, tmp_path):
    assert study("table a.csv echo 1\ntable a.csv false").returncode == 1
    assert (tmp_path / "outputs" / "small-tables" / "a.csv").read_text() == "1\n"


@pytest.mark.parametrize("argument", ["output=x", "study=x"])
def test_a_study_keeps_its_folders(study, argument):
    refused = study("", argument)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"{argument}: the study has folders of its own; OUT=FOLDER puts them elsewhere\n"
    )


def test_a_study_without_its_program_says_so(study):
    refused = study("", ATTN="bin/no")
    assert refused.returncode == 2
    assert refused.stderr == (
        "bin/no: there is no such program; run make install, or name another by ATTN=\n"
    )
