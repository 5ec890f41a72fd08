"""Checkpoints: folders that are whole or not there, the best and the last kept."""

import hashlib
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from attn.files import read_json, sync_folder, write_bytes, write_json
from attn.weights import CheckpointError, Weights, check_fit, weights_of

WEIGHTS, STATE, META = "model.safetensors", "state.pt", "meta.json"
Loaded = tuple[Weights, dict[str, Any], dict[str, Any]]


# What a mean of checkpoints says of itself as each of them did.
APART = ("version", "torch", "config")


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
        """Write a checkpoint, then drop those that need not be kept; ``meta`` has the ``score``."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        contents = {WEIGHTS: save_tensors(weights_of(model)), STATE: buffer.getvalue()}
        self._put(self._path(step), contents, {**meta, "step": step})
        self._drop()
        return self._path(step)

    def _put(self, final: Path, contents: Mapping[str, bytes], meta: Mapping[str, Any]) -> None:
        """Write a folder beside its place, then rename it into it."""
        self._tidy()
        checksums = {name: _sha256(content) for name, content in contents.items()}
        part = final.with_name(f".{final.name}.part")
        for name, content in contents.items():
            write_bytes(part / name, content)
        write_json(part / META, {**meta, "sha256": checksums})
        aside = self._hide(final)
        part.rename(final)
        sync_folder(self.folder)
        shutil.rmtree(aside, ignore_errors=True)

    def save_average(self, *, last: int | None = None, best: int | None = None) -> Path:
        """Write the mean of the weights of the newest, or of the best checkpoints that are scored.

        It lies in ``average-last-10-step-N/``, N being the newest of them, without a state.

        Raises:
            CheckpointError: there are too few, or one of them cannot be read.
        """
        option, wanted = ("last", last) if best is None else ("best", best)
        ranked = sorted(self._ranked(), reverse=True) if best is None else self._ranked()
        steps = sorted(ranked[:wanted])
        if wanted is None or len(steps) < wanted:
            raise CheckpointError(
                f"{option}={wanted}: {self.folder} keeps {len(steps)} that were validated; ask for "
                f"fewer, or train with trainer.keep_{option}={wanted}"
            )
        paths = [self._path(step) for step in steps]
        final = self.folder / f"average-{option}-{wanted}-step-{steps[-1]}"
        meta = {key: value for key, value in load_meta(paths[-1]).items() if key in APART}
        contents = {WEIGHTS: save_tensors(average(paths))}
        self._put(final, contents, {**meta, "step": steps[-1], "average": steps})
        return final

    def steps(self) -> list[int]:
        """The steps there are, rising."""
        names = (path.name.removeprefix("step-") for path in self.folder.glob("step-*"))
        return sorted(int(name) for name in names if name.isdecimal())

    def last(self) -> Path | None:
        """The newest checkpoint, if there is one."""
        steps = self.steps()
        return self._path(steps[-1]) if steps else None

    def newest(self) -> tuple[Loaded | None, list[str]]:
        """What the newest checkpoint that is whole holds, and a complaint for each newer one.

        Those are set aside, as ``damaged-step-N``.
        """
        complaints: list[str] = []
        for step in reversed(self.steps()):
            found = self._loaded(step, complaints)
            if found is not None:
                return found, complaints
        return None, complaints

    def _loaded(self, step: int, complaints: list[str]) -> Loaded | None:
        path = self._path(step)
        try:
            return load(path)
        except CheckpointError as error:
            aside = path.with_name(f"damaged-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            complaints.append(f"{error}; it is now {aside.name}, and the one before it is taken")
            return None

    def best(self) -> Path | None:
        """The checkpoint of the highest score, if there is one; of equals the earlier."""
        ranked = self._ranked()
        return self._path(ranked[0]) if ranked else None

    def find(self, name: str) -> Path:
        """The checkpoint named: ``best``, ``last``, ``average`` (the newest), a step, a folder.

        Raises:
            CheckpointError: there is none; the message says which there are.
        """
        named = {"best": self.best, "last": self.last, "average": self.average}
        folder = f"step-{name}" if name.isdecimal() else name
        path = named[name]() if name in named else self.folder / folder
        if path is None or not path.is_dir():
            steps = ", ".join(map(str, self.steps())) or "none"
            raise CheckpointError(
                f"checkpoint={name}: not in {self.folder}; choose best, last, average (made by "
                f"attn average) or one of the steps: {steps}"
            )
        return path

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

    def _tidy(self) -> None:
        """Remove what a kill left: what was being written, and what was being removed."""
        for pattern in (".*.part", ".*.old"):
            for left in self.folder.glob(pattern):
                shutil.rmtree(left)

    def _ranked(self) -> list[int]:
        """The steps by falling score; those that cannot be read are left out."""
        scored = [
            (score, -step) for step in self.steps() if (score := self._score(step)) is not None
        ]
        return [-step for _, step in sorted(scored, reverse=True)]

    def _score(self, step: int) -> float | None:
        try:
            score: float | None = load_meta(self._path(step)).get("score")
        except CheckpointError:
            return None
        return score

    def _drop(self) -> None:
        """Keep the best, the newest that were scored, and the newest of all."""
        scored = {step for step in self.steps() if self._score(step) is not None}
        kept = {*sorted(scored)[-self.keep_last :], *self._ranked()[: self.keep_best]}
        for step in self.steps()[:-1]:
            if step not in kept and self._is_readable(step):
                shutil.rmtree(self._hide(self._path(step)))

    def _is_readable(self, step: int) -> bool:
        try:
            load_meta(self._path(step))
        except CheckpointError:
            return False
        return True


def step_of(path: Path) -> int:
    """The step at which a checkpoint was saved, by its folder."""
    return int(path.name.removeprefix("step-"))


def load(path: Path) -> Loaded:
    """Weights, state and meta of a checkpoint; nothing in it is run.

    Raises:
        CheckpointError: a file is missing, or its content is not what was written.
    """
    meta = load_meta(path)
    state = torch.load(io.BytesIO(_read(path, STATE, meta)), "cpu", weights_only=True)
    return load_tensors(_read(path, WEIGHTS, meta)), state, meta


def load_meta(path: Path) -> dict[str, Any]:
    """What a checkpoint tells of itself.

    Raises:
        CheckpointError: the file is missing or no JSON.
    """
    try:
        meta: dict[str, Any] = read_json(path / META)
    except OSError as error:
        raise _unusable(path, META, f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise _unusable(path, META, f"is not as it was written ({error})") from None
    return meta


def weights_at(path: Path) -> Weights:
    """The weights of a checkpoint alone.

    Raises:
        CheckpointError: a file is missing, or its content is not what was written.
    """
    return load_tensors(_read(path, WEIGHTS, load_meta(path)))


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


def _read(path: Path, name: str, meta: Mapping[str, Any]) -> bytes:
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise _unusable(path, name, f"cannot be read ({error.strerror})") from None
    if _sha256(content) != meta["sha256"][name]:
        raise _unusable(path, name, f"is not as it was written (its checksum is not in {META})")
    return content


def _unusable(path: Path, name: str, why: str) -> CheckpointError:
    return CheckpointError(f"{path / name}: {why}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
