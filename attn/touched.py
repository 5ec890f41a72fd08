"""Which files are read while something is made, and whether they are still as they were."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Stamps = dict[str, list[int]]  # by path: its size, and when it was last written, in nanoseconds
_readers: list[set[str]] = []
_listens = False


@contextmanager
def files_read() -> Iterator[Stamps]:
    """The files that Python opens to read inside, whoever does, with their stamps at the end."""
    global _listens
    if not _listens:
        # It stays as long as the process, and hears of far more than files: of each id() too. A
        # lambda, for checks of types wrap what has a name.
        sys.addaudithook(lambda event, about: _note(*about[:2]) if event == "open" else None)
        _listens = True
    found: set[str] = set()
    _readers.append(found)
    stamps: Stamps = {}
    try:
        yield stamps
    finally:
        _readers.remove(found)
        stamps |= stamped(Path(path) for path in found)


def _note(path: Any, mode: str | None) -> None:
    reads = mode is None or not set(mode) & set("wax+")
    if reads and isinstance(path, (str, bytes)):
        for found in _readers:
            found.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - pathlib may be at work


def stamped(paths: Iterable[Path]) -> Stamps:
    """The stamps of files; what is no file any more, or code of Python's, is left out."""
    plain = (path for path in paths if path.suffix != ".pyc" and path.is_file())
    return {str(path): stamp for path in sorted(plain) if (stamp := _stamp(path))}


def unchanged(stamps: Mapping[str, list[int]]) -> bool:
    """Whether all files are still as they were."""
    return all(_stamp(Path(path)) == stamp for path, stamp in stamps.items())


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
