"""Sweeps whose variants spend alike and have as many trials: what is refused, set, told, chosen."""

import json
import re
from pathlib import Path

import direct
import hydra
import pytest
from test_tuning import leave

from attn import ledger, overrides, plugins, sweeps, trials
from attn.cli import main
from attn.commands import evaluate
from attn.matching import kept, pace
from attn.registry import RunError
from attn.sweeps import fairness, tuned
from attn.sweeps.variants import groups

RATE = "optimizer.learning_rate"
RATES = f"{RATE}=0.001,0.003"
KINDS = "softmax,linear"


pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.fixture
def preflight():
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        plugins.store_sections()
        yield direct.preflight("train")


def cells(lines):
    return [re.split(r" {2,}", line) for line in lines]


def given_of(preflight, *arguments):
    given, problems = overrides.parse(["experiment=smoke", *arguments])
    assert problems == []
    return preflight.placed(given)[0]


def planned_of(preflight, *arguments):
    return sweeps._planned(preflight, given_of(preflight, *arguments), "digest")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            ["attention=softmax,linear", "match=params,flops"],
            ["match=params,flops: takes one value, for all jobs of a sweep"],
        ),
        (
            ["seed=1,2", "match=params"],
            ["match=params: there is one variant alone; sweep something beside seeds"],
        ),
        (
            ["attention=softmax,linear", "match=params", "model.feedforward_dim=64"],
            [
                "model.feedforward_dim=64: match=params solves for model.feedforward_dim; "
                "leave one of them out"
            ],
        ),
        (
            ["model=tiny,recurrent", "match=flops", "model.dim=64,128"],
            ["model.dim=64,128: match=flops solves for model.dim; leave one of them out"],
        ),
        (
            ["attention=softmax,linear", "match=time", "trainer.minutes=5", "trainer.steps=3,4"],
            [
                "match=time: trainer.minutes=5 may end training before the steps that are solved "
                "for; leave it null",
                "trainer.steps=3,4: match=time solves for trainer.steps; leave one of them out",
            ],
        ),
        (
            ["attention=softmax,linear", "match=tokens", "batches.tokens=auto"],
            [
                "match=tokens: batches.tokens=auto is settled in training; give a number of tokens",
            ],
        ),
        (["model.dim=16,32", "match=params"], []),
        (["attention=softmax,linear", "match=tokens", "trainer.steps=3"], []),
        (["attention=softmax,linear", "match=params", "batches.tokens=auto"], []),
        (
            [RATES, f"tuned=[{RATE},schedule]"],
            [f"tuned=[schedule]: is not swept; choose one of {RATE}"],
        ),
        (
            ["seed=1,2", f"tuned=[seed,{RATE}]"],
            [
                "tuned=[seed]: seeds are no trials to choose from; leave it out",
                f"tuned=[{RATE}]: is not swept; write {RATE}=ONE,OTHER",
            ],
        ),
        ([RATES, f"tuned=[{RATE}]", "seed=1,2"], []),
        (
            [f"{RATE}=interval(0.001,0.1)", f"tuned=[{RATE}]", "match=params"],
            [
                "match=params: its jobs must be known beforehand; take sweeper=basic",
                f"tuned=[{RATE}]: its jobs must be known beforehand; take sweeper=basic",
            ],
        ),
    ],
)
def test_what_cannot_be_had_is_refused(preflight, arguments, lines):
    given = given_of(preflight, *arguments)
    assert sweeps.problems("train", preflight, given, sweeping=True) == lines


def test_a_single_job_has_no_variants(preflight):
    given = given_of(preflight, "match=params", "tuned=[seed]")
    assert sweeps.problems("train", preflight, given, sweeping=False) == [
        "match=params: is for the variants of a sweep; add -m and options to sweep",
        "tuned=[seed]: is for the variants of a sweep; add -m and options to sweep",
    ]
    assert sweeps.problems("evaluate", preflight, given, sweeping=False) == []


