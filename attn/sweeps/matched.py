"""What ``match`` sets in the jobs of a sweep, before they are launched."""

import dataclasses
import importlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from attn import ledger, overrides, tables
from attn.matching import kept
from attn.matching.kept import Matched, Solution
from attn.overrides import Given
from attn.preflight import Preflight
from attn.registry import as_yaml
from attn.sweeps.planning import Planned
from attn.sweeps.variants import Group, groups

SPENT = {
    "params": "parameters",
    "flops": "FLOPs of a step",
    "tokens": "target tokens",
    "time": "seconds of training",
}
TRAINING = ("optimizer", "schedule", "loss")  # sections of which a job costs no more or less


def problems(
    preflight: Preflight, planned: Sequence[Planned], given: Sequence[Given]
) -> Iterator[str]:
    """Why the variants of a sweep cannot be matched, if they are to be."""
    cfg = preflight.config(planned[0].arguments)
    if cfg.match is None:
        return
    found = groups(planned, _apart(cfg))
    if len(found) == 1:
        yield f"match={cfg.match}: there is one variant alone; sweep something beside seeds"
        return
    configs = [preflight.config(one.jobs[0].arguments) for one in found]
    yield from dict.fromkeys(line for one in configs for line in _each(cfg.match, one))
    altered = {_option(cfg.match, one) for one in configs[1:]}
    for one in given:
        whole = one.key == kept.STEPS and not one.override.is_sweep_override()  # of the first
        if one.key in altered and not whole:
            yield f"{one.typed}: match={cfg.match} solves for {one.key}; leave one of them out"


def kept_of(preflight: Preflight, planned: list[Planned], digest: str) -> list[Planned] | None:
    """The jobs as they were solved when the same sweep was asked for before; None if never."""
    cfg = preflight.config(planned[0].arguments)
    if cfg.match is None:
        return planned
    found = groups(planned, _apart(cfg))
    for one in kept.load(planned[0].entry.study):
        same = [tuple(arguments) for arguments in one.variants] == [g.arguments for g in found]
        if same and (one.kind, one.digest) == (cfg.match, digest):
            return _set(planned, found, one.solutions, digest)
    return None


def solved(preflight: Preflight, planned: list[Planned], digest: str) -> list[Planned]:
    """The jobs with what is solved for their variants, which is told and kept.

    Raises:
        WriteError: it could not be kept.
    """
    cfg = preflight.config(planned[0].arguments)
    if cfg.match is None:
        return planned
    study, found = planned[0].entry.study, groups(planned, _apart(cfg))
    solutions = _solutions(cfg.match, preflight, found, _measured(study, digest, found))
    _say(cfg.match, solutions)
    jobs = _set(planned, found, solutions, digest)
    names = dict(zip(map(id, planned), (job.entry.name for job in jobs), strict=True))
    by_variant = [[names[id(job)] for job in one.jobs] for one in found]
    arguments = [one.arguments for one in found]
    kept.save(study, Matched(cfg.match, digest, arguments, solutions, by_variant))
    return jobs


def _each(kind: str, cfg: DictConfig) -> Iterator[str]:
    """What in a variant keeps it from being matched."""
    if kind != "params" and cfg.batches.tokens == "auto":
        yield f"match={kind}: batches.tokens=auto is settled in training; give a number of tokens"
    if kind in ("tokens", "time"):
        for option in ("minutes", "patience"):
            if (value := cfg.trainer[option]) is not None:
                yield (
                    f"match={kind}: trainer.{option}={as_yaml(value)} may end training before the "
                    "steps that are solved for; leave it null"
                )


def _option(kind: str, cfg: DictConfig) -> str:
    """What is solved for first."""
    options = kept.OPTIONS[kind]
    return next((one for one in options if OmegaConf.select(cfg, one) is not None), options[-1])


def _apart(cfg: DictConfig) -> list[str]:
    """The tuned options of which a job costs no more and no less."""
    return [one for one in cfg.tuned if one.partition(".")[0] in TRAINING]


def _measured(study: Path, digest: str, found: Sequence[Group]) -> list[float | None]:
    """The seconds of a step, where they were measured beside the same first variant before."""
    first, seconds = found[0].arguments, dict[tuple[str, ...], float]()
    for one in kept.load(study):
        if one.digest == digest and tuple(one.variants[0]) == first:
            seconds |= one.seconds()
    return [seconds.get(one.arguments) for one in found]


def _solutions(
    kind: str, preflight: Preflight, found: Sequence[Group], known: Sequence[float | None]
) -> list[Solution]:
    # Torch comes with it.
    solving = importlib.import_module("attn.matching.solving")
    variants = [
        solving.Variant(
            one.label,
            preflight.config(one.jobs[0].arguments),
            frozenset(given.key for given in one.jobs[0].arguments),
        )
        for one in found
    ]
    solutions: list[Solution] = solving.solve(kind, variants, known)
    return solutions


def _set(
    planned: Sequence[Planned], found: Sequence[Group], solutions: Sequence[Solution], digest: str
) -> list[Planned]:
    """The jobs in their order, each with what is set in its variant."""
    pairs = zip(found, solutions, strict=True)
    sets = {id(job): solution for group, solution in pairs for job in group.jobs}
    return [_with(job, sets[id(job)].arguments, digest) for job in planned]


def _with(job: Planned, arguments: Sequence[str], digest: str) -> Planned:
    """The same job with more arguments, in place of those with the same keys."""
    more, _ = overrides.parse(arguments)
    keys = {one.key for one in more}
    before = [one for one in job.entry.arguments if one.partition("=")[0] not in keys]
    entry = ledger.entry(job.entry.study, [*before, *arguments], digest)
    others = (one for one in job.arguments if one.key not in keys)
    return dataclasses.replace(job, arguments=(*others, *more), entry=entry)


def _say(kind: str, solutions: Sequence[Solution]) -> None:
    """What is set, what each variant spends, and where that is not as it should be."""
    first, *_ = solutions
    sys.stdout.write(f"match={kind}: what the variants spend, beside {first.variant}\n")
    header = ["variant", "set to", SPENT[kind], "difference"]
    tables.show(header, [_row(one) for one in solutions])
    for one in solutions:
        if one.why:
            sys.stdout.write(f"{one.variant} differs by {one.percent:+.1f} %: {one.why}\n")


def _row(one: Solution) -> list[str]:
    amount = f"{one.amount:,.0f}" if one.amount >= 1000 else f"{one.amount:.1f}"
    return [one.variant, " ".join(one.arguments) or "-", amount, f"{one.percent:+.2f} %"]
