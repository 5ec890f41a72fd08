"""What was solved for the variants of a sweep, as the folder of its study keeps it."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attn.files import read_json, update_json, write_json
from attn.registry import as_yaml, suggest

FILE = "match.json"
FEEDFORWARD, WIDTH, STEPS = "model.feedforward_dim", "model.dim", "trainer.steps"
OPTIONS = {
    "params": (FEEDFORWARD, WIDTH),
    "flops": (FEEDFORWARD, WIDTH),
    "tokens": (STEPS,),
    "time": (STEPS,),
}
KINDS = tuple(OPTIONS)
CLOSE = 1.0  # percent by which a variant may differ


def problems(match: Any) -> list[str]:
    """Why nothing of this name can be made equal, if so."""
    if match in {None, *KINDS}:
        return []
    return [f"match={as_yaml(match)}: unknown; {suggest(str(match), KINDS)}"]


@dataclasses.dataclass(frozen=True)
class Solution:
    """What is set in a variant; how much it then spends, and the first variant does; why not less.

    ``sets`` has the options, by dotted key, and is empty where nothing needs to be set. ``step``
    has the seconds that a step was measured to take.
    """

    variant: str
    sets: Mapping[str, int]
    amount: float
    target: float
    why: str = ""
    step: float | None = None

    @property
    def percent(self) -> float:
        """By how much it differs from the first variant."""
        return 100 * (self.amount / self.target - 1)

    @property
    def close(self) -> bool:
        """Whether that is as little as it should be."""
        return abs(self.percent) <= CLOSE

    @property
    def arguments(self) -> list[str]:
        """The arguments that set it."""
        return [f"{option}={value}" for option, value in self.sets.items()]


@dataclasses.dataclass(frozen=True)
class Matched:
    """The variants of a sweep: the arguments of each, its solution, and the names of its jobs.

    ``digest`` stands for all that the sweep was asked with beside its arguments.
    """

    kind: str
    digest: str
    variants: Sequence[Sequence[str]]
    solutions: Sequence[Solution]
    jobs: Sequence[Sequence[str]]

    def seconds(self) -> dict[tuple[str, ...], float]:
        """The measured seconds of a step, by the arguments of the variant."""
        pairs = zip(self.variants, self.solutions, strict=True)
        return {tuple(key): one.step for key, one in pairs if one.step is not None}


def load(study: Path) -> list[Matched]:
    """All that was solved in a study; nothing of what is not as it was written."""
    try:
        return [
            Matched(**{**one, "solutions": [Solution(**each) for each in one["solutions"]]})
            for one in read_json(study / FILE)["sweeps"]
        ]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return []


def save(study: Path, matched: Matched) -> None:
    """Keep a solution, in place of an earlier one of the same sweep.

    Raises:
        WriteError: it could not be written.
    """

    def same(one: Mapping[str, Any]) -> bool:
        return [one["kind"], one["variants"]] == [matched.kind, [*map(list, matched.variants)]]

    def add(every: dict[str, Any]) -> None:
        others = [one for one in every.get("sweeps", []) if not same(one)]
        every["sweeps"] = [*others, dataclasses.asdict(matched)]

    update_json(study / FILE, add)


def leave(study: Path, job: str, run: Path) -> None:
    """Keep with the run of a job what was solved for its variant, if anything was.

    Raises:
        WriteError: it could not be written.
    """
    for one in load(study):
        for names, solution in zip(one.jobs, one.solutions, strict=True):
            if job in names:
                write_json(run / FILE, {"match": one.kind, **dataclasses.asdict(solution)})
