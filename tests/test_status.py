"""How far runs are, told from their files alone."""

import csv
import io
import json
import subprocess
import sys

import pytest

from attn import claims, ledger, progress, runs
from attn.cli import main
from attn.files import write_json


def leave(folder, seed, state, *, step=10, steps=40, minutes=None, **details):
    """A run as a training has left it at a step, of a minute a step."""
    run = folder / "one" / "tiny-0123abcd" / f"seed-{seed}"
    trainer = {"steps": steps, "minutes": minutes}
    runs.save_config(run, {"seed": seed, "trainer": trainer})
    runs.set_status(run, state, **details)
    lines = [
        {"step": step // 2, "group": "dev", "BLEU": 11.0, "minutes": step / 2},
        {"step": step, "group": "train", "minutes": float(step)},
        {"step": step, "group": "dev", "BLEU": 12.5, "minutes": float(step)},
    ]
    text = "".join(f"{json.dumps(one)}\n" for one in lines)
    (run / "metrics.jsonl").write_text(f'{text}{{"gro')
    return run


def plan(folder, *arguments, state="planned", run=None, why=""):
    job = ledger.Entry(folder / "one", list(arguments), "digest", run)
    job.save(state, why)
    return job


def shown(capsys, *arguments):
    assert main(["status", *map(str, arguments)]) == 0
    said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(said.out))), said.err


def test_every_state_has_its_row(tmp_path, capsys):
    leave(tmp_path, 1, "finished", step=40)
    running = leave(tmp_path, 2, "running")
    leave(tmp_path, 3, "running")  # by a process that is gone
    leave(tmp_path, 4, "failed", error="ValueError: no")
    leave(tmp_path, 5, "finished", step=20)
    plan(tmp_path, "position=none", "seed=6")
    plan(tmp_path, "seed=7", state="failed", why="no data")
    plan(tmp_path, "seed=5", run="tiny-0123abcd/seed-5")
    plan(tmp_path, "seed=1", run="tiny-0123abcd/seed-1", state="finished")
    with claims.claimed(running):
        rows, counts = shown(capsys, tmp_path, "format=csv")
    states = {row["seed"]: row["state"] for row in rows}
    assert states == {
        "1": "finished", "2": "running", "3": "interrupted", "4": "failed", "5": "planned",
        "6": "planned", "7": "failed",
    }  # fmt: skip
    assert counts == (
        "2 planned, 1 running, 1 interrupted, 1 finished, 2 failed; "
        "about 2 h 20 min of training left\n"
    )
    by_seed = {row["seed"]: row for row in rows}
    assert by_seed["2"] | {"since": ""} == {
        "study": "one", "run": "tiny-0123abcd", "seed": "2", "state": "running", "step": "10",
        "steps": "40", "seconds left": "1800.0", "dev BLEU": "12.5", "since": "", "why": "",
    }  # fmt: skip
    assert (by_seed["4"]["why"], by_seed["7"]["why"]) == ("ValueError: no", "no data")
    assert (by_seed["6"]["run"], by_seed["6"]["step"]) == ("position=none", "")


def test_an_interrupted_run_is_where_it_was_saved(tmp_path, capsys):
    for seed, state, saved in (1, "interrupted", (5, 12)), (2, "running", (5, 8)):
        run = leave(tmp_path, seed, state)
        for step in saved:
            (run / "checkpoints" / f"step-{step}").mkdir(parents=True)
    with claims.claimed(run):
        rows, _ = shown(capsys, tmp_path, "format=csv")
    assert [row["step"] for row in rows] == ["12", "10"]


def test_jobs_are_told_by_what_differs_in_their_study(tmp_path, capsys):
    for seed in (10, 9):
        plan(tmp_path, "experiment=demo", f"seed={seed}", "position=none")
        plan(tmp_path, "experiment=demo", f"seed={seed}", "position=rope")
    assert main(["status", str(tmp_path), "format=json"]) == 0
    told = [(row["study"], row["run"], row["seed"]) for row in json.loads(capsys.readouterr().out)]
    assert told == [
        ("one", f"position={name}", seed) for name in ("none", "rope") for seed in (9, 10)
    ]
    ledger.Entry(tmp_path / "two", ["experiment=demo", "seed=1"], "digest").save("planned")
    assert main(["status", str(tmp_path)]) == 0
    first, *_, last, _ = capsys.readouterr().out.splitlines()
    assert first.split() == ["study", "run", "seed", "state", "since"]
    assert last.split()[:4] == ["two", "experiment=demo", "1", "planned"]


