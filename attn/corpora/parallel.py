"""Parallel text files of the user's own."""

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from attn.corpora import Pair, check_split, text
from attn.corpora import columns as tables
from attn.registry import register


@register("dataset", "parallel")
class Parallel:
    """Two text files a split, a sentence a line: ``root/stem.source`` and ``root/stem.target``.

    Or one table a split, ``train=pairs.tsv``, ``.csv`` or ``.jsonl``, with ``columns`` for source
    and target, by name or by number; they are named like the languages by default. Files may be
    packed (``.gz``, ``.xz``, ``.zst``), and ``*`` in a name takes all that match, in order. Every
    test stem is a split of that name; the first is ``test`` too.

    Raises:
        ValueError: two splits of one name, a file that is missing; when read, files that are not
            parallel UTF-8, or tables without these columns.
    """

    def __init__(
        self,
        *,
        root: str = ".",
        source: str = "en",
        target: str = "de",
        train: str = "train",
        dev: str = "dev",
        test: list[str] = ["test"],  # noqa: B006 - never changed; the schema copies it
        columns: list[str] | None = None,
    ) -> None:
        if source == target:
            raise ValueError(f"target={target}: must differ from source")
        if not test:
            raise ValueError("test=[]: names no file; give at least one")
        if columns is not None and len(columns) != 2:
            raise ValueError(f"columns=[{', '.join(columns)}]: must be two, of source and target")
        if any(column.isdecimal() and int(column) < 1 for column in columns or ()):
            raise ValueError(f"columns=[{', '.join(columns or ())}]: numbers begin with 1")
        self.source_language, self.target_language = source, target
        self.columns = columns or [source, target]
        folder = Path(root).expanduser().absolute()
        if not folder.is_dir():
            raise ValueError(f"root={root}: there is no folder {folder}")
        named = {"train": ("train", train), "dev": ("dev", dev)}
        for stem in test:
            split = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)
            if split in named:
                raise ValueError(f"test={stem}: there is a split {split} already; rename the file")
            named[split] = ("test", stem)
        self.splits = tuple(named)
        self._files = {
            split: self._find(f"{key}={stem}", folder, stem) for split, (key, stem) in named.items()
        }

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, empty lines included."""
        check_split(self, split)
        return [pair for pairs in self._files[split] for pair in pairs()]

    def _find(self, option: str, folder: Path, name: str) -> list[Callable[[], list[Pair]]]:
        """What reads the files that a name stands for."""
        if tables.is_table(name):
            found = sorted(folder.glob(name))
            if not found:
                raise ValueError(f"{option}: there is none; {text.holdings(folder)}")
            return [functools.partial(tables.pairs, option, path, self.columns) for path in found]
        endings = (self.source_language, self.target_language)
        stems = text.matching(folder, name, endings[0]) if "*" in name else []
        return [
            functools.partial(text.pairs, option, *text.find(option, folder, stem, endings))
            for stem in stems or [name]
        ]
