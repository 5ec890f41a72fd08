"""What makes the variants of a sweep comparable: what they spend alike, what each may choose."""

from collections.abc import Iterator, Sequence

from hydra.errors import HydraException
from omegaconf import DictConfig

from attn import overrides, trials
from attn.overrides import Given
from attn.preflight import Preflight
from attn.registry import as_yaml
from attn.sweeps import matched, tuned
from attn.sweeps.planning import Planned


def problems(
    preflight: Preflight, given: Sequence[Given], planned: Sequence[Planned] | None
) -> list[str]:
    """Why what is asked cannot be had; ``planned`` is None where jobs are not known beforehand."""
    many = [one for one in given if one.override.is_sweep_override()]
    swept = [one for one in many if one.key in {"match", "tuned"}]
    if swept:
        return [f"{one.typed}: takes one value, for all jobs of a sweep" for one in swept]
    cfg = _config(preflight, given)
    if planned is None:
        return [
            f"{one}: its jobs must be known beforehand; take sweeper=basic" for one in _asked(cfg)
        ]
    found = [*tuned.problems(cfg.tuned, given)]
    return found or [*matched.problems(preflight, planned, given)]


def alone(preflight: Preflight, given: Sequence[Given]) -> list[str]:
    """Why a single job cannot have what is asked."""
    asked = _asked(_config(preflight, given))
    return [f"{one}: is for the variants of a sweep; add -m and options to sweep" for one in asked]


def known(preflight: Preflight, planned: list[Planned], digest: str) -> list[Planned] | None:
    """The jobs as they were settled when the same sweep was asked for; None if that is to do."""
    try:
        cfg = preflight.config(planned[0].arguments)
        found = matched.kept_of(preflight, planned, digest)
    except HydraException:
        return None
    if found is None or not cfg.tuned:
        return found
    return found if trials.reported(found[0].entry.study, tuned.sweep_of(found)) else None


def settle(preflight: Preflight, planned: list[Planned], digest: str) -> list[Planned]:
    """The jobs with what makes their variants comparable, which is told.

    Raises:
        WriteError: it could not be kept.
    """
    found = matched.solved(preflight, planned, digest)
    if options := _options(preflight, found):
        tuned.announce(preflight, found, options)
    return found


def finish(preflight: Preflight, planned: Sequence[Planned], digest: str) -> int:
    """What is left to do when all jobs have ended; the exit code."""
    options = _options(preflight, planned)
    return tuned.finish(planned, options, digest) if options else 0


def _options(preflight: Preflight, planned: Sequence[Planned]) -> list[str]:
    return list(preflight.config(planned[0].arguments).tuned)


def _config(preflight: Preflight, given: Sequence[Given]) -> DictConfig:
    return preflight.config(next(overrides.jobs(preflight.with_axes(given))))


def _asked(cfg: DictConfig) -> Iterator[str]:
    asked = {"match": cfg.match, "tuned": list(cfg.tuned)}
    yield from (f"{key}={as_yaml(value)}" for key, value in asked.items() if value)