def test_time_may_end_a_run_before_its_steps(tmp_path, capsys):
    leave(tmp_path, 1, "interrupted", minutes=12.0)
    leave(tmp_path, 2, "interrupted", step=50, steps=40)
    rows, _ = shown(capsys, tmp_path, "format=csv")
    assert [row["seconds left"] for row in rows] == ["120.0", "0.0"]


def test_people_read_words_and_no_empty_columns(tmp_path, capsys):
    run = leave(tmp_path, 1, "interrupted", steps=1000)
    since = runs.read_status(run)["since"][:16].replace("T", " ")
    assert main(["status", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "run            seed  state        step  steps  left         dev BLEU  since",
        f"tiny-0123abcd  1     interrupted  10    1,000  16 h 30 min  12.5      {since}",
        "1 interrupted; about 16 h 30 min of training left",
    ]
    assert main(["status", str(tmp_path), "format=markdown"]) == 0
    assert "| 16 h 30 min | 12.5 |" in capsys.readouterr().out


def test_what_is_left_of_jobs_that_wait_is_known_when_one_is_finished(tmp_path, capsys):
    plan(tmp_path, "seed=6")
    leave(tmp_path, 2, "interrupted")
    assert shown(capsys, tmp_path, "format=csv")[1] == "1 planned, 1 interrupted\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59.4, "59 s"), (60.0, "1 min"), (3598.0, "59 min"), (3661.0, "1 h 01 min")],
)
def test_durations(seconds, words):
    assert progress._words(seconds) == words


def test_what_cannot_be_read_is_unknown(tmp_path, capsys):
    run = leave(tmp_path, 1, "finished")
    (run / "config.yaml").write_text("trainer: 5\n")
    (run / "status.json").write_text("{")
    (run / "metrics.jsonl").unlink()
    assert main(["status", f"runs=[{tmp_path}]", "format=json"]) == 0
    said = capsys.readouterr()
    [row] = json.loads(said.out)
    assert (row["state"], row["step"], row["steps"]) == ("unreadable status.json", None, None)
    assert said.err == "1 unreadable status.json\n"


def test_lines_of_figures_that_are_none_are_told(tmp_path, capsys):
    run = leave(tmp_path, 1, "finished", step=40)
    file = run / "metrics.jsonl"
    file.write_text(f'5\n{{"step": "x"}}\ngarbage\n{{"step": 0}}\n{file.read_text()}')
    [row], said = shown(capsys, tmp_path, "format=csv")
    assert row["step"] == "40"
    assert said.splitlines()[:-1] == [
        f"{file}, line {number}: is not as it was written, and left out" for number in (1, 2, 3, 4)
    ]


def test_a_dead_run_stands_since_its_last_heartbeat(tmp_path, capsys):
    run = leave(tmp_path, 1, "running")
    write_json(run / "status.json", {"state": "running", "since": "long ago", "heartbeat": 0.0})
    rows, _ = shown(capsys, tmp_path, "format=csv")
    assert rows[0]["since"] == runs.clock(0.0)


def test_wrong_requests_are_named(tmp_path, capsys):
    assert main(["status", "nowhere", "format=html"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "format=html: unknown; choose one of csv, json, markdown, terminal",
        "runs=nowhere: there is no such folder",
    ]
    assert main(["status", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said == f"runs={tmp_path}: holds no run, and no sweep has planned any in it\n"
    assert main(["status"]) == 2
    assert capsys.readouterr().err == "runs: needs a value; write runs=VALUE\n"


def test_torch_is_not_needed(tmp_path):
    leave(tmp_path, 1, "finished")
    code = (
        f"import sys\nfrom attn.cli import main\nassert main(['status', {str(tmp_path)!r}]) == 0\n"
    )
    code += "assert 'torch' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
