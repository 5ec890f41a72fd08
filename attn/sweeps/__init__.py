"""Many jobs of one command: planned, run by Hydra's launchers, gone on with, summed up."""

from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import IntervalSweep

from attn import ledger
from attn.flags import Flags
from attn.overrides import Given
from attn.preflight import Preflight
from attn.sweeps import fairness, running
from attn.sweeps.planning import Planned, plan

COMMANDS = {"train"}  # whose jobs leave runs


def goes_on(command: str) -> bool:
    """Whether a sweep of this command, asked for again, does only what is left of it."""
    return command in COMMANDS


def done(command: str, preflight: Preflight, given: Sequence[Given], flags: Flags) -> int | None:
    """The exit code of a sweep of which nothing is left to run, after saying so; else None.

    Nothing is checked for that, and neither the command nor any plug-in imported.
    """
    keys = {one.key for one in given}
    if not (goes_on(command) and (flags.multirun or keys & {"experiment", "hydra.mode", "sweep"})):
        return None
    if not (flags.multirun or preflight.sweeps_itself(given)):
        return None
    digest = ledger.digest(flags.config_dir)
    planned = _planned(preflight, given, digest)
    planned = planned and fairness.known(preflight, planned, digest)
    if not planned:
        return None
    outcomes, left = running.settle(planned)
    return None if left else running.finish(planned, outcomes)


def problems(
    command: str, preflight: Preflight, given: Sequence[Given], *, sweeping: bool
) -> list[str]:
    """Why the jobs of a command line, each right by itself, cannot be compared as is asked."""
    if not goes_on(command):
        return []
    if not sweeping:
        return fairness.alone(preflight, given)
    return fairness.problems(preflight, preflight.with_axes(given), _planned(preflight, given, ""))


def run(command: str, preflight: Preflight, given: Sequence[Given], flags: Flags) -> int:
    """Run what is left of a sweep that has no problems; the exit code."""
    ours = GlobalHydra.instance().hydra
    assert ours is not None
    digest = ledger.digest(flags.config_dir)
    arguments = [preflight.argument(one) for one in preflight.with_axes(given)]
    planned = _planned(preflight, given, digest)
    if planned is None:
        return running.by_sweeper(ours, command, arguments, preflight.study(given), digest)
    planned = fairness.settle(preflight, planned, digest)
    code = running.run(ours, command, arguments, planned, digest)
    told = fairness.finish(preflight, planned, digest)
    return code or told


def _planned(preflight: Preflight, given: Sequence[Given], digest: str) -> list[Planned] | None:
    """The plan, if all jobs are known before the first has run, and can be composed."""
    whole = preflight.with_axes(given)
    hydras = preflight.hydras(given)
    basic = hydras is not None and hydras.sweeper.get("_target_") == running.BASIC
    if not basic or any(isinstance(one.override.value(), IntervalSweep) for one in whole):
        return None
    return plan(preflight, whole, digest)
