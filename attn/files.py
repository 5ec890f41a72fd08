"""Files that are whole or not there: written beside, then renamed."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file; a reader, or a machine that stops, sees the old or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a text file, in UTF-8, its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def update_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the object in a JSON file, empty at first; programs that do so at once take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        value: dict[str, Any] = read_json(path) if path.exists() else {}
        change(value)
        write_json(path, value)


def output_problems(key: str, path: Path, *, folder: bool) -> list[str]:
    """Why nothing can be written to a path that an option names, if so; makes nothing."""
    if path.exists() and path.is_dir() is not folder:
        return [f"{key}={path}: is a {'file' if folder else 'folder'}; give another path"]
    above = next(one for one in (path, *path.absolute().parents) if one.exists())
    if above != path and not above.is_dir():
        return [f"{key}={path}: {above} is a file, nothing can be put into it"]
    if not os.access(above, os.W_OK):
        return [f"{key}={path}: {above} must not be written to; give another path"]
    return []


def cache_folder() -> Path:
    """``ATTN_CACHE``, else ``attn`` in the user's cache folder."""
    if chosen := os.environ.get("ATTN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "attn"


def data_folder() -> Path:
    """``ATTN_DATA``, where corpora are fetched into, else ``data`` in the cache folder."""
    chosen = os.environ.get("ATTN_DATA")
    return Path(chosen).expanduser().absolute() if chosen else cache_folder() / "data"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a stop of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
