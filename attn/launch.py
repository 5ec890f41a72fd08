"""From a command line to a run: plug-ins, every problem at once, then Hydra."""

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from attn import modules, overrides, plugins, sources
from attn.flags import Flags
from attn.preflight import Preflight
from attn.registry import ConfigError, RunError
from attn.settling import settle

FAILED, WRONG_INPUT = 1, 2


def launch(
    command: str, arguments: Sequence[str], flags: Flags, problems: Sequence[str] = ()
) -> int:
    """Check a command line, of whose flags the problems are known, then run it; the exit code."""
    module = importlib.import_module(f"attn.commands.{command}")
    given, unreadable = overrides.parse(arguments)
    found = [*problems, *unreadable, *sources.search_folder(flags.config_dir)]
    found += modules.load(plugins.named(given))
    with hydra.initialize_config_module("attn.conf", version_base="1.3"):
        found += plugins.store_sections()
        preflight = Preflight(command, module.check, getattr(module, "unused", None))
        given, twice = preflight.placed(given)
        found += twice + preflight.problems(given, multirun=flags.multirun, shown=flags.shows)
        if flags.package:
            found += preflight.package_problems(given, flags.package)
        quoted = [preflight.argument(one) for one in given]
    if found:
        return _refuse(found)
    return _run(command, module, ["attn", *_hydra_flags(flags), *quoted])


def _refuse(problems: Sequence[str]) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return WRONG_INPUT


def _hydra_flags(flags: Flags) -> list[str]:
    passed = ["--multirun"] if flags.multirun else []
    passed += [f"--cfg={flags.cfg}"] if flags.cfg else []
    passed += ["--resolve"] if flags.resolve else []
    passed += [f"--package={flags.package}"] if flags.package else []
    return passed + ([f"--info={flags.info}"] if flags.info else [])


def _run(command: str, module: ModuleType, argv: list[str]) -> int:
    """Let Hydra compose and launch; what a single job raises comes back here, not through Hydra."""
    raised: list[Exception] = []

    def task(cfg: DictConfig) -> Any:
        config = HydraConfig.get()
        try:
            modules.load(cfg.plugins)  # in a worker of a launcher; here they are known already
            typed, _ = overrides.parse(config.overrides.task)
            for line in settle(cfg, config.runtime.choices, [one.key for one in typed]):
                sys.stderr.write(f"{line}\n")
            return module.run(cfg)
        except Exception as error:
            raised.append(error)
            if "--multirun" in argv:
                sys.stderr.write(_line(command, error, config.overrides.task))
                raise
            return None

    start = hydra.main(version_base="1.3", config_path="pkg://attn.conf", config_name=command)(task)
    try:
        with _hydra_in_charge(argv):
            start()
    except Exception as error:  # noqa: BLE001 - whatever a job of a sweep raised, or Hydra itself
        if not raised:
            sys.stderr.write(_line(command, error))
        return _code(error)
    if raised:
        return _failed(command, raised[0])
    return 0


def _failed(command: str, error: Exception) -> int:
    """Say why; but a command whose output nobody reads ends quietly, and no training does."""
    if isinstance(error, BrokenPipeError) and command != "train":
        raise error
    sys.stderr.write(_line(command, error))
    return _code(error)


@contextlib.contextmanager
def _hydra_in_charge(argv: list[str]) -> Iterator[None]:
    """Hydra's arguments in place, and its own printing of errors off, which loses the cause."""
    before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv, os.environ["HYDRA_FULL_ERROR"] = argv, "1"
    try:
        yield
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before[1]


def _line(command: str, error: Exception, job: Sequence[str] = ()) -> str:
    if isinstance(error, ConfigError):
        return "".join(f"{problem}\n" for problem in error.problems)
    failed = " ".join(["attn", command, *job])
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
