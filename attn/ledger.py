"""Which run a job of a sweep made: a small file for each job, in the folder of its study.

A job is known by its arguments, in whatever order. What it was asked with beside them - the version
of the program, the YAML files, the folder that it was called from - is kept as a digest, the files
that it read as stamps. Where all of that is as it was, and the run's own status says that it is
finished, so is the job: nothing of it needs to be imported, read or built to know that.
"""

import dataclasses
import re
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import attn
from attn import claims, edition, runs
from attn.files import checksum_of, data_folder, read_json, write_json
from attn.touched import Stamps, unchanged

FOLDER = ".jobs"
# Of no importance to what a job trains.
APART = ("output=", "study=", "match=", "tuned=", "fail_fast=", "sweep.", "sweep=")
PRIMARY = ("shell.yaml", "train.yaml")  # of the commands' files, those of the one that trains
SWEEP = re.compile(r"^sweep:.*\n(?:[ \t#-].*\n|\n)*", re.MULTILINE)
_at_work: "list[Entry]" = []


@dataclasses.dataclass
class Entry:
    """What is known of one job; ``run`` is its folder below that of the study, once it is known."""

    study: Path
    arguments: list[str]
    digest: str
    run: str | None = None
    files: Stamps = dataclasses.field(default_factory=dict)
    state: str = "planned"
    why: str = ""
    since: str = ""

    @property
    def name(self) -> str:
        """What tells the job from others."""
        return name_of(self.arguments)

    @property
    def folder(self) -> Path | None:
        """The folder of its run, as far as that is known."""
        return None if self.run is None else self.study / self.run

    def finished(self) -> bool:
        """Whether it is done, and nothing that it was made of has changed since."""
        if self.state != "finished" or self.folder is None:
            return False
        return runs.status(self.folder) == "finished" and unchanged(self.files)

    def holder(self) -> str | None:
        """The process that trains its run, if one does."""
        return None if self.folder is None else claims.holder(self.folder)

    def save(self, state: str, why: str = "") -> None:
        """Keep what is known, with a new state: planned, finished or failed, and why.

        Raises:
            WriteError: it could not be written.
        """
        self.state, self.why, self.since = state, why, runs.clock(time.time())
        kept = {key: value for key, value in dataclasses.asdict(self).items() if key != "study"}
        write_json(self.study / FOLDER / f"{self.name}.json", kept)


def name_of(arguments: Sequence[str]) -> str:
    """Twelve digits that two jobs share if their arguments are the same, but for the order."""
    return checksum_of(sorted(one for one in arguments if not one.startswith(APART)))[:12]


def entry(study: Path, arguments: Sequence[str], digest: str) -> Entry:
    """What is known of a job, nothing if it was asked with other files, or never."""
    known = _read(study, study / FOLDER / f"{name_of(arguments)}.json")
    if known is not None and known.digest == digest:
        return known
    return Entry(study, list(arguments), digest)


def entries(study: Path) -> list[Entry]:
    """Every job of a study that is known."""
    found = (_read(study, path) for path in sorted((study / FOLDER).glob("*.json")))
    return [one for one in found if one is not None]


def _read(study: Path, path: Path) -> Entry | None:
    try:
        return Entry(study=study, **read_json(path))
    except (OSError, ValueError, RecursionError, TypeError):
        return None  # as if the job had not been asked for yet


def digest(config_dir: str | None) -> str:
    """What all jobs of a command line are asked with, beside their arguments."""
    folders: list[Any] = [files("attn.conf"), *([Path(config_dir)] if config_dir else [])]
    groups = {inside.name for inside in folders[0].iterdir() if inside.is_dir()}
    texts = [dict(_texts(folder, {*groups, *PRIMARY})) for folder in folders]
    program = [attn.__version__, edition.code()]
    return checksum_of([program, str(Path.cwd()), str(data_folder()), texts])[:16]


def _texts(folder: Any, within: Container[str] | None = None) -> Iterator[tuple[str, str]]:
    """The YAML files of a folder, without the axes of studies, which stand in arguments."""
    for inside in folder.iterdir():
        if within is not None and inside.name not in within:
            continue
        if inside.name.endswith(".yaml"):
            yield inside.name, SWEEP.sub("", inside.read_text(encoding="utf-8", errors="replace"))
        elif inside.is_dir():
            yield from ((f"{inside.name}/{name}", text) for name, text in _texts(inside))


@contextmanager
def working(job: Entry) -> Iterator[None]:
    """While a job runs, what it tells of itself belongs to its entry."""
    _at_work.append(job)
    try:
        yield
    finally:
        _at_work.remove(job)


def told(run: Path, read: Stamps) -> None:
    """Keep which run the job at work makes, and from which files; nothing if no sweep runs it.

    Raises:
        WriteError: it could not be written.
    """
    if _at_work:
        job = _at_work[-1]
        job.run = str(run.relative_to(job.study))
        job.files = {**job.files, **read}
        job.save(job.state)
