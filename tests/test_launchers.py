"""Sweeps by the launchers and the sweeper of other packages, as far as one machine goes."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from attn import claims, ledger, runs
from attn.cli import main
from attn.registry import ConfigError
from attn.sweeps import outcomes, planning, running
from attn.sweeps.optuna import alone
from attn.sweeps.outcomes import Outcome

SMALL = ["experiment=smoke", "trainer.steps=2", "trainer.evaluate_every=2"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("part", "name", "package"),
    [
        ("launcher", "joblib", "hydra-joblib-launcher"),
        ("launcher", "submitit", "hydra-submitit-launcher"),
        ("launcher", "slurm", "hydra-submitit-launcher"),
        ("launcher", "ray", "hydra-ray-launcher"),
        ("sweeper", "optuna", "hydra-optuna-sweeper"),
    ],
)
def test_what_is_not_installed_is_told(part, name, package, monkeypatch, capsys):
    monkeypatch.setattr("attn.sweeps.extras._is_there", lambda _: False)
    monkeypatch.setattr("attn.commands.train.check", lambda _: [])
    assert main(["train", "-m", "seed=1,2", f"{part}={name}"]) == 2
    extra = package.split("-")[1]
    assert capsys.readouterr().err == (
        f"{part}={name}: needs the package {package}; pip install attn[{extra}]\n"
    )


# A launcher that loses its workers


def planned(folder, *names):
    jobs = [ledger.Entry(folder / "study", [name], "digest") for name in names]
    return [planning.Planned((), one.arguments[0], one) for one in jobs]


class Workers(Launcher):
    """Runs jobs by a script: ``kill`` takes the whole launcher along, the first times."""

    def __init__(self, folder, kills=1):
        self.folder, self.kills, self.launched = folder, kills, []

    def setup(self, **given):
        pass

    def launch(self, job_overrides, initial_job_idx):
        jobs = job_overrides
        self.launched.append([name for (name,) in jobs])
        returned = []
        for (name,) in jobs:
            outcomes.tell(self.folder, ledger.name_of([name]), Outcome("interrupted"))
            if name == "kill" and self.kills:
                self.kills -= 1
                raise RuntimeError("a worker is gone")
            returned.append(JobReturn(status=JobStatus.COMPLETED))
            if name == "broken":
                returned[-1] = JobReturn(status=JobStatus.FAILED)
                returned[-1].return_value = ValueError("cannot be sent")
            outcomes.tell(self.folder, ledger.name_of([name]), Outcome("finished"))
        return returned


def ended(jobs, folder):
    known = outcomes.told(folder)
    return {job.label: (known[job.entry.name].state, known[job.entry.name].why) for job in jobs}


@pytest.mark.parametrize(("kills", "state"), [(1, "finished"), (9, "interrupted")])
def test_a_lost_worker_stops_no_other_job(tmp_path, kills, state):
    jobs, workers = planned(tmp_path, "a", "kill", "b", "c"), Workers(tmp_path, kills)
    running._launch(workers, jobs, tmp_path, None)
    assert workers.launched == [["a", "kill", "b", "c"], ["b", "c"], ["kill"]]
    assert {label: how for label, (how, _) in ended(jobs, tmp_path).items()} == {
        "a": "finished", "kill": state, "b": "finished", "c": "finished",
    }  # fmt: skip


def test_jobs_go_in_batches_and_what_hydra_tells_counts(tmp_path):
    jobs, workers = planned(tmp_path, "a", "broken", "b"), Workers(tmp_path)
    running._launch(workers, jobs, tmp_path, 2)
    assert workers.launched == [["a", "broken"], ["b"]]
    assert ended(jobs, tmp_path)["broken"] == ("failed", "ValueError: cannot be sent")


def test_a_launcher_that_reaches_no_job_fails_all(tmp_path):
    class Broken(Workers):
        def launch(self, job_overrides, initial_job_idx):
            raise RuntimeError("no queue")

    jobs = planned(tmp_path, "a", "b")
    running._launch(Broken(tmp_path), jobs, tmp_path, None)
    ((state, why),) = set(ended(jobs, tmp_path).values())
    assert state == "failed"
    assert why.startswith("RuntimeError: no queue (test_launchers.py, line ")


# The packages themselves


def sweep(*arguments, study="one"):
    command = [sys.executable, "-m", "attn", "train", "-m", *SMALL, f"study={study}", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


PLUGIN = """\
from pathlib import Path

