"""A sweep asked for again does what is left of it, and nothing twice."""

import importlib
import multiprocessing
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sweeping

from attn import claims, ledger, runs
from attn.cli import main

AXES = ["trainer.clip=1.0,2.0", "seed=1,2"]
EVERY = ["clip-1.0 1", "clip-1.0 2", "clip-2.0 1", "clip-2.0 2"]
ON = "the same command goes on with what is not finished"


@pytest.fixture
def sweep(tmp_path, monkeypatch, capsys, unchecked):
    """Runs a sweep of jobs that only leave files; its code, what began, and its last lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("attn.commands.train.run", sweeping.job)
    monkeypatch.setattr("attn.commands.train.check", lambda _: [])
    Path("data").write_text("text")

    def call(*arguments, options=sweeping.OPTIONS):
        Path("begun").write_text("")
        code = main(["train", *options, *arguments])
        said = capsys.readouterr()
        return code, Path("begun").read_text().splitlines(), said.out.splitlines(), said.err

    return call


@pytest.mark.long
def test_the_same_sweep_again_runs_what_is_left(sweep):
    assert sweep("-m", *AXES) == (0, EVERY, ["4 jobs: 4 finished"], "")
    assert sweep("-m", *reversed(AXES)) == (0, [], ["4 jobs: 4 finished before"], "")
    runs.set_status(Path("runs/one/clip-1.0/seed-2"), "interrupted")
    done = ["6 jobs: 3 finished, 3 finished before"]
    left = ["clip-1.0 2", "clip-1.0 3", "clip-2.0 3"]
    assert sweep("-m", AXES[0], "seed=1,2,3") == (0, left, done, "")
    longer = [*sweeping.OPTIONS[:2], "trainer.steps=23"]
    assert sweep("-m", *AXES, options=longer)[:2] == (0, EVERY)
    assert {len(text) for text in sweeping.saved().values()} == {20, 23}


@pytest.mark.long
def test_what_a_job_was_made_of_counts(sweep):
    def again(*more):
        return sweep("-m", "seed=1", *more)[1]

    assert again() == ["clip-1.0 1"]
    assert again() == []
    Path("data").write_text("other text")
    assert again() == ["clip-1.0 1"]
    Path("mine/experiment").mkdir(parents=True)
    part = Path("mine/experiment/own.yaml")
    part.write_text("# @package _global_\ntrainer:\n  clip: 2.0\n")
    assert again("--config-dir=mine") == ["clip-1.0 1"]
    assert again("--config-dir=mine") == []
    part.write_text("# @package _global_\ntrainer:\n  clip: 3.0\n")
    assert again("--config-dir=mine") == ["clip-1.0 1"]
    part.write_text(part.read_text() + "sweep:\n  seed: [1]\n")
    assert again("--config-dir=mine") == []
    Path("runs/one/.jobs/x.json").write_text("{")
    assert [one.state for one in ledger.entries(Path("runs/one"))] == ["finished"]


def test_torch_is_not_needed_to_see_that_nothing_is_left(sweep):
    assert sweep("-m", *AXES)[0] == 0
    arguments = ["train", *sweeping.OPTIONS, "-m", *AXES]
    code = f"import sys\nfrom attn.cli import main\nassert main({arguments}) == 0\n"
    code += "assert not {'torch', 'attn.commands.train'} & set(sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "4 jobs: 4 finished before\n"


def test_a_failed_job_stops_no_other(sweep):
    failed = "RuntimeError: the disk is full (sweeping.py, line 29)"
    code, begun, told, said = sweep("-m", "seed=13,14,1")
    assert (code, begun) == (1, ["clip-1.0 13", "clip-1.0 14", "clip-1.0 1"])
    assert told == [
        "3 jobs: 1 finished, 2 failed",
        f"  failed: seed=13: {failed}",
        "  failed: seed=14: seed=14: one; seed=14: other",
        ON,
    ]
    job = "output='runs' study=one trainer.steps=20 seed=13"
    assert said == (
        f"attn train {job}: failed: {failed}\nHYDRA_FULL_ERROR=1 before the command shows where\n"
        "seed=14: one\nseed=14: other\n"
    )
    assert sweep("-m", "seed=14,1")[0] == 2
    assert sweep("-m", "seed=13,2,3", "fail_fast=true")[:3] == (
        1,
        ["clip-1.0 13"],
        ["3 jobs: 1 failed, 2 not run", f"  failed: seed=13: {failed}", ON],
    )


def test_an_interrupted_sweep_says_how_it_goes_on(sweep):
    code, _, told, said = sweep("-m", "seed=1,15,2")
    assert (code, said) == (130, "interrupted\n")
    assert told == [
        "3 jobs: 1 finished, 1 interrupted, 1 not run", "  interrupted: seed=15", ON
    ]  # fmt: skip
    Path("patient").touch()
    assert sweep("-m", "seed=1,15,2")[1] == ["clip-1.0 15", "clip-1.0 2"]


@pytest.mark.long
def test_what_another_process_trains_is_passed_over(sweep):
    assert sweep("-m", "seed=1")[0] == 0
    run = Path("runs/one/clip-1.0/seed-1")
    runs.set_status(run, "running")
    with claims.claimed(run):
        why = f"{(run / '.claim').read_text()} trains {run}"
        code, begun, told, _ = sweep("-m", "seed=1,2")
        assert (code, begun) == (0, ["clip-1.0 2"])
        assert told == [
            f"passed over: seed=1: {why}",
            "2 jobs: 1 finished, 1 running elsewhere",
            f"  running elsewhere: seed=1: {why}",
        ]
        for entry in Path("runs/one/.jobs").iterdir():
            entry.unlink()  # so that only the job finds out
        told = sweep("-m", "seed=1")[2]
    job = "output=runs study=one trainer.steps=20 seed=1"
    assert told == ["1 job: 1 running elsewhere", f"  running elsewhere: {job}: {why}"]


@pytest.mark.parametrize(
    ("left", "begun", "counts"),
    [
        ("finished", ["clip-1.0 2"], "2 jobs: 1 finished, 1 finished before"),
        ("running", ["clip-1.0 2", "clip-1.0 1"], "2 jobs: 2 finished"),  # its process was killed
    ],
)
def test_what_another_process_had_is_looked_at_again(sweep, monkeypatch, left, begun, counts):
    assert sweep("-m", "seed=1")[0] == 0
    run = Path("runs/one/clip-1.0/seed-1")
    runs.set_status(run, "running")

    looks = iter(["process 7 on vm"] * 2)

    def holder(_):
        who = next(looks, None)
        runs.set_status(run, "running" if who else left)
        return who

    monkeypatch.setattr(claims, "holder", holder)
    told = [f"passed over: seed=1: process 7 on vm trains {run}", counts]
    assert sweep("-m", "seed=1,2")[:3] == (0, begun, told)


def test_jobs_that_found_their_runs_held_are_launched_again(sweep, monkeypatch):
    """Each in a batch of its own."""
    train = importlib.import_module("attn.commands.train")
    held, job = {1, 2}, train.run

    def run(cfg):
        if cfg.seed in held:
            held.remove(cfg.seed)
            raise claims.HeldError(["process 7 on vm"])
        return job(cfg)

    monkeypatch.setattr(train, "run", run)
    code, begun, told, _ = sweep("-m", "seed=1,2", "hydra.sweeper.max_batch_size=1")
    assert (code, begun) == (0, ["clip-1.0 1", "clip-1.0 2"])
    assert told == ["2 jobs: 2 finished"]


@pytest.mark.slow
def test_a_study_is_one_file(sweep):
    Path("mine/experiment").mkdir(parents=True)
    text = """\
    # @package _global_
    trainer:
      steps: 4
    sweep:
      position: [none, learned]
      seed: [1, 2]
      trainer.clip: 2.0
      plugins: null
    """
    Path("mine/experiment/own.yaml").write_text(textwrap.dedent(text))
    study = ["experiment=own", "output=runs", "--config-dir=mine"]
    assert sweep("seed=3", options=study)[1:3] == (["clip-2.0 3"] * 2, ["2 jobs: 2 finished"])
    assert sweep("sweep.seed=[4,5]", "position=none", options=study)[1] == [
        "clip-2.0 4", "clip-2.0 5"
    ]  # fmt: skip
    assert sweep("seed=3,6", "position=none", "trainer.clip=2.0,3.0", options=study)[1] == [
        "clip-3.0 3", "clip-2.0 6", "clip-3.0 6"
    ]  # fmt: skip
    assert sweep("sweep.seed=[1,x]", options=study)[3] == "seed=x: not of type int\n"
    assert sweep("sweep=[1]", options=study)[3].startswith("sweep=[1]: ")
    assert sweep("sweep=1", options=study)[3] == (
        "sweep=1: a section, not an option; its options are sweep.position, sweep.seed, "
        "sweep.trainer.clip, sweep.plugins\n"
    )
    axis = "trainer.steps is no axis of the experiment; to sweep it, write -m trainer.steps=A,B"
    assert sweep("sweep.trainer.steps=[2]", options=study)[3] == (
        f"sweep.trainer.steps=[2]: {axis}\n"
    )
    assert sweep("sweep.trainer.clip=null", "sweep.position=null", options=study)[1] == [
        "clip-1.0 1", "clip-1.0 2"
    ]  # fmt: skip
    assert sweep("sweep.trainer.clip=[5.0]", "sweep.position=null", "seed=1", options=study)[1] == [
        "clip-5.0 1"
    ]
    assert sweep("-m", "sweep.seed=1,2", options=study)[3] == (
        "sweep.seed=1,2: sweeps an axis; write -m seed=1,2 in its place\n"
    )


def test_a_job_that_is_asked_for_twice_runs_once(sweep):
    assert sweep("-m", "seed=1,1")[1:3] == (["clip-1.0 1"], ["1 job: 1 finished"])


def test_what_is_of_sweeps_is_refused_elsewhere(sweep):
    options = ["launcher=ray", "sweeper=basic", "fail_fast=true"]
    told = "".join(f"{one}: is of sweeps; add -m\n" for one in options)
    assert sweep(*options) == (2, [], [], told)


@pytest.mark.long
def test_a_plug_in_that_has_changed_counts(sweep, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("own_part", "own_help"):
        Path(f"{name}.py").write_text("")
    Path("own_part.py").write_text("import own_help\n")
    asked = ("-m", "plugins=[own_part]", "seed=1")
    assert [len(sweep(*asked)[1]) for _ in range(2)] == [1, 0]
    Path("own_help.py").write_text("# more\n")
    assert len(sweep(*asked)[1]) == 1


@pytest.mark.long
def test_several_studies_have_a_ledger_each(sweep):
    options = ["output=runs", "trainer.steps=2"]
    assert sweep("-m", "experiment=smoke,demo", options=options)[0] == 0
    assert sweep("-m", "experiment=smoke,demo", options=options)[1] == []
    assert len(list(Path("runs").glob("*/.jobs/*.json"))) == 2


@pytest.fixture(scope="module")
def start():
    """Starts a sweep in a process that has all modules loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sweeping", "attn.launch", "attn.commands.train"])

    def begin(*arguments):
        process = context.Process(target=sweeping.train, args=(arguments,))
        process.start()
        return process

    return begin


@pytest.mark.long
def test_a_killed_sweep_goes_on(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACE", "0.02")
    Path("data").touch()
    draw, kills = random.Random(1), 0
    while kills < 2:
        process = start("-m", *AXES)
        while len(sweeping.saved()) <= kills and process.is_alive():
            process.join(0.01)
        kills += sweeping.killed(process, draw.uniform(0, 0.3))
    process = start("-m", *AXES)
    process.join()
    assert process.exitcode == 0
    assert sweeping.saved() == {
        f"runs/one/{clip}/seed-{seed}": sweeping.whole(clip, seed)
        for clip, seed in (("clip-1.0", 1), ("clip-1.0", 2), ("clip-2.0", 1), ("clip-2.0", 2))
    }
    assert "finished before" in Path(f"said-{process.pid}").read_text()


@pytest.mark.long
def test_two_sweeps_at_once_run_no_job_twice(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACE", "0.02")
    Path("data").touch()
    both = [start("-m", *AXES) for _ in range(2)]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    steps = Path("steps").read_text().splitlines()
    assert len(steps) == len(set(steps)) == 4 * 20
