"""The variants of a sweep: jobs that are to be compared with each other.

Jobs that differ in nothing but their seeds, or in what is tuned, are of one variant.
"""

import dataclasses
from collections.abc import Collection, Iterable, Sequence

from attn.overrides import Given
from attn.sweeps.planning import Planned

APART = {"seed", "output", "study", "sweep", "fail_fast", "plugins", "match", "tuned", "hydra"}
ALONE = "all runs"  # the words for a variant beside which there is no other


@dataclasses.dataclass(frozen=True)
class Group:
    """The jobs of a variant, the words that tell it from others, the arguments that all have."""

    label: str
    arguments: tuple[str, ...]
    jobs: Sequence[Planned]


def groups(planned: Sequence[Planned], apart: Collection[str] = ()) -> list[Group]:
    """The variants, in the order of their first jobs; options ``apart`` tell none from others."""
    found: dict[tuple[str, ...], list[Planned]] = {}
    for job in planned:
        own = sorted(one.quoted for one in _own(job, apart))
        found.setdefault(tuple(own), []).append(job)
    differing = _differing([one for job in planned for one in _own(job, apart)])
    return [Group(_label(jobs[0], differing), arguments, jobs) for arguments, jobs in found.items()]


def _own(job: Planned, apart: Collection[str]) -> list[Given]:
    hydras = (one for one in job.arguments if not one.override.is_hydra_override())
    return [one for one in hydras if one.section not in APART and name_of(one) not in apart]


def name_of(one: Given) -> str:
    """What an argument sets, as a config calls it: of ``attention@cross_attention`` the end."""
    return one.key.rpartition("@")[2]


def _differing(every: Iterable[Given]) -> set[str]:
    values: dict[str, set[str]] = {}
    for one in every:
        values.setdefault(one.key, set()).add(one.quoted)
    return {key for key, those in values.items() if len(those) > 1}


def _label(job: Planned, keys: Collection[str]) -> str:
    return " ".join(one.typed for one in job.arguments if one.key in keys) or ALONE
