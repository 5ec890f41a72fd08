"""Checkpoints: folders that are whole or not there, the best and the last kept."""

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from attn import saved, snapshot
from attn.files import sync_folder, writing
from attn.snapshot import DamagedError, Loaded, load, load_meta, weights_at
from attn.weights import CheckpointError, Weights, check_fit, weights_of

# What a mean of checkpoints says of itself as each of them did.
APART = ("version", "code", "torch", "config")


class Checkpoints:
    """The folder ``checkpoints`` of a run.

    ``step-N/`` holds the weights, the state of training, and ``meta.json`` with the score and the
    checksums of both. The ``keep_best`` of the highest scores and the ``keep_last`` newest stay;
    one without a score, saved when a run was interrupted, until the next is saved. A folder
    appears and disappears by renaming, so that a kill at any instant leaves whole ones; what else
    it leaves, hidden, goes when the next one is saved.

    Raises:
        ValueError: nothing is to be kept.
    """

    def __init__(self, folder: Path, *, keep_best: int = 1, keep_last: int = 1) -> None:
        for name, value in (("keep_best", keep_best), ("keep_last", keep_last)):
            if value < 1:
                raise ValueError(f"{name}={value}: must be at least 1")
        self.folder, self.keep_best, self.keep_last = folder, keep_best, keep_last

    def save(
        self, step: int, model: nn.Module, state: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> Path:
        """Write a checkpoint, then drop those that need not be kept; ``meta`` has the ``score``.

        Raises:
            WriteError: it could not be written; those that were there still are.
        """
        path = self._path(step)
        with writing(path):
            self._put(path, weights_of(model), state, {**meta, "step": step})
        with writing(self.folder):
            self._drop()
        return path

    def _put(
        self,
        final: Path,
        weights: Weights,
        state: Mapping[str, Any] | None,
        meta: Mapping[str, Any],
    ) -> None:
        """Write a folder beside its place, then rename it into it."""
        self._tidy(final.name.partition("-")[0])
        part = final.with_name(f".{final.name}.part")
        hidden = None
        try:
            snapshot.write(part, weights, state, meta)
            hidden = self._hide(final)
            part.rename(final)
        except OSError:
            if hidden is not None and hidden.exists():
                hidden.rename(final)
            shutil.rmtree(part, ignore_errors=True)  # on a full disk, its room is needed
            raise
        sync_folder(self.folder)
        shutil.rmtree(hidden, ignore_errors=True)

    def save_average(self, *, last: int | None = None, best: int | None = None) -> Path:
        """Write the mean of the weights of the newest, or of the best checkpoints that are scored.

        It lies in ``average-last-10-step-N/``, N being the newest of them, without a state.

        Raises:
            CheckpointError: there are too few, or one of them cannot be read.
            WriteError: it could not be written.
        """
        steps = self.to_average(last=last, best=best)
        paths = [self._path(step) for step in steps]
        option = "last" if best is None else "best"
        final = self.folder / f"average-{option}-{len(steps)}-step-{steps[-1]}"
        meta = {key: value for key, value in load_meta(paths[-1]).items() if key in APART}
        with writing(final):
            self._put(final, average(paths), None, {**meta, "step": steps[-1], "average": steps})
        return final

    def to_average(self, *, last: int | None = None, best: int | None = None) -> list[int]:
        """The newest, or the best, of the steps that are scored, rising.

        Raises:
            CheckpointError: there are too few.
        """
        option, wanted = ("last", last) if best is None else ("best", best)
        scored = ranked(self.metas())
        steps = sorted((sorted(scored, reverse=True) if best is None else scored)[:wanted])
        if wanted is None or len(steps) < wanted:
            raise CheckpointError(
                f"{option}={wanted}: {self.folder} keeps {len(steps)} that were validated; ask for "
                f"fewer, or train with trainer.keep_{option}={wanted}"
            )
        return steps

    def steps(self) -> list[int]:
        """The steps there are, rising."""
        return saved.steps(self.folder)

    def last(self) -> Path | None:
        """The newest checkpoint, if there is one."""
        steps = self.steps()
        return self._path(steps[-1]) if steps else None

    def newest(self) -> tuple[Loaded | None, list[str]]:
        """What the newest checkpoint that is whole holds, and a complaint for each that is not.

        Those are set aside, as ``damaged-step-N``.

        Raises:
            CheckpointError: one cannot be read, though it is not known to be damaged.
            WriteError: a damaged one cannot be set aside.
        """
        complaints: list[str] = []
        found: Loaded | None = None
        for step in reversed(self.steps()):
            kept = self._whole(step, complaints, load if found is None else load_meta)
            found = found or kept
        if complaints:
            left = "none" if found is None else f"step {found[2]['step']}"
            complaints.append(f"the newest checkpoint that is whole: {left}")
        return found, complaints

    def _whole(self, step: int, complaints: list[str], read: Callable[[Path], Any]) -> Any:
        """What a checkpoint holds; nothing, and a complaint, if it is damaged."""
        try:
            return read(self._path(step))
        except DamagedError as error:
            complaints.append(f"{error}; it is now {self._set_aside(step).name}")
            return None

    def _set_aside(self, step: int) -> Path:
        path = self._path(step)
        aside = path.with_name(f"damaged-{path.name}")
        with writing(aside):
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
        return aside

    def best(self) -> Path | None:
        """The checkpoint of the highest score, if there is one; of equals the newest.

        Raises:
            CheckpointError: one of them does not tell its score.
        """
        scored = ranked(self.metas())
        return self._path(scored[0]) if scored else None

    def find(self, name: str) -> Path:
        """The checkpoint named: ``best``, ``last``, ``average`` (the newest), a step, its folder.

        Raises:
            CheckpointError: there is none; the message says which there are.
        """
        named = {"best": self.best, "last": self.last, "average": self.average}
        folder = f"step-{name}" if name.isdecimal() else name
        there = {path.name: path for path in self.folder.glob("*")}
        path = named[name]() if name in named else there.get(folder)
        if path is None or not path.is_dir():
            raise CheckpointError(f"checkpoint={name}: {self._missing(name)}")
        return path

    def _missing(self, name: str) -> str:
        """Why there is no checkpoint of a name, and which there are."""
        steps = ", ".join(map(str, self.steps())) or "none"
        if name == "best" and self.steps():
            return f"none in {self.folder} was validated; choose last or one of the steps: {steps}"
        return (
            f"not in {self.folder}; choose best, last, average (made by attn average) or one of "
            f"the steps: {steps}"
        )

    def average(self) -> Path | None:
        """The average that was made last, if there is one."""
        made = sorted(self.folder.glob("average-*"), key=lambda path: path.stat().st_mtime_ns)
        return made[-1] if made else None

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step}"

    def _hide(self, path: Path) -> Path:
        """Take a checkpoint out of sight, at once and whole; where it is then."""
        hidden = path.with_name(f".{path.name}.old")
        if path.exists():
            path.rename(hidden)
        return hidden

    def tidy(self) -> None:
        """Remove what a kill left, and what it kept from being removed.

        Raises:
            WriteError: something cannot be removed.
        """
        with writing(self.folder):
            self._tidy("step")
            self._drop()

    def _tidy(self, kind: str) -> None:
        """Remove what a kill left of this kind: what was being written, what was being removed.

        Averages are made while a run is trained; the one leaves alone what the other writes.
        """
        for pattern in (f".{kind}-*.part", f".{kind}-*.old"):
            for left in self.folder.glob(pattern):
                shutil.rmtree(left)

    def metas(self) -> dict[int, dict[str, Any]]:
        """What every checkpoint tells of itself, by step.

        Raises:
            CheckpointError: one of them does not tell, so that the best is not known.
        """
        try:
            return {step: load_meta(self._path(step)) for step in self.steps()}
        except CheckpointError as error:
            raise CheckpointError(
                f"{error}; without it the best is not known: name a step, or give the command that "
                "trained the run, which sets damaged ones aside"
            ) from None

    def _drop(self) -> None:
        """Keep the best, the newest that were scored, the newest of all, and what is damaged."""
        metas = {}
        for step in self.steps():
            with contextlib.suppress(CheckpointError):
                metas[step] = load_meta(self._path(step))
        best = ranked(metas)
        kept = {*sorted(best)[-self.keep_last :], *best[: self.keep_best]}
        for step in self.steps()[:-1]:
            if step in metas.keys() - kept:
                shutil.rmtree(self._hide(self._path(step)))


def ranked(metas: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """The steps that were scored by falling score, of equals the newest first."""
    scored = {step: meta["score"] for step, meta in metas.items() if meta.get("score") is not None}
    return sorted(scored, key=lambda step: (scored[step], step), reverse=True)


def step_of(path: Path) -> int:
    """The step at which a checkpoint was saved, by its folder."""
    return int(path.name.removeprefix("step-"))


def average(paths: Sequence[Path]) -> Weights:
    """The mean of the weights of checkpoints; what is not a real number is the last one's.

    Raises:
        CheckpointError: one of them cannot be read, or has other names or shapes than the rest.
    """
    last = weights_at(paths[-1])
    sums = {name: tensor.double() for name, tensor in last.items() if tensor.is_floating_point()}
    for path in paths[:-1]:
        more = weights_at(path)
        check_fit(more, last, f"{path}: the weights do not fit those of {paths[-1]}")
        for name, total in sums.items():
            total += more[name]
    return {**last, **{name: (sums[name] / len(paths)).to(last[name].dtype) for name in sums}}
