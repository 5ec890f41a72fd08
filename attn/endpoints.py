"""Files that options name for a command to read and to write."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from attn.files import write_text, writing


def input_problems(key: str, path: Path) -> list[str]:
    """Why a file that an option names cannot be read, if so."""
    if path.is_dir():
        return [f"{key}={path}: a folder; give a file"]
    if not path.is_file():
        return [f"{key}={path}: there is no such file"]
    return []


def overwriting_problems(target: Path, sources: Sequence[Path]) -> list[str]:
    """Whether what is written would take the place of what is read."""
    read = (one for one in sources if one.is_file() and target.exists())
    if any(one.samefile(target) for one in read):
        return [f"output={target}: is the input too; give another path"]
    return []


def deliver(parts: Iterable[str], output: str | None) -> None:
    """Write parts of a text as they come to standard output, or all at last to a file.

    Raises:
        WriteError: the file could not be written.
    """
    if output is not None:
        _put(Path(output), "".join(parts))
        return
    for part in parts:
        sys.stdout.write(part)
        sys.stdout.flush()


def _put(path: Path, text: str) -> None:
    """Replace a file, that of a link if it is one; what is no file, e.g. a pipe, is written to."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        with writing(path):
            target.write_text(text, encoding="utf-8")
    else:
        write_text(target, text)
