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
from torch import Tensor, nn

from attn.files import read_json, sync_folder, write_bytes, write_json
from attn.registry import RunError

WEIGHTS, STATE, META = "model.safetensors", "state.pt", "meta.json"
Weights = dict[str, Tensor]
Loaded = tuple[Weights, dict[str, Any], dict[str, Any]]


class CheckpointError(RunError):
    """A checkpoint that is missing or not as it was written."""


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
        checksums = {name: _sha256(content) for name, content in contents.items()}
        self._tidy()
        final, part = self._path(step), self.folder / f".step-{step}.part"
        for name, content in contents.items():
            write_bytes(part / name, content)
        write_json(part / META, {**meta, "step": step, "sha256": checksums})
        aside = self._hide(final)
        part.rename(final)
        sync_folder(self.folder)
        shutil.rmtree(aside, ignore_errors=True)
        self._drop()
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
        """The checkpoint that ``best``, ``last``, a step, or the name of its folder names.

        Raises:
            CheckpointError: there is none; the message says which there are.
        """
        named = {"best": self.best, "last": self.last}
        step = name.removeprefix("step-")
        path = named[name]() if name in named else self.folder / f"step-{step}"
        if path is None or not path.is_dir():
            steps = ", ".join(map(str, self.steps())) or "none"
            raise CheckpointError(
                f"checkpoint={name}: not in {self.folder}; choose best, last or one of the steps: "
                f"{steps}"
            )
        return path

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
        for pattern in (".step-*.part", ".step-*.old"):
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


def weights_of(model: nn.Module) -> Weights:
    """The weights by name, on the CPU; what has several names is there under the first alone."""
    seen = set()
    weights = {}
    for name, tensor in model.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if place not in seen:
            seen.add(place)
            weights[name] = tensor.cpu().contiguous()
    return weights


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a model of the same shape; what is tied in it stays tied.

    Raises:
        CheckpointError: names or shapes that differ.
    """
    _fits(weights, weights_of(model), "the weights do not fit the model")
    model.load_state_dict(dict(weights), strict=False)


def average(paths: Sequence[Path]) -> Weights:
    """The mean of the weights of checkpoints; what is not a real number is the last one's.

    Raises:
        CheckpointError: one of them cannot be read, or has other names or shapes than the rest.
    """
    last = weights_at(paths[-1])
    sums = {name: tensor.double() for name, tensor in last.items() if tensor.is_floating_point()}
    for path in paths[:-1]:
        more = weights_at(path)
        _fits(more, last, f"{path}: the weights do not fit those of {paths[-1]}")
        for name, total in sums.items():
            total += more[name]
    return {**last, **{name: (sums[name] / len(paths)).to(last[name].dtype) for name in sums}}


def _fits(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], complaint: str) -> None:
    """Say which names or shapes differ, if any."""
    differing = [f"{name} is missing" for name in sorted(wanted.keys() - given.keys())]
    differing += [f"{name} has no place" for name in sorted(given.keys() - wanted.keys())]
    differing += [
        f"{name} is {tuple(given[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in sorted(given.keys() & wanted.keys())
        if given[name].shape != wanted[name].shape
    ]
    if differing:
        raise CheckpointError(f"{complaint}: {'; '.join(differing)}")


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
