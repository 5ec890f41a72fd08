"""One job of a sweep, in whatever process a launcher runs it."""

import dataclasses
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from attn import failing, ledger, modules, overrides, touched
from attn.claims import HeldError
from attn.matching import kept
from attn.registry import RunError
from attn.settling import replaced, settle, without_experiment
from attn.sweeps.outcomes import Outcome, tell, told
from attn.sweeps.planning import study_folder


def perform(command: str, cfg: DictConfig) -> Any:
    """Settle the config of a job, telling what is to be told of that, and run it."""
    prepare(command, cfg)
    return importlib.import_module(f"attn.commands.{command}").run(cfg)


def prepare(command: str, cfg: DictConfig) -> None:
    """Load the plug-ins of a job, settle its config, and tell what is to be told of that."""
    config = HydraConfig.get()
    importlib.import_module(f"attn.commands.{command}")  # whose parts settling asks for
    modules.load(cfg.plugins)  # in a worker of a launcher; here they are known already
    typed, _ = overrides.parse(config.overrides.task)
    lines = _settled(command, cfg, config.runtime.choices, [one.key for one in typed])
    sys.stderr.writelines(f"{line}\n" for line in lines)


def _settled(
    command: str, cfg: DictConfig, choices: Mapping[str, Any], typed: Sequence[str]
) -> list[str]:
    told = settle(cfg, choices, typed)
    if parts := without_experiment(choices, typed):
        told += replaced(cfg, hydra.compose(command, parts), choices, typed)
    return told


@dataclasses.dataclass(frozen=True)
class Task:
    """Runs a job unless that is needless, and tells its outcome in the folder of the sweep.

    ``raises``: what fails is raised too, for a sweeper that asks for each score.
    """

    command: str
    digest: str
    folder: Path
    raises: bool = False

    def __call__(self, cfg: DictConfig) -> Any:
        """The score of a job, if it was run."""
        arguments = list(HydraConfig.get().overrides.task)
        if cfg.fail_fast and any(one.state == "failed" for one in told(self.folder).values()):
            return self._tell(arguments, "left")
        self._tell(arguments, "interrupted")
        try:
            state, score = self._run(cfg, arguments)
        except HeldError as error:
            return self._tell(arguments, "elsewhere", failing.brief(error))
        except Exception as error:  # noqa: BLE001 - whatever a job raised
            sys.stderr.write(failing.line(self.command, error, arguments))
            wrong = failing.code(error) == failing.WRONG_INPUT
            self._tell(arguments, "failed", failing.brief(error), wrong=wrong)
            if self.raises:
                raise RunError(failing.brief(error)) from None
            return None
        self._tell(arguments, state)
        return score

    def _tell(
        self, arguments: list[str], state: str, why: str = "", *, wrong: bool = False
    ) -> None:
        outcome = Outcome(state, why, wrong, " ".join(arguments))
        tell(self.folder, ledger.name_of(arguments), outcome)

    def _run(self, cfg: DictConfig, arguments: list[str]) -> tuple[str, Any]:
        prepare(self.command, cfg)
        entry = ledger.entry(study_folder(cfg.output, cfg.study), arguments, self.digest)
        if entry.finished() and not self.raises:  # by another sweep, since this one was planned
            return "before", None
        entry.files = touched.stamped(modules.files(cfg.plugins))
        entry.save("planned")
        try:
            with ledger.working(entry):
                score = importlib.import_module(f"attn.commands.{self.command}").run(cfg)
        except HeldError:
            raise
        except Exception as error:
            entry.save("failed", failing.brief(error))
            raise
        entry.save("finished")
        if entry.folder is not None:
            kept.leave(entry.study, entry.name, entry.folder)
        return "finished", score
