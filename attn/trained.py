"""What the commands that use a trained model share: the run, its checkpoint, the search."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from attn import assemble, checking, runs, snapshot, stored
from attn.checkpoint import Checkpoints
from attn.registry import ConfigError, as_yaml
from attn.remarks import warn
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
        folder, config = Trained.config_of(asked)
        try:
            checkpoint = Checkpoints(folder / "checkpoints").find(str(asked["checkpoint"]))
            meta = snapshot.load_meta(checkpoint)
        except CheckpointError as error:
            raise ConfigError([str(error)]) from None
        used = ["dataset", "scoring", "precision", *([] if asked.get("search") else ["search"])]
        for line in stored.remarks(folder, config, meta, used):
            warn(line)
        precision = {**config["precision"], **asked["precision"]}
        if precision["dtype"] == "auto":
            precision["dtype"] = config["precision"].get("dtype", "auto")
        config["precision"] = precision
        return Trained(folder, config, checkpoint, asked.get("search") or config["search"])

    @staticmethod
    def config_of(asked: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
        """The folder of a run and its config, its plug-ins loaded.

        Raises:
            ConfigError: there is no such run, or a plug-in is missing.
        """
        if isinstance(asked["run"], list):
            raise ConfigError([f"run={as_yaml(asked['run'])}: takes one run, not a list"])
        folder = runs.find(str(asked["run"]))
        return folder, stored.config_of(folder)

    @staticmethod
    def problems(asked: Mapping[str, Any]) -> list[str]:
        """Everything that is wrong with what was asked for; a missing run is told elsewhere."""
        found, search = [], asked.get("search")
        try:
            if asked["run"] != MISSING:
                folder, config = Trained.config_of(asked)
                search = search or config["search"]
                checkpoint = Checkpoints(folder / "checkpoints").find(str(asked["checkpoint"]))
                found += stored.problems(folder, config, checkpoint) or list(
                    checking.coverage_problems({**config, "search": search})
                )
        except ConfigError as error:
            found += error.problems
        except CheckpointError as error:
            found.append(str(error))
        return found + checking.use_problems(search, asked["precision"])

    def search(self) -> Search:
        """The search that was asked for, else the run's own."""
        made: Search = assemble.part({"search": self.search_section}, "search", "search")
        return made

    def translator(self) -> Translator:
        """The model, ready to translate."""
        precision = assemble.part(self.config, "precision")
        precision.apply()
        if newer := checking.newer_options(self.config):
            warn(f"{self.folder} is older than these options, which take: {', '.join(newer)}")
        try:
            stored.check_tokenizer(self.folder, snapshot.load_meta(self.checkpoint))
        except CheckpointError as error:
            raise ConfigError([str(error)]) from None
        try:
            return assemble.trained(self.config, self.folder, self.checkpoint, precision)
        except CheckpointError as error:
            raise ConfigError([f"{error}; {self._others()}"]) from None

    def _others(self) -> str:
        """What else of the run can be taken."""
        steps = Checkpoints(self.checkpoint.parent).steps()
        others = [f"checkpoint={one}" for one in steps if f"step-{one}" != self.checkpoint.name]
        return f"take {' or '.join(others)}" if others else "no other checkpoint is kept"
