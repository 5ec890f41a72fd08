"""What the commands that use a trained model share: the run, its checkpoint, the search."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn import assemble, modules, runs
from attn.checkpoint import Checkpoints
from attn.registry import ConfigError, RunError
from attn.search import Search
from attn.translation import Translator
from attn.weights import CheckpointError


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run and a checkpoint of it, with the search and the device that were asked for."""

    folder: Path
    config: dict[str, Any]
    checkpoint: Path
    search_section: Mapping[str, Any]

    @staticmethod
    def of(asked: Mapping[str, Any]) -> "Trained":
        """What a command's config names.

        Raises:
            ConfigError: there is no such run or checkpoint, or a plug-in of the run is missing.
        """
        folder = runs.find(str(asked["run"]))
        config = runs.load_config(folder)
        if unknown := modules.load(config["plugins"]):
            raise ConfigError([f"{line} (a plug-in of {folder})" for line in unknown])
        precision = dict(asked["precision"])
        if precision["dtype"] == "auto":
            precision["dtype"] = config["precision"]["dtype"]
        config["precision"] = precision
        try:
            checkpoint = Checkpoints(folder / "checkpoints").find(str(asked["checkpoint"]))
        except CheckpointError as error:
            raise ConfigError([str(error)]) from None
        return Trained(folder, config, checkpoint, asked.get("search") or config["search"])

    @staticmethod
    def problems(asked: Mapping[str, Any]) -> list[str]:
        """Everything that is wrong with what was asked for."""
        try:
            trained = Trained.of(asked)
        except ConfigError as error:
            return error.problems
        return assemble.use_problems(trained.search_section, trained.config["precision"])

    def search(self) -> Search:
        """The search that was asked for, else the run's own."""
        made: Search = assemble.part({"search": self.search_section}, "search", "search")
        return made

    def translator(self) -> Translator:
        """The model, ready to translate."""
        precision = assemble.part(self.config, "precision")
        precision.apply()
        try:
            return assemble.trained(self.config, self.folder, self.checkpoint, precision)
        except CheckpointError as error:
            steps = Checkpoints(self.checkpoint.parent).steps()
            others = ", ".join(
                str(step) for step in steps if f"step-{step}" != self.checkpoint.name
            )
            raise RunError(f"{error}; choose another checkpoint of {others or 'none'}") from error
