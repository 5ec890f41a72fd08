"""How the jobs of a sweep ended: a file each in a folder of the sweep, whoever ran them."""

import dataclasses
from pathlib import Path

from attn.files import read_json, write_json


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended, why, whether its input was wrong, and the arguments of the job.

    It is ``interrupted`` from its begin to its end, which a killed process does not tell.
    """

    state: str
    why: str = ""
    wrong: bool = False
    label: str = ""


def tell(folder: Path, job: str, outcome: Outcome) -> None:
    """Keep the outcome of a job; WriteError if that cannot be."""
    write_json(folder / f"{job}.json", dataclasses.asdict(outcome))


def forget(folder: Path, job: str) -> None:
    """As if a job, which is to be launched again, had not been told of."""
    (folder / f"{job}.json").unlink(missing_ok=True)


def told(folder: Path) -> dict[str, Outcome]:
    """The outcomes so far, by job."""
    return {path.stem: Outcome(**read_json(path)) for path in sorted(folder.glob("*.json"))}
