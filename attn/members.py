"""The models that a command is asked for: one, or several that translate as one."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import MISSING

from attn import __version__, assemble, edition, snapshot
from attn.files import checksum_of, output_problems
from attn.registry import ConfigError, as_yaml
from attn.search import Search
from attn.search.ensemble import Ensemble, Member
from attn.trained import Trained
from attn.translation import Translator

ENSEMBLES, READ_ONLY = "ensembles", "read-only"


def each(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is asked for, of each model by itself: every run, with its checkpoint.

    One checkpoint is that of every run, and of one run there may be several checkpoints.

    Raises:
        ConfigError: an empty list, or other numbers of runs and checkpoints.
    """
    named = {key: asked[key] for key in ("run", "checkpoint")}
    lists = {key: one if isinstance(one, list) else [one] for key, one in named.items()}
    if empty := [f"{key}=[]: names none" for key, one in lists.items() if not one]:
        raise ConfigError(empty)
    runs, checkpoints = lists["run"], lists["checkpoint"]
    if len(runs) != len(checkpoints) and min(len(runs), len(checkpoints)) > 1:
        raise ConfigError([
            f"checkpoint={as_yaml(checkpoints)}: {len(checkpoints)} checkpoints of {len(runs)} "
            "runs; give one for all, or one for each"
        ])
    many = max(len(runs), len(checkpoints))
    pairs = zip(runs * (many // len(runs)), checkpoints * (many // len(checkpoints)), strict=True)
    return [{**asked, "run": run, "checkpoint": checkpoint} for run, checkpoint in pairs]


@dataclasses.dataclass(frozen=True)
class Members:
    """Models that translate as one; the first's search and dataset are those of all."""

    each: tuple[Trained, ...]

    @staticmethod
    def of(asked: Mapping[str, Any]) -> "Members":
        """What a command's config names.

        Raises:
            ConfigError: there is no such run or checkpoint, or a plug-in of a run is missing.
        """
        return Members(tuple(Trained.of(one) for one in each(asked)))

    @staticmethod
    def problems(asked: Mapping[str, Any]) -> list[str]:
        """Everything that is wrong with the models that were asked for; see ``Trained``."""
        try:
            every = each(asked)
        except ConfigError as error:
            return error.problems
        lines = (_listed(line, one, asked) for one in every for line in Trained.problems(one))
        found = list(dict.fromkeys(lines))
        if found or asked["run"] == MISSING:
            return found
        return list(_unequal(asked, every)) if len(every) > 1 else []

    @property
    def first(self) -> Trained:
        """The first of them."""
        return self.each[0]

    def search(self) -> Search:
        """The search that was asked for, else that of the first run."""
        return self.first.search()

    def translator(self) -> Translator:
        """The models, ready to translate, no more at once than the narrowest of them can read."""
        made = [one.translator() for one in self.each]
        if len(made) == 1:
            return made[0]
        return dataclasses.replace(
            made[0],
            model=Ensemble([cast("Member", one.model) for one in made]),
            batches=min((one.batches for one in made), key=lambda one: one.max_length),
        )

    def folder(self, output: Path) -> Path:
        """Where scores are kept: in the run; else below ``output``.

        So are those of an ensemble, and of a run whose folder cannot be written to.
        """
        if len(self.each) == 1 and not output_problems("run", self.first.folder, folder=True):
            return self.first.folder
        sums = [snapshot.load_meta(one.checkpoint)["sha256"] for one in self.each]
        return output / (ENSEMBLES if len(sums) > 1 else READ_ONLY) / checksum_of(sums)[:8]

    def tell(self) -> dict[str, Any]:
        """What scores tell of the models that they are of."""
        told = [_told(one) for one in self.each]
        program = {"attn": __version__, "code": edition.code()}
        if len(told) > 1:
            runs = zip(self.each, told, strict=True)
            members = [{"run": str(one.folder), **which} for one, which in runs]
            return {"name": "ensemble", "members": members, **program}
        return {**told[0], **program}


def _told(one: Trained) -> dict[str, Any]:
    meta = snapshot.load_meta(one.checkpoint)
    return {"name": one.checkpoint.name, "step": meta["step"], "sha256": meta["sha256"]}


def _listed(line: str, one: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """A problem of one of a list, with the list before it, as the user gave it."""
    for key in ("run", "checkpoint"):
        named = f"{key}={one[key]}: "
        if isinstance(asked[key], list) and line.startswith(named):
            return f"{key}={as_yaml(asked[key])}: {one[key]}: {line.removeprefix(named)}"
    return line


def _unequal(asked: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whose vocabulary is not that of the first run; a damaged one is told where it is used."""
    runs = [Trained.config_of(one) for one in every]
    try:
        known = [_pieces(*run) for run in runs]
    except (OSError, ValueError, RuntimeError):
        return
    others = [str(run[0]) for run, pieces in zip(runs, known, strict=True) if pieces != known[0]]
    if others:
        yield (
            f"run={as_yaml(asked['run'])}: the vocabulary of {', '.join(others)} is not that of "
            f"{runs[0][0]}; an ensemble needs equal ones: train its runs on one corpus, with one "
            "tokenizer"
        )


def _pieces(folder: Path, config: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The kind of each side's tokenizer, and all that it knows."""
    known = assemble.vocabularies(config, folder)
    return [
        (type(side).__qualname__, side.pieces(range(side.size)))
        for side in (known.source, known.target)
    ]
