"""One checkpoint on disk: its files, and why they cannot be used, if so."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from attn import __version__
from attn.files import checksum, checksum_of, read_json, write_bytes, write_json
from attn.weights import CheckpointError, Weights

WEIGHTS, STATE, META = "model.safetensors", "state.pt", "meta.json"
# 1 had no checksum of meta.json, nor of the tokenizer. What of a state changes needs a new one.
FORMAT = 2
Loaded = tuple[Weights, dict[str, Any], dict[str, Any]]


class DamagedError(CheckpointError):
    """A checkpoint of which a file is missing, or not as it was written."""


def write(
    folder: Path, weights: Weights, state: Mapping[str, Any] | None, meta: Mapping[str, Any]
) -> None:
    """Write the files of a checkpoint, with the checksum of each in ``meta.json``.

    Raises:
        WriteError: one could not be written.
    """
    contents = {WEIGHTS: save_tensors(weights)}
    if state is not None:
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        contents[STATE] = buffer.getvalue()
    for name, content in contents.items():
        write_bytes(folder / name, content)
    sums = {name: checksum(content) for name, content in contents.items()}
    whole = {**meta, "format": FORMAT, "sha256": sums}
    write_json(folder / META, {**whole, "sha256": {**sums, META: checksum_of(whole)}})


def load(path: Path) -> Loaded:
    """Weights, state and meta of a checkpoint; nothing in it is run.

    Raises:
        DamagedError: a file is missing, or its content is not what was written.
        CheckpointError: it is of a newer program, or the system does not let it be read.
    """
    meta = load_meta(path)
    content = _read(path, STATE, meta)
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), "cpu", weights_only=True)
    except Exception as error:  # whatever a file made by others makes of the reader
        why = f"holds more than tensors and plain values, and is not run ({type(error).__name__})"
        raise _damaged(path, STATE, why) from error
    return _tensors(path, meta), state, meta


def weights_at(path: Path) -> Weights:
    """The weights of a checkpoint alone.

    Raises:
        DamagedError: a file is missing, or its content is not what was written.
        CheckpointError: it is of a newer program, or the system does not let it be read.
    """
    return _tensors(path, load_meta(path))


def load_meta(path: Path) -> dict[str, Any]:
    """What a checkpoint tells of itself.

    Raises:
        DamagedError: the file is missing or not as it was written.
        CheckpointError: it is of a newer program, or the system does not let it be read.
    """
    try:
        meta = read_json(path / META)
    except OSError as error:
        raise _unreadable(path, META, error) from None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, META, f"is not as it was written ({error})") from None
    if fault := _fault(meta):
        raise _damaged(path, META, f"is not as it was written ({fault})")
    if meta.get("format", 1) > FORMAT:
        raise CheckpointError(
            f"{path / META}: is of format {meta['format']}, by attn {meta.get('version')}; this is "
            f"attn {__version__}, which knows formats up to {FORMAT}; use that version, or a newer"
        )
    checked: dict[str, Any] = meta
    return checked


def _fault(meta: Any) -> str | None:
    """What is wrong with the content of ``meta.json``, if anything."""
    if not isinstance(meta, dict):
        return "it holds no object"
    sums, step, score = meta.get("sha256"), meta.get("step"), meta.get("score")
    if not isinstance(sums, dict):
        return "it holds no checksums"
    own = checksum_of({**meta, "sha256": {n: sum_ for n, sum_ in sums.items() if n != META}})
    faults = {
        "its checksum is another": sums.get(META, own) != own,
        "its format is no whole number": not _is(meta.get("format", 1), int),
        "it lacks its own checksum": "format" in meta and META not in sums,
        f"step={step!r} is no whole number": not _is(step, int),
        f"score={score!r} is no number": score is not None and not _is(score, int, float),
    }
    return next((fault for fault, holds in faults.items() if holds), None)


def _is(value: Any, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _tensors(path: Path, meta: Mapping[str, Any]) -> Weights:
    try:
        return load_tensors(_read(path, WEIGHTS, meta))
    except SafetensorError as error:
        raise _damaged(path, WEIGHTS, f"holds no weights ({error})") from None


def _read(path: Path, name: str, meta: Mapping[str, Any]) -> bytes:
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise _unreadable(path, name, error) from None
    if checksum(content) != meta["sha256"].get(name):
        raise _damaged(path, name, f"is not as it was written (its checksum is not in {META})")
    return content


def _unreadable(path: Path, name: str, error: OSError) -> CheckpointError:
    """What is not there is damage; what may be read another time is not."""
    missing = isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError))
    kind = DamagedError if missing else CheckpointError
    return kind(f"{path / name}: cannot be read ({error.strerror})")


def _damaged(path: Path, name: str, why: str) -> DamagedError:
    return DamagedError(f"{path / name}: {why}")
