"""Every problem of a command line, found before anything runs."""

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigLoadError
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from attn import keys, modules, naming, overrides, runs, sources
from attn.overrides import Given
from attn.registry import ConfigError, as_yaml, suggest
from attn.settling import settle

Check = Callable[[DictConfig], list[str]]
Unused = Callable[[DictConfig], dict[str, str]]


class Preflight:
    """Finds the problems of a command's arguments, job by job, with Hydra initialized."""

    def __init__(
        self, command: str, check: Check | None = None, unused: Unused | None = None
    ) -> None:
        self.command = command
        self.checks(check, unused)
        self.choices: dict[str, Any] = {}
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._studies: dict[tuple[Given, ...], Path] = {}
        base = copy.deepcopy(self._compose(()))
        self.once = base.hydra.mode is RunMode.RUN
        self.choices |= base.hydra.runtime.choices
        with open_dict(base):
            del base["hydra"]
        self.base = OmegaConf.to_container(base)
        self.sections = [str(key) for key in base]

    def checks(self, check: Check | None, unused: Unused | None = None) -> None:
        """What a command has against its config, and sets in vain, now that its parts are known."""
        self.check = check or (lambda _: [])
        self.unused = unused or (lambda _: {})
        self._groups: dict[str, list[str]] = {}

    def placed(self, given: Sequence[Given]) -> tuple[list[Given], list[str]]:
        """The arguments, a place that is named alone with its group before it, and their problems.

        So ``target_tokenizer=bpe`` is ``tokenizer@target_tokenizer=bpe``.
        """
        groups = {place.partition("@")[2]: place for place in self.choices if "@" in place}
        named = [
            overrides.with_key(one, groups[one.key])
            if one.changes and one.key in groups and not isinstance(one.override.value(), dict)
            else one
            for one in given
        ]
        return overrides.once(named)

    def problems(self, given: Sequence[Given], *, multirun: bool, shown: bool = False) -> list[str]:
        """One line a problem; in a sweep each once, naming a job if others are free of it.

        A config that is only shown may lack values.
        """
        self.shown = shown
        found = list(self._misplaced(given, multirun=multirun))
        if found:
            given = [one for one in given if not one.override.is_sweep_override()]
        if multirun:
            given = self.with_axes(given)
        by_job = [(job, self._job_problems(job)) for job in overrides.jobs(given)]
        if given and not any(lines for _, lines in by_job):
            found += self._ignored(given, [job for job, _ in by_job])
        first: dict[str, tuple[Given, ...]] = {}
        for job, lines in by_job:
            for line in lines:
                first.setdefault(line, job)
        return found + [
            line + naming.when(line, [one for one in job if one not in given], by_job)
            for line, job in first.items()
        ]

    def package_problems(self, given: Sequence[Given], package: str) -> list[str]:
        """Why a section cannot be shown, if so."""
        groups = [one for one in given if self._is_group(one) and not self._group_problem(one)]
        try:
            tree = OmegaConf.to_container(self._compose(groups))
        except HydraException:
            return []
        if isinstance(naming.at(tree, package), dict):
            return []
        known = [key for key in keys.dotted(tree) if isinstance(naming.at(tree, key), dict)]
        ours = [key for key in known if not key.startswith("hydra")]
        return [f"--package={package}: unknown section; {suggest(package, ours)}"]

    def sweeps_itself(self, given: Sequence[Given]) -> bool:
        """Whether many jobs are asked for by a study or ``hydra.mode`` and not by ``-m``."""
        cfg = self._composable(given)
        return cfg is not None and (cfg.hydra.mode is RunMode.MULTIRUN or bool(cfg.get("sweep")))

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

    def argument(self, one: Given) -> str:
        """An argument as Hydra takes it; a place is emptied by removing its part."""
        empties = self._is_group(one) and one.changes and one.override.value() is None
        return f"~{one.key}" if empties else one.quoted

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

    def _composable(self, given: Sequence[Given]) -> DictConfig | None:
        """The config of the parts that can be composed and what is said of sweeps; None if none."""
        single = [one for one in given if not one.override.is_sweep_override()]
        groups = [one for one in single if self._is_group(one) and not self._group_problem(one)]
        own = [one for one in single if one.section in {"sweep", "hydra"} and one not in groups]
        try:
            return self._applied([*groups, *own])
        except HydraException:
            return None

    def _misplaced(self, given: Sequence[Given], *, multirun: bool) -> Iterator[str]:
        if multirun and self.once:
            yield f"-m: attn {self.command} runs once, it does not sweep"
        for one in given:
            if one.override.is_sweep_override():
                if one.override.is_hydra_override():
                    yield f"{one.typed}: Hydra's own options cannot be swept"
                elif self.once:
                    yield f"{one.typed}: takes one value"
                elif not multirun:
                    yield f"{one.typed}: takes one value; add -m to run every combination"
                elif self._is_group(one) and any(o.override.value() is None for o in one.single()):
                    yield f"{one.typed}: null cannot be swept; run it by itself"

    def _ignored(self, given: Sequence[Given], jobs: Sequence[Sequence[Given]]) -> Iterator[str]:
        """What is set in vain: sections and options that no job uses."""
        unused = [self.unused(self._settled(self._applied(job), job)) for job in jobs]
        idle = {key: why for key, why in unused[0].items() if all(key in keys for keys in unused)}
        for one in given:
            if one.override.value() is None and self._is_group(one):
                continue  # a place that is left empty
            if key := next(filter(idle.get, (one.section, one.key)), None):
                yield f"{one.typed}: {idle[key]}"
                continue
            inside = ((key, naming.at({one.key: one.override.value()}, key)) for key in idle)
            yield from (f"{key}={as_yaml(v)}: {idle[key]}" for key, v in inside if v is not None)

    def _job_problems(self, job: Sequence[Given]) -> list[str]:
        reasons = {one: self._group_problem(one) for one in job if self._is_group(one)}
        groups = [one for one, reason in reasons.items() if reason is None]
        unknown = {one.section for one, reason in reasons.items() if reason}
        try:
            cfg = self._compose(groups)
        except HydraException as error:
            return [
                *(f"{one.typed}: {reason}" for one, reason in reasons.items() if reason),
                *self._blamed(groups, error),
            ]
        job = [one for one in job if one in reasons or one.section not in unknown]
        for one in job:
            if one not in reasons:
                reasons[one] = keys.problem(one, cfg, self.choices)
        right = [one for one in job if reasons[one] is None]
        try:
            whole = self._whole(self._applied(right), job)
        except HydraException:
            refused = {one: self._refused(one, groups) for one in right}
            reasons |= {one: reason for one, reason in refused.items() if reason}
            whole = []
        return [f"{one.typed}: {reasons[one]}" for one in job if reasons[one]] + whole

    def _blamed(self, groups: Sequence[Given], error: HydraException) -> list[str]:
        """What keeps parts from being composed, told of each that fails by itself."""
        alone = {one: self._refused(one, ()) for one in groups}
        found = [
            f"{one.typed}: {reason}{_in_file(one, reason)}"
            for one, reason in alone.items()
            if reason
        ]
        return found or [f"{' '.join(one.typed for one in groups)}: {_one_line(error)}"]

    @staticmethod
    def _settled(cfg: DictConfig, job: Sequence[Given]) -> DictConfig:
        """The config as the command will see it."""
        settle(cfg, cfg.hydra.runtime.choices, [one.key for one in job])
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg

    def _whole(self, cfg: DictConfig, job: Sequence[Given]) -> list[str]:
        """The problems of a config whose arguments are each right by themselves."""
        tree = OmegaConf.to_container(cfg)
        cfg = self._settled(cfg, job)
        found = [
            f"{key}: unknown key, set by a YAML file; {suggest(key, self.sections)}"
            for key in map(str, cfg)
            if key not in self.sections
        ]
        missing = [str(key) for key in cfg if OmegaConf.is_missing(cfg, key)]
        if not self.shown:
            found += [f"{key}: needs a value; write {key}=VALUE" for key in missing]
        broken = dict(_broken(cfg))
        if any("." not in key for key in broken):
            return [*naming.named(found, tree, job), *broken.values()]
        with open_dict(cfg):
            for key in broken:  # what else is wrong may be why: a part that has no place here
                section, _, option = key.rpartition(".")
                del OmegaConf.select(cfg, section)[option]
        wrong = list(keys.shape_problems(OmegaConf.to_container(cfg), self.base))
        if not wrong and "plugins" not in {one.key for one in job}:
            wrong = modules.load(cfg.plugins)
        found += wrong or self._checked(cfg, missing, job)
        return [*naming.named(found, tree, job), *broken.values()]

    def _checked(self, cfg: DictConfig, missing: list[str], job: Sequence[Given]) -> list[str]:
        """What the command itself has against a config that holds what is usual in each place."""
        try:
            without = tuple(f"{key}={MISSING}:" for key in missing)
            return [line for line in self.check(cfg) if not line.startswith(without)]
        except ConfigError as error:
            return error.problems
        except MissingMandatoryValue as error:
            return [] if missing else [_one_line(error)]
        except OmegaConfBaseException as error:
            return [f"{error.full_key}: {_one_line(error)}"]
        except OSError as error:
            return [naming.unreachable(error, job)]

    def _applied(self, job: Sequence[Given]) -> DictConfig:
        """The config of a job: parts composed by Hydra, then values set as Hydra sets them."""
        groups = [one for one in job if self._is_group(one)]
        cfg = copy.deepcopy(self._compose(groups))
        values = [one.override for one in job if one not in groups]
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
                raise ConfigLoadError(_one_line(error)) from error
            self._composed[tuple(quoted)] = cfg
        return self._composed[tuple(quoted)]

    def _refused(self, one: Given, groups: Sequence[Given]) -> str | None:
        """What Hydra has against an argument that belongs to itself, if anything."""
        try:
            self._applied([*groups, *(() if one in groups else (one,))])
        except HydraException as error:
            return _one_line(error.__cause__ or error)
        return None

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
            return f"unknown {group}; {suggest(as_yaml(value), self._names(group))}"
        return None


