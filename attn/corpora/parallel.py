"""Parallel text files of the user's own."""

import re
from collections.abc import Sequence
from pathlib import Path

from attn.corpora import Pair, check_split, text
from attn.registry import register


@register("dataset", "parallel")
class Parallel:
    """Two text files a split, a sentence a line: ``root/stem.source`` and ``root/stem.target``.

    Files may be packed (``.gz``). Every test stem is a split of that name; the first is ``test``
    too.

    Raises:
        ValueError: two splits of one name, a file that is missing; when read, files that are not
            parallel UTF-8.
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
    ) -> None:
        if source == target:
            raise ValueError(f"target={target}: must differ from source")
        if not test:
            raise ValueError("test=[]: names no file; give at least one")
        self.source_language, self.target_language = source, target
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
            split: (f"{key}={stem}", *text.find(f"{key}={stem}", folder, stem, (source, target)))
            for split, (key, stem) in named.items()
        }

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, empty lines included."""
        check_split(self, split)
        return text.pairs(*self._files[split])