def test_values_that_are_none(capsys):
    assert main(["train", "experiment=smoke", "match=parms", "tuned=[3]"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "match=parms: unknown; did you mean 'params'? choose one of flops, params, time, tokens",
        "tuned=[3]: must be the key of a swept option",
    ]


def test_variants_are_told_apart_by_what_is_compared(preflight):
    planned = planned_of(preflight, f"attention={KINDS}", RATES, "seed=1,2", "model.heads=2")
    found = groups(planned, [RATE])
    assert [one.label for one in found] == ["attention=softmax", "attention=linear"]
    assert [len(one.jobs) for one in found] == [4, 4]
    assert [one.label for one in groups(planned)][:2] == [
        f"attention=softmax {RATE}=0.001", f"attention=softmax {RATE}=0.003"
    ]  # fmt: skip
    assert [one.label for one in groups(planned[:2])] == ["all runs"]


def test_what_is_solved_is_told_kept_and_an_argument_of_each_job(
    preflight, tmp_path, capsys, monkeypatch
):
    asked = [f"output={tmp_path}", "attention=softmax,mla", "seed=1,2", RATES, "match=params"]
    planned = planned_of(preflight, *asked, f"tuned=[{RATE}]")
    assert fairness.known(preflight, planned, "digest") is None
    found = fairness.settle(preflight, planned, "digest")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "match=params: what the variants spend, beside attention=softmax"
    assert cells(said[1:4]) == [
        ["variant", "set to", "parameters", "difference"],
        ["attention=softmax", "-", "21,760", "+0.00 %"],
        ["attention=mla", "model.feedforward_dim=40", "21,712", "-0.22 %"],
    ]
    assert said[4:] == [
        f"tuned {RATE}: 2 trials of 2 variants, 2 seeds: 160 steps in all",
    ]
    mla = [job for job in found if "attention=mla" in job.entry.arguments]
    assert len(mla) == 4
    assert all("model.feedforward_dim=40" in job.entry.arguments for job in mla)
    assert all(preflight.config(job.arguments).model.feedforward_dim == 40 for job in mla)
    [solved] = json.loads((tmp_path / "smoke" / "match.json").read_text())["sweeps"]
    assert solved["jobs"][1] == [job.entry.name for job in mla]
    # The same sweep again is as it was, once the test of what was chosen is reported.
    assert fairness.known(preflight, planned, "digest") is None
    trials.keep(tmp_path / "smoke", tuned.sweep_of(found), [RATE], reported=True)
    assert fairness.known(preflight, planned, "digest") == found
    assert fairness.known(preflight, planned, "other") is None


def test_a_difference_that_remains_is_told(preflight, tmp_path, capsys):
    fairness.settle(
        preflight,
        planned_of(preflight, f"output={tmp_path}", "model=tiny,recurrent", "match=params"),
        "digest",
    )
    assert capsys.readouterr().out.splitlines()[-1] == (
        "model=recurrent differs by -1.0 %: of model.dim, 32 gives -1.0 % and 34 gives +11.4 %, "
        "and nothing between them can be built"
    )


def test_time_is_measured_once(preflight, tmp_path, monkeypatch, capsys):
    measured = []

    def seconds(configs, _):
        measured.append([one["attention"]["name"] for one in configs])
        return [{"softmax": 0.1, "linear": 0.2, "gqa": 0.4}[name] for name in measured[-1]]

    monkeypatch.setattr(pace, "seconds", seconds)

    def steps(names, *more):
        asked = [f"output={tmp_path}", f"attention={names}", "seed=1,2", "match=time", *more]
        found = fairness.settle(preflight, planned_of(preflight, *asked), "digest")
        return [preflight.config(job.arguments).trainer.steps for job in found]

    assert steps("softmax,linear") == [20, 20, 10, 10]
    assert cells(capsys.readouterr().out.splitlines())[1][2] == "seconds of training"
    assert steps("softmax,linear") == [20, 20, 10, 10]
    assert measured == [["softmax", "linear"]]
    assert steps("softmax,linear,gqa") == [20, 20, 10, 10, 5, 5]
    assert measured[1:] == [["softmax", "gqa"]]
    assert steps("softmax,linear", "trainer.steps=8") == [8, 8, 4, 4]
    [_, names] = kept.load(tmp_path / "smoke")[-1].jobs
    job = ["experiment=smoke", "attention=linear", "seed=1", "trainer.steps=4"]
    assert ledger.name_of(job) in names


@pytest.mark.parametrize(
    ("kind", "spent"), [("flops", "FLOPs of a step"), ("tokens", "target tokens")]
)
def test_what_is_spent_is_named(preflight, tmp_path, capsys, kind, spent):
    asked = [f"output={tmp_path}", "attention=softmax,linear", "model.dim=8", f"match={kind}"]
    fairness.settle(preflight, planned_of(preflight, *asked), "digest")
    assert spent in capsys.readouterr().out.splitlines()[1]


@pytest.fixture
def trained(preflight, tmp_path, monkeypatch):
    """A tuned sweep of which every job has a run; the jobs, the runs by job, what is evaluated."""
    study = tmp_path / "smoke"
    asked = [f"output={tmp_path}", f"attention={KINDS}", RATES, f"tuned=[{RATE}]"]
    planned = planned_of(preflight, *asked)
    trials.keep(study, tuned.sweep_of(planned), [RATE])
    scores, runs = iter([1.0, 2.0, 4.0, 3.0]), {}
    for job in planned:
        cfg = preflight.config(job.arguments)
        name, rate = cfg.attention.name, cfg.optimizer.learning_rate
        run = leave(study, attention=name, rate=rate, score=next(scores))
        job.entry.run = str(run.relative_to(study))
        job.entry.save("finished")
        runs[name, rate] = run
    evaluated = []

    def note(cfg):
        evaluated.append((Path(cfg.run), cfg.split, cfg.precision.threads))

    monkeypatch.setattr(evaluate, "check", lambda _: [])
    monkeypatch.setattr(evaluate, "run", note)
    return planned, runs, evaluated


def test_the_test_of_what_is_chosen_is_reported_once(preflight, trained, capsys, monkeypatch):
    planned, runs, evaluated = trained
    study = planned[0].entry.study
    assert fairness.known(preflight, planned, "digest") is None
    assert fairness.finish(preflight, planned, "digest") == 0
    assert cells(capsys.readouterr().out.splitlines()) == [
        ["variant", "chosen", "score on dev", "of trials"],
        ["attention=linear", f"{RATE}=0.001", "4.00", "2"],
        ["attention=softmax", f"{RATE}=0.003", "2.00", "2"],
    ]
    best = [runs["linear", 0.001], runs["softmax", 0.003]]
    assert [one[:2] for one in evaluated] == [(run, "test") for run in best]
    assert trials.reported(study, tuned.sweep_of(planned))
    assert fairness.known(preflight, planned, "digest") == planned
    monkeypatch.setattr("attn.compare.reading.Run.score", lambda *_: 1.0)
    assert fairness.finish(preflight, planned, "digest") == 0
    assert len(evaluated) == 2


def test_a_test_waits_for_all_trials(preflight, trained, capsys):
    planned, runs, evaluated = trained
    (runs["linear", 0.003] / "status.json").write_text('{"state": "interrupted"}')
    assert fairness.finish(preflight, planned, "digest") == 0
    waits = "attention=linear: not every trial is finished, test waits"
    assert capsys.readouterr().out.splitlines()[-1] == waits
    assert [one[0] for one in evaluated] == [runs["softmax", 0.003]]
    assert not trials.reported(planned[0].entry.study, tuned.sweep_of(planned))


def test_a_test_that_fails_is_told_and_the_others_reported(preflight, trained, capsys, monkeypatch):
    planned, runs, _ = trained
    ran = []

    def fail(cfg):
        ran.append(cfg.run)
        raise RunError("the disk is full")

    monkeypatch.setattr(evaluate, "run", fail)
    assert fairness.finish(preflight, planned, "digest") == 1
    assert len(ran) == 2
    line = f"attn evaluate run={runs['linear', 0.001]}: the disk is full"
    assert line in capsys.readouterr().err.splitlines()
    monkeypatch.setattr(evaluate, "check", lambda _: ["split=test: the corpus has none"])
    assert fairness.finish(preflight, planned, "digest") == 2
    assert "split=test: the corpus has none" in capsys.readouterr().err.splitlines()
    assert not trials.reported(planned[0].entry.study, tuned.sweep_of(planned))


def test_nothing_is_tuned_without_being_asked_for(preflight, tmp_path, capsys):
    planned = planned_of(preflight, f"output={tmp_path}", RATES)
    assert fairness.settle(preflight, planned, "digest") == planned
    assert fairness.finish(preflight, planned, "digest") == 0
    assert fairness.known(preflight, planned, "digest") == planned
    tuned_ = planned_of(preflight, f"output={tmp_path}", RATES, f"tuned=[{RATE}]")
    assert fairness.finish(preflight, tuned_, "digest") == 0  # no run is known of
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_sweep_from_its_budget_to_its_test(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["experiment=smoke", "trainer.steps=4", "trainer.evaluate_every=2"]
    command = ["train", "-m", *small, "attention=softmax,mla", RATES]
    command += ["match=params", f"tuned=[{RATE}]", "precision.threads=1"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "4 jobs: 4 finished" in said
    assert said.count("split   test: ") == 2
    left = sorted(Path("outputs/smoke").glob("*/seed-1/scores.json"))
    assert len(left) == 2
    solved = sorted(Path("outputs/smoke").glob("*/seed-1/match.json"))
    assert len(solved) == 4
    assert "match" not in (left[0].parent / "config.yaml").read_text()
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 jobs: 4 finished before"
    assert ledger.entries(Path("outputs/smoke"))
