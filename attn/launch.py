"""From a command line to a run: plug-ins, every problem at once, then Hydra."""

import dataclasses
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from attn import modules, overrides, plugins, sources
from attn.flags import Flags
from attn.outlet import FULL, is_full
from attn.preflight import Preflight
from attn.registry import ConfigError, RunError
from attn.settling import replaced, settle, without_experiment

FAILED, WRONG_INPUT = 1, 2


def launch(
    command: str, arguments: Sequence[str], flags: Flags, problems: Sequence[str] = ()
) -> int:
    """Check a command line, of whose flags the problems are known, then run it; the exit code."""
    module = importlib.import_module(f"attn.commands.{command}")
    given, unreadable = overrides.parse(arguments)
    found = [*problems, *unreadable, *sources.search_folder(flags.config_dir)]
    found += modules.load(plugins.named(given))
    with hydra.initialize_config_module("attn.conf", job_name="attn", version_base="1.3"):
        found += plugins.store_sections()
        preflight = Preflight(command, module.check, getattr(module, "unused", None))
        given, twice = preflight.placed(given)
        found += twice + preflight.problems(given, multirun=flags.multirun, shown=flags.shows)
        if flags.package:
            found += preflight.package_problems(given, flags.package)
        if found:
            return _refuse(found)
        sweeps = flags.multirun or (not flags.shows and preflight.sweeps_itself(given))
        asked = dataclasses.replace(flags, multirun=sweeps)
        return _run(command, module, [preflight.argument(one) for one in given], asked)


def _refuse(problems: Sequence[str]) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return WRONG_INPUT


def _run(command: str, module: ModuleType, given: list[str], flags: Flags) -> int:
    """Let Hydra compose and launch; what a single job raises comes back here, not through Hydra."""
    raised: list[Exception] = []
    sweeps = flags.multirun

    def task(cfg: DictConfig) -> Any:
        config = HydraConfig.get()
        try:
            modules.load(cfg.plugins)  # in a worker of a launcher; here they are known already
            typed, _ = overrides.parse(config.overrides.task)
            keys = [one.key for one in typed]
            sys.stderr.writelines(_settled(command, cfg, config.runtime.choices, keys))
            return module.run(cfg)
        except Exception as error:
            raised.append(error)
            if sweeps:
                sys.stderr.write(_line(command, error, config.overrides.task))
                raise
            return None

    try:
        _ask(command, given, flags, task)
    except Exception as error:  # noqa: BLE001 - whatever a job of a sweep raised, or Hydra itself
        if not raised:
            sys.stderr.write(_line(command, error))
        return _code(error)
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


def _settled(
    command: str, cfg: DictConfig, choices: Mapping[str, Any], typed: Sequence[str]
) -> Iterator[str]:
    """Settle a config; what is to be told of that, a line each."""
    told = settle(cfg, choices, typed)
    if parts := without_experiment(choices, typed):
        told += replaced(cfg, hydra.compose(command, parts), choices, typed)
    yield from (f"{line}\n" for line in told)


def _failed(command: str, error: Exception) -> int:
    """Say why; but a command whose output nobody reads ends quietly, and no training does."""
    if isinstance(error, BrokenPipeError) and command != "train":
        raise error
    sys.stderr.write(_line(command, error))
    return _code(error)


def _line(command: str, error: Exception, job: Sequence[str] = ()) -> str:
    if isinstance(error, ConfigError):
        return "".join(f"{problem}\n" for problem in error.problems)
    failed = " ".join(["attn", command, *job])
    if is_full(error):
        return f"{failed}: {FULL}\n"
    if isinstance(error, RunError):
        return f"{failed}: {error}\n"
    reason = " ".join(str(error).split()) or "no reason given"
    return (
        f"{failed}: failed: {type(error).__name__}: {reason}\n"
        "HYDRA_FULL_ERROR=1 before the command shows where\n"
    )


def _code(error: Exception) -> int:
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        sys.stderr.write("".join(traceback.format_exception(error)))
    return WRONG_INPUT if isinstance(error, ConfigError) else FAILED
