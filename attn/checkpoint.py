"""Checkpoints: folders that are whole or not there, the best and the last kept."""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from attn.files import read_json, sync_folder, write_bytes, write_json

WEIGHTS, STATE, META = "model.safetensors", "state.pt", "meta.json"


class CheckpointError(Exception):
    """A checkpoint that is missing or not as it was written."""


class Checkpoints:
    """The folder ``checkpoints`` of a run.

    ``step-N/`` holds the weights, the state of training, and ``meta.json`` with the score and the
    checksums of both. The ``keep_best`` of the highest scores and the ``keep_last`` newest stay.
    """

    def __init__(self, folder: Path, *, keep_best: int = 1, keep_last: int = 1) -> None:
        self.folder, self.keep_best, self.keep_last = folder, keep_best, keep_last

    def save(
        self, step: int, model: nn.Module, state: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> Path:
        """Write a checkpoint beside the others, then drop those that need not be kept."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        contents = {WEIGHTS: save_tensors(weights_of(model)), STATE: buffer.getvalue()}
        checksums = {name: _sha256(content) for name, content in contents.items()}
        final, beside = self.folder / f"step-{step}", self.folder / f".step-{step}.part"
        shutil.rmtree(beside, ignore_errors=True)
        for name, content in contents.items():
            write_bytes(beside / name, content)
        write_json(beside / META, {**meta, "step": step, "sha256": checksums})
        if final.exists():
            shutil.rmtree(final)
        beside.rename(final)
        sync_folder(self.folder)
        self._drop()
        return final

    def steps(self) -> list[int]:
        """The steps there are, rising."""
        return sorted(int(path.name.removeprefix("step-")) for path in self.folder.glob("step-*"))

    def last(self) -> Path | None:
        """The newest checkpoint, if there is one."""
        steps = self.steps()
        return self.folder / f"step-{steps[-1]}" if steps else None

    def best(self) -> Path | None:
        """The checkpoint of the highest score, if there is one; of equals the earlier."""
        ranked = self._ranked()
        return self.folder / f"step-{ranked[0]}" if ranked else None

    def find(self, name: str) -> Path:
        """The checkpoint that ``best``, ``last`` or a step names.

        Raises:
            CheckpointError: there is none; the message says which there are.
        """
        named = {"best": self.best, "last": self.last}
        path = named[name]() if name in named else self.folder / f"step-{name}"
        if path is None or not path.is_dir():
            steps = ", ".join(map(str, self.steps())) or "none"
            raise CheckpointError(
                f"checkpoint={name}: not in {self.folder}; choose best, last or one of the steps: "
                f"{steps}"
            )
        return path

    def _ranked(self) -> list[int]:
        scores = {step: read_json(self.folder / f"step-{step}" / META) for step in self.steps()}
        return sorted(scores, key=lambda step: (-scores[step]["score"], step))

    def _drop(self) -> None:
        kept = {*self._ranked()[: self.keep_best], *self.steps()[-self.keep_last :]}
        for step in set(self.steps()) - kept:
            shutil.rmtree(self.folder / f"step-{step}")


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Weights, state and meta of a checkpoint; nothing in it is run.

    Raises:
        CheckpointError: a file is missing, or its content is not what was written.
    """
    try:
        meta = read_json(path / META)
        contents = {name: (path / name).read_bytes() for name in (WEIGHTS, STATE)}
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from None
    for name, content in contents.items():
        if _sha256(content) != meta["sha256"][name]:
            raise CheckpointError(
                f"{path / name}: is not as it was written (its checksum differs from {META}); "
                "use another checkpoint"
            )
    state = torch.load(io.BytesIO(contents[STATE]), map_location="cpu", weights_only=True)
    return load_tensors(contents[WEIGHTS]), state, meta


def load_meta(path: Path) -> dict[str, Any]:
    """What a checkpoint tells of itself."""
    meta: dict[str, Any] = read_json(path / META)
    return meta


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The weights by name, on the CPU; a matrix with several names under the first alone."""
    seen: set[int] = set()
    weights = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            weights[name] = tensor.detach().cpu().contiguous()
    return weights


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a model of the same shape.

    Raises:
        CheckpointError: names or shapes that differ.
    """
    own = weights_of(model)
    if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in weights.items()}:
        differing = sorted(
            name
            for name in own.keys() | weights.keys()
            if name not in own or name not in weights or own[name].shape != weights[name].shape
        )
        raise CheckpointError(f"the weights do not fit the model: {', '.join(differing)}")
    model.load_state_dict(dict(weights), strict=False)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
