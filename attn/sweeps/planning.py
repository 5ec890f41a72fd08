"""The jobs of a sweep before any of them runs, and what is known of each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hydra.errors import HydraException

from attn import ledger, overrides, runs
from attn.overrides import Given
from attn.preflight import Preflight
from attn.sweeps.outcomes import Outcome


@dataclasses.dataclass(frozen=True)
class Planned:
    """A job: its arguments, each of one value, the words that tell it from others, its entry.

    A plan is a list of these; whatever changes jobs before they are launched, changes the list.
    """

    arguments: tuple[Given, ...]
    label: str
    entry: ledger.Entry

    def anew(self) -> "Planned":
        """The same, its entry read again."""
        known = ledger.entry(self.entry.study, self.entry.arguments, self.entry.digest)
        return dataclasses.replace(self, entry=known)


def plan(preflight: Preflight, given: Sequence[Given], digest: str) -> list[Planned] | None:
    """Every job of a command line; none if Hydra cannot compose its study, which is told later."""
    axes = {one.key for one in given if one.override.is_sweep_override()}
    try:
        every = [_planned(preflight, job, axes, digest) for job in overrides.jobs(given)]
    except HydraException:
        return None
    # seed=1,1 asks for one job
    return list({tuple(one.typed for one in job.arguments): job for job in every}.values())


def _planned(preflight: Preflight, job: tuple[Given, ...], axes: set[str], digest: str) -> Planned:
    label = " ".join(one.typed for one in job if one.key in axes or not axes)
    own = [one for one in job if not one.override.is_hydra_override()]
    arguments = [preflight.argument(one) for one in own]
    return Planned(job, label, ledger.entry(preflight.study(job), arguments, digest))


def study_folder(output: str, study: str) -> Path:
    """The folder of a study's runs, and of its ledger."""
    return Path(output) / runs.safe(study)


def settled(job: Planned) -> Outcome | None:
    """How a job that need not be run stands: finished before, or run by another process."""
    if job.entry.finished():
        return Outcome("before")
    if holder := job.entry.holder():
        return Outcome("elsewhere", f"{holder} trains {job.entry.folder}")
    # It may have ended between the two looks.
    return Outcome("before") if job.anew().entry.finished() else None