import torch

from attn.attention.softmax import SoftmaxAttention
from attn.registry import register

Path(f"threads-{torch.get_num_threads()}").touch()


@register("attention", "own")
class Own(SoftmaxAttention):
    "Softmax attention."
"""


@pytest.mark.launchers
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("package", "options"),
    [
        ("joblib", ["launcher=joblib", "hydra.launcher.n_jobs=2"]),
        ("submitit", ["launcher=submitit"]),
        ("ray", ["launcher=ray", "hydra.launcher.ray.init.num_cpus=2"]),
    ],
)
def test_jobs_run_side_by_side(package, options, tmp_path, monkeypatch):
    pytest.importorskip(f"hydra_plugins.hydra_{package}_launcher")
    pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path[1:]))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    Path("mine.py").write_text(PLUGIN)
    own = ["plugins=[mine]", "attention=own", *options]
    code, out, err = sweep(*own, "seed=1,2,2000000000000000000000")
    assert code == 2, err
    code, out, err = sweep(*own, "seed=1,2")
    assert (code, "2 jobs: 2 finished" in out) == (0, True), err
    assert len(list(Path("outputs/one").glob("*-own-*/seed-*/checkpoints/step-2"))) == 2
    assert sweep(*own, "seed=1,2")[1].splitlines() == ["2 jobs: 2 finished before"]
    if package == "joblib":
        assert Path("threads-1").exists()
    (held,) = Path("outputs/one").glob("*/seed-1")
    runs.set_status(held, "running")
    with claims.claimed(held):
        code, out, err = sweep(*own, "seed=1,3", "dataset.test_size=0", "fail_fast=true")
        assert code == 2  # of the dataset, before anything is launched
        code, out, err = sweep(*own, "seed=1,3")
    assert (code, "2 jobs: 1 finished, 1 running elsewhere" in out) == (0, True), err


HELD = "outputs/one: another sweep of Optuna's is at work there; wait, or give study=NAME"


def test_a_study_of_optunas_is_of_one_sweep_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = Path("outputs/one")
    with alone(study), pytest.raises(ConfigError, match=f"^{HELD}$"), alone(study):
        pass
    with alone(study):
        pass


@pytest.mark.launchers
@pytest.mark.timeout(300)
def test_a_study_of_optunas_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    optuna = pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path[1:]))
    asked = ["sweeper=optuna", "optimizer.learning_rate=interval(0.001,0.01)"]

    def trials():
        storage = f"sqlite:///{tmp_path}/outputs/one/optuna.db"
        return optuna.load_study(storage=storage, study_name="one")

    code, out, err = sweep(*asked, "hydra.sweeper.n_trials=2")
    assert (code, "2 jobs: 2 finished" in out) == (0, True), err
    study = trials()
    cut_short = study.ask({
        "optimizer.learning_rate": optuna.distributions.UniformDistribution(0.001, 0.01)
    })
    code, out, err = sweep(*asked, "hydra.sweeper.n_trials=3")
    assert (code, "1 job: 1 finished" in out) == (0, True), err
    best = trials().best_trial
    rate = best.params["optimizer.learning_rate"]
    assert out.splitlines()[-1] == (
        f"best of 3 trials, with dev {best.value:.2f}: optimizer.learning_rate={rate}"
    )
    states = [(one.state.name, one.params) for one in trials().trials]
    assert [state for state, _ in states] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert states[2][1] == states[3][1] == cut_short.params
    assert "no job is left to run" in sweep(*asked, "hydra.sweeper.n_trials=3")[1]
    with alone(tmp_path / "outputs" / "one"):
        code, _, err = sweep(*asked, "hydra.sweeper.n_trials=4")
    assert (code, err.splitlines()[-1]) == (2, HELD)
    empty = sweep(*asked, "hydra.sweeper.n_trials=0", study="two")[1]
    assert empty.splitlines()[-1] == "no trial has a score yet"
