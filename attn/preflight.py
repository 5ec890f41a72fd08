"""Every problem of a command line, found before anything runs."""

from collections.abc import Callable, Iterator, Sequence

from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from attn import keys, modules, naming, overrides, sources
from attn.composing import Composer, one_line
from attn.overrides import Given
from attn.registry import ConfigError, as_yaml, suggest

Check = Callable[[DictConfig], list[str]]
Unused = Callable[[DictConfig], dict[str, str]]
OF_SWEEPS = {"launcher", "sweeper", "fail_fast"}


class Preflight(Composer):
    """Finds the problems of a command's arguments, job by job."""

    def __init__(
        self, command: str, check: Check | None = None, unused: Unused | None = None
    ) -> None:
        super().__init__(command)
        self.checks(check, unused)

    def checks(self, check: Check | None, unused: Unused | None = None) -> None:
        """What a command has against its config, and sets in vain, now that its parts are known."""
        self.check = check or (lambda _: [])
        self.unused = unused or (lambda _: {})
        self._groups = {}  # plug-ins may have added to them

    def problems(self, given: Sequence[Given], *, multirun: bool, shown: bool = False) -> list[str]:
        """One line a problem; in a sweep each once, naming a job if others are free of it.

        A config that is only shown may lack values.
        """
        self.shown = shown
        found = list(self._misplaced(given, multirun=multirun))
        if not (multirun or shown):
            found += [f"{one.typed}: is of sweeps; add -m" for one in given if one.key in OF_SWEEPS]
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

    def _misplaced(self, given: Sequence[Given], *, multirun: bool) -> Iterator[str]:
        if multirun and self.once:
            yield f"-m: attn {self.command} runs once, it does not sweep"
        for one in given:
            if one.override.is_sweep_override():
                if one.section == "sweep" or one.override.is_hydra_override():
                    yield f"{one.typed}: {_unswept(one)}"
                elif self.once:
                    yield f"{one.typed}: takes one value"
                elif not multirun:
                    yield f"{one.typed}: takes one value; {self._instead(one, given)}"
                elif self._is_group(one) and any(o.override.value() is None for o in one.single()):
                    yield f"{one.typed}: null cannot be swept; run it by itself"

    def _instead(self, one: Given, given: Sequence[Given]) -> str:
        """What to write for several values; what is null by default may take a list."""
        cfg = None if self._is_group(one) or not one.parted else self._composable(given)
        tree = {} if cfg is None else OmegaConf.to_container(cfg)
        if one.key in keys.dotted(tree) and naming.at(tree, one.key) is None:
            key, _, values = one.typed.partition("=")
            return f"add -m to run every combination, or write {key}=[{values}] if it takes a list"
        return "add -m to run every combination"

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
        return found or [f"{' '.join(one.typed for one in groups)}: {one_line(error)}"]

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
            return [] if missing else [one_line(error)]
        except OmegaConfBaseException as error:
            return [f"{error.full_key}: {one_line(error)}"]
        except OSError as error:
            return [naming.unreachable(error, job)]

    def _refused(self, one: Given, groups: Sequence[Given]) -> str | None:
        """What Hydra has against an argument that belongs to itself, if anything."""
        try:
            self._applied([*groups, *(() if one in groups else (one,))])
        except HydraException as error:
            return one_line(error.__cause__ or error)
        return None


def _broken(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """The options that refer to nothing, and what is to be said of each."""
    tree = OmegaConf.to_container(cfg)
    for key in keys.dotted(tree):
        written = naming.at(tree, key)
        if isinstance(written, str) and "${" in written:
            try:
                OmegaConf.select(cfg, key)
            except OmegaConfBaseException as error:
                yield key, f"{key}={written}: {one_line(error)}"


def _in_file(one: Given, reason: str) -> str:
    """The user's file that a part comes from, unless a reason names it."""
    file = sources.file_of(one.override.key_or_group, one.override.value())
    return f" ({file})" if file and str(file) not in reason else ""


def _unswept(one: Given) -> str:
    """Why something is never swept."""
    if one.section == "sweep":
        return f"sweeps an axis; write -m {one.typed.partition('.')[2]} in its place"
    return "Hydra's own options cannot be swept"
