"""Texts in archives as they are published: in a folder of the user's, or fetched."""

import html
import itertools
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attn.corpora import Pair, text
from attn.corpora.download import Remote, fetched
from attn.files import data_folder
from attn.registry import as_yaml

Member = tuple[str, str]  # an archive, and a path in it
Sides = tuple[Member, Member]  # source and target

SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.IGNORECASE | re.DOTALL)
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);", re.IGNORECASE)


def segments(lines: list[str]) -> list[str]:
    """The sentences of a test set, in the XML of IWSLT or the SGML of WMT, entities resolved."""
    found = (" ".join(inside.split()) for inside in SEGMENT.findall("\n".join(lines)))
    return [ENTITY.sub(lambda entity: html.unescape(entity[0]), inside) for inside in found]


class Archives:
    """The archives of a named corpus: below ``root``, packed or unpacked, or fetched if it is null.

    Unpacked files lie below ``root`` as they lie in their archive.
    """

    def __init__(self, corpus: str, remotes: Mapping[str, Remote], root: str | None) -> None:
        self.remotes = remotes
        self.local = None if root is None else Path(root).expanduser().absolute()
        self.folder = self.local or data_folder() / corpus
        self.option = f"root={as_yaml(root)}"

    def need(self, members: Iterable[Member]) -> None:
        """Look for members in a folder of the user's; what is fetched comes when it is read.

        Raises:
            ValueError: some are there neither packed nor unpacked.
        """
        if self.local is None:
            return
        missing = []
        for archive, inside in _by_archive(members).items():
            lacking = [name for name in inside if self._unpacked(name) is None]
            if lacking and not (self.local / archive).is_file():
                some = len(lacking) < len(inside)
                missing.append(
                    " and ".join(lacking) if some else f"{archive} (or unpacked: {inside[0]} ...)"
                )
        if missing:
            raise ValueError(
                f"{self.option}: needs {' and '.join(missing)}; {text.holdings(self.local)}"
            )

    def pairs(self, sides: Sides, read: Callable[[list[str]], list[str]]) -> list[Pair]:
        """Two members side by side, as ``read`` makes sentences of their lines.

        Raises:
            ValueError: unequal numbers of sentences, or none; archives that cannot be read.
        """
        self.need(sides)
        contents = self._contents(sides)
        left, right = (read(text.lines_of(side[1], contents.pop(side))) for side in sides)
        if len(left) != len(right) or not left:
            raise ValueError(
                f"{self.option}: {sides[0][1]} has {len(left)} sentences and {sides[1][1]} has "
                f"{len(right)}; sentence n of one must be the translation of sentence n of "
                "the other"
            )
        return [Pair(one, other) for one, other in zip(left, right, strict=True)]

    def _contents(self, members: Sequence[Member]) -> dict[Member, bytes]:
        """What stands in members; each archive is gone through once."""
        contents: dict[Member, bytes] = {}
        for archive, inside in _by_archive(members).items():
            files = {name: self._unpacked(name) for name in inside}
            if all(files.values()):
                read = {name: _file(path) for name, path in files.items() if path}
            else:
                read = _packed(self._path(archive), inside)
            contents |= {(archive, name): content for name, content in read.items()}
        return contents

    def _path(self, archive: str) -> Path:
        path = self.folder / archive
        return path if self.local else fetched(self.remotes[archive], path)

    def _unpacked(self, name: str) -> Path | None:
        """The file that a user has unpacked, packed by itself or not."""
        if self.local is None:
            return None
        return text.plain_or_packed(self.local / text.unpacked_name(name))


def _by_archive(members: Iterable[Member]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for archive, name in members:
        grouped.setdefault(archive, []).append(name)
    return grouped


def _file(path: Path) -> bytes:
    return text.unpacked(str(path), path.read_bytes())


def _packed(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Members of an archive, read in the order in which they come."""
    try:
        with tarfile.open(path) as archive:
            found = dict(itertools.islice(_members(archive, names), len(names)))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: not a whole archive ({error})") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{path}: has no {' and no '.join(missing)}")
    return {name: text.unpacked(f"{path}: {name}", content) for name, content in found.items()}


def _members(archive: tarfile.TarFile, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for entry in archive:
        name = entry.name.removeprefix("./")
        if name in names and (file := archive.extractfile(entry)):
            yield name, file.read()
