"""The configs that command lines ask for, composed by Hydra, each set of parts once."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Glob
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigLoadError
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from attn import naming, overrides, runs, sources
from attn.overrides import Given
from attn.registry import as_yaml, suggest
from attn.settling import settle

GLOBS = "glob(...) stands for the names of a group that match, and here none does"


class Composer:
    """Composes the config of a command from its arguments, with Hydra initialized."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.choices: dict[str, Any] = {}
        self._groups: dict[str, list[str]] = {}
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._studies: dict[tuple[Given, ...], Path] = {}
        base = copy.deepcopy(self._compose(()))
        self.once = base.hydra.mode is RunMode.RUN
        self.choices |= base.hydra.runtime.choices
        with open_dict(base):
            del base["hydra"]
        self.base = OmegaConf.to_container(base)
        self.sections = [str(key) for key in base]

    def placed(self, given: Sequence[Given]) -> tuple[list[Given], list[str]]:
        """The arguments, a place that is named alone with its group before it, and their problems.

        So ``target_tokenizer=bpe`` is ``tokenizer@target_tokenizer=bpe``, and ``attention=glob(*)``
        every name of the group.
        """
        groups = {place.partition("@")[2]: place for place in self.choices if "@" in place}
        named = [
            overrides.with_key(one, groups[one.key])
            if one.changes and one.key in groups and not isinstance(one.override.value(), dict)
            else one
            for one in given
        ]
        globs = {one: self._matching(one) for one in named if _glob(one)}
        found, twice = overrides.once([
            overrides.with_value(one, ",".join(globs[one])) if one in globs else one
            for one in named
            if globs.get(one) != []
        ])
        return found, [*twice, *(f"{one.typed}: {GLOBS}" for one in globs if not globs[one])]

    def _matching(self, one: Given) -> list[str]:
        """The names of a group that a glob stands for; none of what is no group."""
        names = self._names(one.override.key_or_group) if self._is_group(one) else []
        glob = _glob(one)
        return glob.filter(names) if glob else names

    def lists(self, given: Sequence[Given]) -> list[Given]:
        """The arguments; values parted by commas as a list, for an option that takes one."""
        if not any(one.parted for one in given) or self.sweeps_itself(given):
            return list(given)
        cfg = self._composable(given)
        tree = {} if cfg is None else OmegaConf.to_container(cfg)
        return [
            overrides.with_value(one, f"[{one.quoted.partition('=')[2]}]")
            if one.parted and one.changes and isinstance(naming.at(tree, one.key), list)
            else one
            for one in given
        ]

    def argument(self, one: Given) -> str:
        """An argument as Hydra takes it; a place is emptied by removing its part."""
        empties = self._is_group(one) and one.changes and one.override.value() is None
        return f"~{one.key}" if empties else _axis(one).quoted

    def sweeps_itself(self, given: Sequence[Given]) -> bool:
        """Whether many jobs are asked for by a study or ``hydra.mode`` and not by ``-m``."""
        cfg = self._composable(given)
        return cfg is not None and (cfg.hydra.mode is RunMode.MULTIRUN or bool(_axes(cfg)))

    def with_axes(self, given: Sequence[Given]) -> list[Given]:
        """The arguments behind what a study sweeps beside them, which they replace.

        A study has its axes in its section ``sweep``, or in ``hydra.sweeper.params``.
        """
        cfg = self._composable(given)
        if cfg is None:
            return list(given)
        params = cfg.hydra.sweeper.get("params") or {}
        written = {str(key): str(value) for key, value in params.items()} | _axes(cfg)
        swept, _ = overrides.parse([f"{key}={value}" for key, value in written.items()])
        placed, _ = self.placed(swept)
        return [*(one for one in placed if one.key not in {other.key for other in given}), *given]

    def study(self, job: Sequence[Given]) -> Path:
        """The folder of the study that a job belongs to; HydraException if it has none."""
        own = tuple(one for one in job if one.section in {"experiment", "output", "study"})
        if own not in self._studies:
            cfg = self._settled(self._applied(own), own)
            self._studies[own] = Path(cfg.output) / runs.safe(cfg.study)
        return self._studies[own]

    def config(self, job: Sequence[Given]) -> DictConfig:
        """The config of a job as its command will see it; HydraException if it has none."""
        return self._settled(self._applied(job), job)

    def hydras(self, given: Sequence[Given]) -> DictConfig | None:
        """What is asked of Hydra itself; None where the parts cannot be composed."""
        cfg = self._composable(given)
        return None if cfg is None else cfg.hydra

    def _composable(self, given: Sequence[Given]) -> DictConfig | None:
        """The config of the parts that can be composed and what is said of sweeps; None if none."""
        single = [one for one in given if not one.override.is_sweep_override()]
        groups = [one for one in single if self._is_group(one) and not self._group_problem(one)]
        own = [one for one in single if one.section in {"sweep", "hydra"} and one not in groups]
        try:
            return self._applied([*groups, *own])
        except HydraException:
            return None

    @staticmethod
    def _settled(cfg: DictConfig, job: Sequence[Given]) -> DictConfig:
        """The config as the command will see it."""
        settle(cfg, cfg.hydra.runtime.choices, [one.key for one in job])
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg

    def _applied(self, job: Sequence[Given]) -> DictConfig:
        """The config of a job: parts composed by Hydra, then values set as Hydra sets them."""
        groups = [one for one in job if self._is_group(one)]
        cfg = copy.deepcopy(self._compose(groups))
        values = [_axis(one).override for one in job if one not in groups]
        ConfigLoaderImpl._apply_overrides_to_config(values, cfg)
        return cfg

    def _compose(self, groups: Sequence[Given]) -> DictConfig:
        quoted = [self.argument(one) for one in groups]
        if tuple(quoted) not in self._composed:
            try:
                cfg = hydra.compose(self.command, quoted, return_hydra_config=True)
            except HydraException:
                raise
            except Exception as error:  # what Hydra makes of users' YAML files has no end
                raise ConfigLoadError(one_line(error)) from error
            self._composed[tuple(quoted)] = cfg
        return self._composed[tuple(quoted)]

    def _names(self, group: str) -> list[str]:
        if group not in self._groups:
            loader = GlobalHydra.instance().config_loader()
            names = loader.get_group_options(group, results_filter=ObjectType.CONFIG)
            self._groups[group] = names
        return self._groups[group]

    def _is_group(self, one: Given) -> bool:
        if isinstance(one.override.value(), dict) or "." in one.key:
            return False
        return "@" in one.key or one.key in self.choices or bool(self._names(one.key))

    def _group_problem(self, one: Given) -> str | None:
        group, value = one.override.key_or_group, one.override.value()
        if one.key not in self.choices:
            places = [place for place in self.choices if not place.startswith("hydra/")]
            if not places:
                return f"attn {self.command} takes no parts"
            return f"attn {self.command} has no such place; {suggest(one.key, places)}"
        if not one.changes:
            return "a part is neither added nor removed; write GROUP=NAME"
        if value is None and self.choices[one.key] is None:
            return None
        folder, _, name = f"{group}/{value}".rpartition("/")
        if value is None or name not in self._names(folder):
            unknown = f"unknown {group}; {suggest(as_yaml(value), self._names(group))}"
            return sources.misnamed(group, value) or unknown
        return None


