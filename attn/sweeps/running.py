"""A sweep, from its plan to its end: what is left is given to Hydra's launcher."""

import contextlib
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from attn import failing
from attn.registry import ConfigError
from attn.sweeps import optuna, summary
from attn.sweeps.outcomes import Outcome, forget, tell, told
from attn.sweeps.planning import Planned, settled
from attn.sweeps.task import Task

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


def settle(planned: Sequence[Planned]) -> tuple[dict[str, Outcome], list[Planned]]:
    """The outcomes that are known before anything runs, and the jobs that are left."""
    known = {job.entry.name: settled(job) for job in planned}
    outcomes = {name: outcome for name, outcome in known.items() if outcome is not None}
    return outcomes, [job for job in planned if job.entry.name not in outcomes]


def finish(planned: Sequence[Planned], outcomes: dict[str, Outcome]) -> int:
    """Say how all went; the exit code."""
    waiting = Outcome("left")
    summary.say([(job.label, outcomes.get(job.entry.name, waiting)) for job in planned])
    return summary.code(outcomes)


def run(ours: Hydra, command: str, given: list[str], planned: list[Planned], digest: str) -> int:
    """Run what is left of a plan, and say how all went; the exit code."""
    outcomes, left = settle(planned)
    for name, outcome in outcomes.items():
        if outcome.state == "elsewhere":
            label = next(job.label for job in planned if job.entry.name == name)
            print(f"passed over: {label}: {outcome.why}")  # noqa: T201
    master = ours.compose_config(
        command, [*given, "hydra.mode=MULTIRUN"], run_mode=RunMode.MULTIRUN
    )
    size = master.hydra.sweeper.max_batch_size
    since: dict[str, Outcome] = {}
    with _folder(master) as folder:
        launcher = _launcher(ours, master, Task(command, digest, folder))
        try:
            _launch(launcher, _waiting(left, folder), folder, size)
            since, left = settle(_passed_over(planned, outcomes | told(folder)))
            _launch(launcher, _waiting(left, folder), folder, size)
        finally:
            code = finish(planned, outcomes | told(folder) | since)
    return code


def _waiting(jobs: list[Planned], folder: Path) -> list[Planned]:
    """Jobs that are about to be launched, told as planned and as nothing else."""
    for job in jobs:
        job.entry.save("planned")
        forget(folder, job.entry.name)
    return jobs


def _passed_over(planned: Sequence[Planned], outcomes: Mapping[str, Outcome]) -> list[Planned]:
    """The jobs that other processes had, with what is known of them now."""
    elsewhere = {name for name, outcome in outcomes.items() if outcome.state == "elsewhere"}
    return [job.anew() for job in planned if job.entry.name in elsewhere]


def by_sweeper(ours: Hydra, command: str, given: list[str], study: Path, digest: str) -> int:
    """Let one of Hydra's sweepers choose the jobs, and say how they went; the exit code."""
    asked = [*given, "hydra.mode=MULTIRUN"]
    master = ours.compose_config(command, asked, run_mode=RunMode.MULTIRUN)
    if master.hydra.sweeper._target_ != optuna.SWEEPER:
        return _swept(ours, master, command, digest, asked)
    try:
        with optuna.alone(study):
            more = optuna.going_on(master.hydra.sweeper, study)
            code = _swept(ours, master, command, digest, asked + more)
            print(optuna.best(more))  # noqa: T201
            return code
    except ConfigError as error:
        sys.stderr.write(failing.line(command, error))
        return failing.code(error)


def _swept(ours: Hydra, master: DictConfig, command: str, digest: str, asked: list[str]) -> int:
    """Let the sweeper choose, and say how the jobs went; the exit code."""
    with _folder(master) as folder:
        try:
            ours.multirun(command, Task(command, digest, folder, raises=True), asked)
            raised = None
        except Exception as error:  # noqa: BLE001 - whatever a sweeper makes of jobs that failed
            raised = error
        finally:
            outcomes = told(folder)
            summary.say([(one.label, one) for one in outcomes.values()])
    if raised is None or any(one.state == "failed" for one in outcomes.values()):
        return summary.code(outcomes)
    sys.stderr.write(failing.line(command, raised))
    return failing.code(raised)


@contextlib.contextmanager
def _folder(master: DictConfig) -> Iterator[Path]:
    """A folder for the outcomes of a sweep, as long as it lasts."""
    folder = Path(master.hydra.sweep.dir).absolute() / uuid.uuid4().hex[:12]
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launcher(ours: Hydra, master: DictConfig, task: Task) -> Launcher:
    callbacks = Callbacks(master)
    context = HydraContext(config_loader=ours.config_loader, callbacks=callbacks)
    return Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=task, config=master
    )


def _launch(launcher: Launcher, jobs: Sequence[Planned], folder: Path, size: int | None) -> None:
    """Launch jobs, ``size`` at a time; where a worker was killed, go on with the others.

    A launcher that loses a worker gives up the jobs that have not begun, and may end those that run
    beside it: each that was at work is then launched once more, alone.
    """
    left, crashed = list(jobs), False
    while left:
        batch = left[: size or len(left)]
        reason = _attempt(launcher, batch, folder)
        crashed, begun = crashed or reason is not None, told(folder)
        if reason is not None and not any(job.entry.name in begun for job in batch):
            for job in left:  # nothing was reached, and nothing will be
                tell(folder, job.entry.name, Outcome("failed", failing.brief(reason)))
            return
        left = [job for job in left if job.entry.name not in begun]
    if crashed:
        for job in jobs:
            if told(folder)[job.entry.name].state == "interrupted":
                _attempt(launcher, [job], folder)


def _attempt(launcher: Launcher, jobs: Sequence[Planned], folder: Path) -> Exception | None:
    """Launch jobs; what the launcher raised, if it did."""
    try:
        ended = launcher.launch([job.entry.arguments for job in jobs], initial_job_idx=0)
    except Exception as error:  # noqa: BLE001 - whatever a launcher makes of a lost worker
        return error
    for job, one in zip(jobs, ended, strict=True):
        if one.status is JobStatus.FAILED:  # beyond what the task itself tells
            tell(folder, job.entry.name, Outcome("failed", failing.brief(one._return_value)))
    return None
