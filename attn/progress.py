"""How far runs are, from their files and from what sweeps have planned; no model is read."""

import contextlib
import dataclasses
import statistics
from collections.abc import Collection, Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from attn import claims, ledger, runs, saved
from attn.registry import ConfigError
from attn.tables import Value

Figures = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Row:
    """One run, or a job that has none yet."""

    study: str
    choices: str
    seed: str
    state: str
    step: int | None = None
    steps: int | None = None
    left: float | None = None  # seconds of training
    spent: float | None = None  # seconds of training
    dev: float | None = None
    since: str = ""
    why: str = ""


def table(rows: Sequence[Row], *, people: bool) -> list[dict[str, Value]]:
    """The rows as a table; for people, times are words, and columns that tell nothing left out."""
    cells = [_cells(row, people=people) for row in rows]
    empty = {key for key in cells[0] if all(one[key] in (None, "") for one in cells)}
    if len({row.study for row in rows}) == 1:
        empty.add("study")  # its name is known to who asked
    told = {key for key in cells[0] if not (people and key in empty)}
    return [{key: one[key] for key in one if key in told} for one in cells]


def _cells(row: Row, *, people: bool) -> dict[str, Value]:
    left: dict[str, Value] = {"seconds left": row.left}
    if people:
        left = {"left": None if row.left is None else _words(row.left)}
    return {
        "study": row.study,
        "run": row.choices,
        "seed": int(row.seed) if row.seed.isdecimal() else row.seed,
        "state": row.state,
        "step": row.step,
        "steps": row.steps,
        **left,
        "dev BLEU": row.dev,
        "since": row.since[:16].replace("T", " ") if people else row.since,
        "why": row.why,
    }


def problems(paths: Sequence[str]) -> list[str]:
    """Why nothing can be said of some paths, a line each."""
    found = []
    for path in paths:
        if not Path(path).is_dir():
            found.append(runs.missing(path))
        elif not (_runs(path) or any(_jobs(path))):
            found.append(f"runs={path}: holds no run, and no sweep has planned any in it")
    return found


def read(paths: Sequence[str]) -> list[Row]:
    """The runs and the planned jobs at and below some paths, those of one study together."""
    folders = dict.fromkeys(run for path in paths for run in _runs(path))
    jobs = {job.study / job.name: job for path in paths for job in _jobs(path)}
    waiting = {job.folder for job in jobs.values() if job.folder and job.state == "planned"}
    rows = [_row(folder, planned=folder in waiting) for folder in folders]
    return rows + _without_run(jobs.values(), folders)


def _runs(path: str) -> list[Path]:
    return sorted(config.parent for config in Path(path).rglob(runs.CONFIG))


def _jobs(path: str) -> Iterator[ledger.Entry]:
    """The jobs of the studies at and below a path."""
    for folder in sorted(Path(path).rglob(ledger.FOLDER)):
        yield from ledger.entries(folder.parent)


def _without_run(jobs: Collection[ledger.Entry], folders: Container[Path]) -> list[Row]:
    """The jobs without a run, told by what is not the same for all jobs of their study."""
    studies: dict[Path, list[set[str]]] = {}
    for job in jobs:
        studies.setdefault(job.study, []).append(set(job.arguments))
    common = {
        study: set.intersection(*every) if len(every) > 1 else set()
        for study, every in studies.items()
    }
    rows = [_planned(job, common[job.study]) for job in jobs if job.folder not in folders]
    return sorted(rows, key=lambda row: (row.study, row.choices, row.seed.zfill(20)))


def _planned(job: ledger.Entry, common: Container[str]) -> Row:
    """A job without a run: it waits for its turn, or ended before it had one."""
    given = {one.partition("=")[0]: one for one in job.arguments}
    seed = given.pop("seed", "").partition("=")[2]
    words = " ".join(one for one in given.values() if one not in common)
    state = job.state if job.state == "failed" else "planned"
    return Row(job.study.absolute().name, words, seed, state, since=job.since, why=job.why)


def _row(run: Path, *, planned: bool) -> Row:
    known = runs.read_status(run)
    state = claims.state(run) or "unknown"
    if planned and state == "finished":
        state = "planned"  # for more steps than it has, or with what has changed since
    figures = runs.figures(run)
    step = max((one["step"] for one in figures), default=None)
    if state == "interrupted":
        # What came after it is not gone on from.
        step = max(saved.steps(run / "checkpoints"), default=step)
        figures = [one for one in figures if one["step"] <= (step or 0)]
    steps, minutes = _ends(run)
    dev = [one["BLEU"] for one in figures if "BLEU" in one]
    return Row(
        study=run.absolute().parent.parent.name,
        choices=run.parent.name,
        seed=run.name.removeprefix("seed-"),
        state=state,
        step=step,
        steps=steps,
        left=_left(figures, steps, minutes) if state in {"running", "interrupted"} else None,
        spent=_spent(figures),
        dev=dev[-1] if dev else None,
        since=_since(known, state),
        why=str(known.get("error", "")) if state == "failed" else "",
    )


def _since(known: Figures, state: str) -> str:
    """Since when a run is in a state; a process that was killed told its last heartbeat."""
    last = known.get("heartbeat")
    dead = known.get("state") == "running" and state == "interrupted"
    return runs.clock(last) if dead and isinstance(last, float) else str(known.get("since", ""))


def _ends(run: Path) -> tuple[int | None, float | None]:
    """The steps and minutes at which a run ends, as far as its config can be read."""
    with contextlib.suppress(ConfigError, KeyError, TypeError):
        trainer = runs.load_config(run)["trainer"]
        return trainer["steps"], trainer.get("minutes")
    return None, None


def _left(figures: Sequence[Figures], steps: int | None, minutes: float | None) -> float | None:
    """The seconds of training that are left, at the pace so far; validation is not counted."""
    timed = [one for one in figures if "minutes" in one]
    if not timed or not steps:
        return None
    step, spent = timed[-1]["step"], timed[-1]["minutes"]
    left = (steps - step) * spent / step
    return 60 * max(0.0, min(left, minutes - spent) if minutes is not None else left)


def _spent(figures: Sequence[Figures]) -> float | None:
    """The seconds of training so far."""
    timed = [60 * one["minutes"] for one in figures if "minutes" in one]
    return max(timed, default=None)


def left(rows: Sequence[Row]) -> str | None:
    """How much training is left, if all that is left is to be finished; None where none tells.

    Jobs that wait are taken to last as long as those that are finished did on the mean.
    """
    done = [row.spent for row in rows if row.state == "finished" and row.spent is not None]
    seconds = [row.left for row in rows if row.left is not None]
    waiting = sum(row.state == "planned" for row in rows)
    if done:
        seconds += [statistics.fmean(done)] * waiting
    if not seconds or (waiting and not done):
        return None
    return f"about {_words(sum(seconds))} of training left"


def _words(seconds: float) -> str:
    """A duration in words, e.g. 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
