"""Tuning within a sweep: its budget, what each variant chooses on dev, and its test, once."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra

from attn import failing, ledger, overrides, tables, trials
from attn.files import checksum_of
from attn.overrides import Given
from attn.preflight import Preflight
from attn.registry import ConfigError
from attn.sweeps.planning import Planned
from attn.sweeps.variants import groups, name_of
from attn.words import suggest


def problems(tuned: Sequence[str], given: Sequence[Given]) -> Iterator[str]:
    """Why options are not tuned: each variant must have a trial with each of their values."""
    swept = [name_of(one) for one in given if one.override.is_sweep_override()]
    axes = [one for one in swept if one != "seed"]
    for name in tuned:
        if name == "seed":
            yield "tuned=[seed]: seeds are no trials to choose from; leave it out"
        elif name not in swept and axes:
            yield f"tuned=[{name}]: is not swept; {suggest(name, axes)}"
        elif name not in swept:
            yield f"tuned=[{name}]: is not swept; write {name}=ONE,OTHER"


def announce(preflight: Preflight, planned: Sequence[Planned], tuned: Sequence[str]) -> None:
    """Say how many trials each variant has, and how many steps that takes.

    Raises:
        WriteError: what is tuned could not be kept.
    """
    trials.keep(planned[0].entry.study, sweep_of(planned), tuned)
    variants = groups(planned, tuned)
    each = [groups(one.jobs) for one in variants]
    seeds = len(each[0][0].jobs)
    steps = sum(
        len(one.jobs) * preflight.config(one.jobs[0].arguments).trainer.steps
        for some in each
        for one in some
    )
    count = [
        f"{_times(len(each[0]), 'trial')} of {_times(len(each), 'variant')}",
        _times(seeds, "seed"),
    ]
    sys.stdout.write(f"tuned {', '.join(tuned)}: {', '.join(count)}: {steps:,} steps in all\n")


def sweep_of(planned: Sequence[Planned]) -> str:
    """Digits that stand for the jobs of a sweep."""
    return checksum_of(sorted(job.entry.name for job in planned))[:12]


def finish(planned: Sequence[Planned], tuned: Sequence[str], digest: str) -> int:
    """Say what each variant has chosen, and report its test, once; the exit code."""
    reading, tuning = map(importlib.import_module, ("attn.compare.reading", "attn.compare.tuning"))
    study = planned[0].entry.study
    labels = _labels(planned, tuned, digest)
    if not labels:
        return 0
    rows, code, open_ = [], 0, False
    found = [one for one in tuning.choices_of(reading.read([str(study)])) if _label(one, labels)]
    for one in found:
        rows.append(_row(_label(one, labels), one))
        open_ |= not one.final
    tables.show(["variant", "chosen", "score on dev", "of trials"], rows)
    for one in found:
        if one.final and one.best:
            code = max([code, *(_evaluated(run, planned) for run in one.best.runs)])
        else:
            sys.stdout.write(f"{_label(one, labels)}: not every trial is finished, test waits\n")
    if not (open_ or code):
        trials.keep(study, sweep_of(planned), tuned, reported=True)
    return code


def _labels(planned: Sequence[Planned], tuned: Sequence[str], digest: str) -> dict[Path, str]:
    """The words of the variant of each run."""
    found = {}
    for group in groups(planned, tuned):
        for job in group.jobs:
            folder = ledger.entry(job.entry.study, job.entry.arguments, digest).folder
            if folder is not None:
                found[folder] = group.label
    return found


def _label(choice: Any, labels: dict[Path, str]) -> str:
    folders = (run.folder for trial in choice.trials for run in trial.runs)
    return next((labels[one] for one in folders if one in labels), "")


def _row(label: str, choice: Any) -> list[str]:
    best = choice.best
    chosen = [best.tried, f"{best.score:.2f}"] if best else ["-", "-"]
    return [label, *chosen, str(len(choice.trials))]


def _evaluated(run: Any, planned: Sequence[Planned]) -> int:
    """Translate the test split with a run that was chosen, unless that was done; the exit code."""
    if run.score("test") is not None:
        return 0
    evaluate = importlib.import_module("attn.commands.evaluate")
    asked = [one.quoted for one in planned[0].arguments if one.section == "precision"]
    cfg = hydra.compose(
        "evaluate", [f"run={overrides.literal(str(run.folder))}", "split=test", "samples=0", *asked]
    )
    try:
        if found := evaluate.check(cfg):
            raise ConfigError(found)
        evaluate.run(cfg)
    except Exception as error:  # noqa: BLE001 - the other variants are still to be evaluated
        sys.stderr.write(failing.line("evaluate", error, [f"run={run.folder}"]))
        return failing.code(error)
    return 0


def _times(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
