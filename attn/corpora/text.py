"""Lines of text files, plain or packed, two of them side by side."""

import glob
import gzip
import importlib
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from attn.corpora import Pair

SHOWN = 12  # names of a folder's files in a message
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def find(option: str, folder: Path, stem: str, endings: tuple[str, str]) -> tuple[Path, Path]:
    """The files ``folder/stem.ending`` of both endings, plain, else packed.

    Raises:
        ValueError: there are none; says what ``option`` looked for and what is there.
    """
    wanted = [folder / f"{stem}.{ending}" for ending in endings]
    found = [plain_or_packed(path) for path in wanted]
    missing = [path.name for path, file in zip(wanted, found, strict=True) if file is None]
    if found[0] is None or found[1] is None:
        names = f"{' and '.join(missing)} (or packed: {', '.join(PACKED)})"
        raise ValueError(f"{option}: needs {names}; {holdings(wanted[0].parent)}")
    return found[0], found[1]


def lines(path: Path) -> list[str]:
    """The lines of a file, parted at line feeds alone.

    Carriage returns at the ends of lines and a byte order mark belong to the file, not to the text.

    Raises:
        ValueError: bytes that are not UTF-8, with file and line; a broken packed file; one that the
            system does not let be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    return lines_of(str(path), unpacked(str(path), content))


def lines_of(name: str, content: bytes, *, first: int = 1) -> list[str]:
    """The lines of what stands in a file of this name, from a line on; see ``lines``."""
    content = content.removeprefix(BYTE_ORDER_MARK)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first
        raise ValueError(f"{name}, line {line}: not UTF-8 ({error.reason})") from None
    parts = text.split("\n")
    if not parts[-1]:
        parts.pop()
    return [part.removesuffix("\r") for part in parts]


def pairs(option: str, source: Path, target: Path) -> list[Pair]:
    """The lines of two files side by side; empty ones stay.

    Raises:
        ValueError: unequal numbers of lines, or none, with the counts; lines that cannot be read.
    """
    try:
        left, right = lines(source), lines(target)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
    if len(left) != len(right):
        raise ValueError(
            f"{option}: {source} has {len(left)} lines and {target} has {len(right)}; "
            "line n of one must be the translation of line n of the other"
        )
    if not left:
        raise ValueError(f"{option}: {source} and {target} are empty")
    return [Pair(one, other) for one, other in zip(left, right, strict=True)]


def matching(folder: Path, pattern: str, ending: str) -> list[str]:
    """The stems of the files ``folder/pattern.ending``, packed or not, that a pattern finds."""
    found = [
        file for suffix in ("", *PACKED) for file in files(folder, f"{pattern}.{ending}{suffix}")
    ]
    names = (os.path.relpath(file, folder) for file in found)
    return sorted({unpacked_name(name).removesuffix(f".{ending}") for name in names})


def files(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that a name with stars stands for, in order."""
    # Path.glob takes neither absolute patterns nor ** inside a name.
    literal = glob.escape(str(folder / pattern)).replace("[*]", "*")
    found = map(Path, glob.glob(literal))  # noqa: PTH207
    return sorted(path for path in found if path.is_file())


def unpacked_name(name: str) -> str:
    """The name of a file without what says how it is packed."""
    return next((name.removesuffix(end) for end in PACKED if name.endswith(end)), name)


def plain_or_packed(path: Path) -> Path | None:
    """The file of a path, or a packed one beside it."""
    packed = (path.with_name(f"{path.name}{suffix}") for suffix in PACKED)
    return next((file for file in (path, *packed) if file.is_file()), None)


def holdings(folder: Path) -> str:
    """What a folder holds, for a message."""
    if not folder.is_dir():
        return no_folder(folder)
    names = sorted(file.name for file in folder.iterdir())
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{folder} holds {', '.join(names[:SHOWN]) or 'nothing'}{more}"


def no_folder(path: Path) -> str:
    """What is to be said of a path that is no folder."""
    return f"{path} is a file, not a folder" if path.exists() else f"there is no folder {path}"


def unpacked(name: str, content: bytes) -> bytes:
    """What is packed in a file of this name, or the content itself.

    Raises:
        ValueError: a broken packed file.
    """
    suffix = Path(name).suffix
    if suffix not in PACKED:
        return content
    try:
        return PACKED[suffix](content)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{name}: not a whole {suffix[1:]} file ({error})") from None


def _zst(content: bytes) -> bytes:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise ValueError("zst files need the package zstandard; pip install attn[zst]") from None
    parts: list[bytes] = []
    try:
        while content or not parts:  # a file may be of several frames, one after the other
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(content))
            if not frame.eof:
                raise EOFError("it is cut short")
            content = frame.unused_data
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from None
    return b"".join(parts)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".zst": _zst,
}
