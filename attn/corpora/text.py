"""Lines of text files, plain or gz, two of them side by side."""

import gzip
import zlib
from pathlib import Path

from attn.corpora import Pair


def find(folder: Path, stem: str, ending: str, *, option: str) -> Path:
    """The file ``folder/stem.ending``, plain or gz.

    Raises:
        ValueError: there is none; the message names the option and what was looked for.
    """
    path = folder / f"{stem}.{ending}"
    packed = path.with_name(f"{path.name}.gz")
    if path.is_file():
        return path
    if packed.is_file():
        return packed
    raise ValueError(f"{option}: there is neither {path} nor {packed.name} beside it")


def lines(path: Path) -> list[str]:
    """The lines of a file, parted at line feeds alone, without carriage returns at their ends.

    Raises:
        ValueError: bytes that are not UTF-8, with file and line; a broken gz file.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: not a whole gz file ({error})") from None
    parts = content.split(b"\n")
    if parts and not parts[-1]:
        parts.pop()
    found = []
    for number, part in enumerate(parts, 1):
        try:
            found.append(part.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:  # noqa: PERF203 - the line's number is wanted
            raise ValueError(f"{path}, line {number}: not UTF-8 ({error.reason})") from None
    return found


def pairs(source: Path, target: Path) -> list[Pair]:
    """The lines of two files side by side; empty ones stay.

    Raises:
        ValueError: unequal numbers of lines, or none, with the counts.
    """
    left, right = lines(source), lines(target)
    if len(left) != len(right):
        raise ValueError(
            f"{source} has {len(left)} lines, {target} has {len(right)}; they must be parallel"
        )
    if not left:
        raise ValueError(f"{source} and {target} are empty")
    return [Pair(one, other) for one, other in zip(left, right, strict=True)]
