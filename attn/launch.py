"""From a command line to a run: plug-ins, every problem at once, then Hydra."""

import dataclasses
import importlib
import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from attn import failing, modules, overrides, plugins, sources, sweeps
from attn.flags import Flags
from attn.preflight import Preflight
from attn.sweeps import extras
from attn.sweeps.task import perform


def launch(
    command: str, arguments: Sequence[str], flags: Flags, problems: Sequence[str] = ()
) -> int:
    """Check a command line, of whose flags the problems are known, then run it; the exit code."""
    given, unreadable = overrides.parse(arguments)
    found = [*problems, *unreadable, *sources.search_folder(flags.config_dir)]
    with hydra.initialize_config_module("attn.conf", job_name="attn", version_base="1.3"):
        preflight = Preflight(command)
        given, twice = preflight.placed(given)
        found += twice
        given = given if flags.multirun else preflight.lists(given)
        if not (found or flags.shows):
            done = sweeps.done(command, preflight, given, flags)
            if done is not None:
                return done
        module = importlib.import_module(f"attn.commands.{command}")
        found += modules.load(plugins.named(given))
        faulty = plugins.store_sections()
        found += itertools.chain.from_iterable(faulty.values())
        preflight.checks(module.check, getattr(module, "unused", None))
        sweeping = not flags.shows and (flags.multirun or preflight.sweeps_itself(given))
        told = tuple(f"={name}: unknown {kind}; " for kind, name in faulty)
        asked_for = preflight.problems(given, multirun=sweeping, shown=flags.shows)
        found += [line for line in asked_for if not any(one in line for one in told)]
        if flags.package:
            found += preflight.package_problems(given, flags.package)
        if not found and sweeping and (hydras := preflight.hydras(given)) is not None:
            found += extras.problems(hydras)
        if not (found or flags.shows):
            found += sweeps.problems(command, preflight, given, sweeping=sweeping)
        if found:
            sys.stderr.write("".join(f"{problem}\n" for problem in found))
            return failing.WRONG_INPUT
        if sweeping and sweeps.goes_on(command):
            return sweeps.run(command, preflight, given, flags)
        asked = dataclasses.replace(flags, multirun=sweeping)
        return _run(command, [preflight.argument(one) for one in given], asked)


def _run(command: str, given: list[str], flags: Flags) -> int:
    """Let Hydra compose and launch; what a single job raises comes back here, not through Hydra."""
    raised: list[Exception] = []
    sweeps = flags.multirun

    def task(cfg: DictConfig) -> Any:
        try:
            return perform(command, cfg)
        except Exception as error:
            raised.append(error)
            if sweeps:
                job = HydraConfig.get().overrides.task
                sys.stderr.write(failing.line(command, error, job))
                raise
            return None

    try:
        _ask(command, given, flags, task)
    except Exception as error:  # noqa: BLE001 - whatever a job of a sweep raised, or Hydra itself
        if not raised:
            sys.stderr.write(failing.line(command, error))
        return failing.code(error)
    if raised:
        return _failed(command, raised[0])
    return 0


def _ask(command: str, given: list[str], flags: Flags, task: Callable[[DictConfig], Any]) -> None:
    """What hydra.main does, which composes the config once more, and hides where errors arise."""
    ours = GlobalHydra.instance().hydra
    assert ours is not None
    if flags.cfg:
        ours.show_cfg(command, given, flags.cfg, flags.package, flags.resolve)
    elif flags.info:
        ours.show_info(flags.info, command, given)
    elif flags.multirun:
        ours.multirun(command, task, [*given, "hydra.mode=MULTIRUN"])
    else:
        ours.run(command, task, given)


def _failed(command: str, error: Exception) -> int:
    """Say why; but a command whose output nobody reads ends quietly, and no training does."""
    if isinstance(error, BrokenPipeError) and command != "train":
        raise error
    sys.stderr.write(failing.line(command, error))
    return failing.code(error)