def _axes(cfg: DictConfig) -> dict[str, str]:
    """The axes of a study, ``{key: [values]}``, as they are swept on a command line."""
    section = OmegaConf.to_container(cfg.get("sweep") or OmegaConf.create())
    axes = section if isinstance(section, dict) else {}
    return {
        str(key): ",".join(map(as_yaml, value)) if isinstance(value, list) else as_yaml(value)
        for key, value in axes.items()
        if value not in (None, [])
    }


def _broken(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """The options that refer to nothing, and what is to be said of each."""
    tree = OmegaConf.to_container(cfg)
    for key in keys.dotted(tree):
        written = naming.at(tree, key)
        if isinstance(written, str) and "${" in written:
            try:
                OmegaConf.select(cfg, key)
            except OmegaConfBaseException as error:
                yield key, f"{key}={written}: {_one_line(error)}"


def _in_file(one: Given, reason: str) -> str:
    """The user's file that a part comes from, unless a reason names it."""
    file = sources.file_of(one.override.key_or_group, one.override.value())
    return f" ({file})" if file and str(file) not in reason else ""


def _one_line(error: BaseException) -> str:
    """What Hydra or OmegaConf say, without their search paths and types."""
    said, _, _ = str(error).partition("full_key:")
    return " ".join(said.partition("Config search path:")[0].split())
