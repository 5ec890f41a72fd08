"""Files that are whole or not there: written beside, then renamed."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attn.registry import RunError

ROOM, ELSEWHERE = "; make room on that disk", "; make it writable, or choose another folder"
SYSTEM = (("proc",), ("sys",))  # where the system shows itself, and no file can be made
HELP = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EROFS: ELSEWHERE,
    errno.EACCES: ELSEWHERE,
    errno.EPERM: ELSEWHERE,
}


class WriteError(RunError, OSError):
    """What could not be written, why, and what helps."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell of a failure inside which file or folder could not be written.

    Raises:
        WriteError: the system refused something.
    """
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        help_ = HELP.get(error.errno or 0, "")
        raise WriteError(f"{path}: cannot be written ({why}){help_}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file; a reader, or a machine that stops, sees the old or the new one whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        turn = path.with_name(f".{path.name}.lock").open("w")
    with turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        value: dict[str, Any] = read_json(path) if path.exists() else {}
        change(value)
        write_json(path, value)


def checksum(content: bytes) -> str:
    """sha256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """The checksum of every file in a folder, by name; what is hidden is not of it."""
    files = sorted(one for one in folder.glob("*") if not one.name.startswith("."))
    return {one.name: checksum(one.read_bytes()) for one in files}


def checksum_of(value: Any) -> str:
    """The checksum of a value that JSON can hold, whatever the order of its keys."""
    plain = json.loads(json.dumps(value))
    return checksum(json.dumps(plain, sort_keys=True).encode())


class Journal:
    """A text file to which lines are added; one that cannot be written whole is taken back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            self._file = path.open("ab", buffering=0)

    def add(self, line: str) -> None:
        """Add a line.

        Raises:
            WriteError: it could not be written.
        """
        rest = f"{line}\n".encode()
        with writing(self.path):
            size = os.fstat(self._file.fileno()).st_size
            try:
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.truncate(size)
                raise

    def close(self) -> None:
        """Add no more."""
        self._file.close()


def whole_lines(path: Path) -> list[str]:
    """The lines of a journal without their ends; what a kill left of one is left out."""
    if not path.exists():
        return []
    return path.read_bytes().decode(errors="replace").split("\n")[:-1]


def output_problems(key: str, path: Path, *, folder: bool) -> list[str]:
    """Why nothing can be written to a path that an option names, if so; makes nothing."""
    if path.exists() and path.is_dir() is not folder:
        return [f"{key}={path}: is a {'file' if folder else 'folder'}; give another path"]
    above = next(one for one in (path, *path.absolute().parents) if one.exists())
    if above != path and not above.is_dir():
        return [f"{key}={path}: {above} is a file, nothing can be put into it"]
    made_there = (folder or above != path) and above.resolve().parts[1:2] in SYSTEM  # root may all
    if made_there or not os.access(above, os.W_OK):
        return [f"{key}={path}: {above} cannot be written to; give another path"]
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