def _glob(one: Given) -> Glob | None:
    value: object = one.override.value()
    return value if isinstance(value, Glob) else None


def _axis(one: Given) -> Given:
    """An argument that sets an axis, of whose key Hydra would take the dots for sections."""
    section, _, axis = one.key.partition(".")
    if section != "sweep" or "." not in axis:
        return one
    value = one.quoted.partition("=")[2]
    return overrides.with_value(overrides.with_key(one, section), f"{{{axis}: {value}}}")


def _axes(cfg: DictConfig) -> dict[str, str]:
    """The axes of a study, ``{key: [values]}``, as they are swept on a command line."""
    section = cfg.get("sweep")
    axes = OmegaConf.to_container(section) if isinstance(section, DictConfig) else {}
    assert isinstance(axes, dict)
    return {
        str(key): ",".join(map(as_yaml, value)) if isinstance(value, list) else as_yaml(value)
        for key, value in axes.items()
        if value not in (None, [])
    }


def one_line(error: BaseException) -> str:
    """What Hydra or OmegaConf say, without their search paths and types."""
    if isinstance(error, RecursionError):
        return "its defaults lead back to itself"
    said, _, _ = str(error).partition("full_key:")
    line = " ".join(said.partition("Config search path:")[0].split())
    if re.search("DictConfig with ListConfig", line):
        return "a list stands where a section, with options below it, belongs"
    if unfound := re.search("Could not load '(.+)/(.+)'", line):
        return f"defaults name {unfound[2]}, and attn list {unfound[1]} has none of that name"
    return line
