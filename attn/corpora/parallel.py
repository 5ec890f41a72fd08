"""Parallel text files of the user's own."""

from collections.abc import Sequence
from pathlib import Path

from attn.corpora import Pair, text
from attn.registry import register

KEYS = {"train": "train", "dev": "dev"}  # the options that name a split's files; else test


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
        self.source_language, self.target_language = source, target
        if source == target:
            raise ValueError(f"target={target}: must differ from source")
        if not test:
            raise ValueError("test=[]: names no file; give at least one")
        folder = Path(root).expanduser()
        stems = {"train": train, "dev": dev}
        for stem in test:
            split = stem.replace("/", "_")
            if split in stems:
                raise ValueError(f"test={stem}: there is a split {split} already; rename the file")
            stems[split] = stem
        self.splits = tuple(stems)
        self._files = {
            split: [
                text.find(folder, stem, language, option=f"{KEYS.get(split, 'test')}={stem}")
                for language in (source, target)
            ]
            for split, stem in stems.items()
        }

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, empty lines included."""
        source, target = self._files[split]
        return text.pairs(source, target)
