"""Aligned text by split: parallel files, named corpora, generated ones with gold alignments."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attn import registry


@dataclasses.dataclass(frozen=True)
class Pair:
    """A sentence and its translation; gold alignment as (source word, target word) if known.

    ``weight`` is how often an epoch holds it; a fraction is the chance of once more. ``tag`` is the
    word that was put before the source, if one was.
    """

    source: str
    target: str
    alignment: tuple[tuple[int, int], ...] | None = None
    weight: float = 1.0
    tag: str = ""

    @property
    def untagged(self) -> str:
        """The source without the word that was put before it."""
        return self.source.removeprefix(f"{self.tag} ") if self.tag else self.source


@runtime_checkable
class Corpus(Protocol):
    """What every dataset offers.

    ``splits`` begins with ``train`` and ``dev``; the third, if there is one, is the test split that
    the name ``test`` stands for where no split of that name exists.
    """

    source_language: str
    target_language: str
    splits: tuple[str, ...]

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, always the same in the same order."""


def test_split(corpus: Corpus) -> str:
    """The split that ``test`` stands for; itself where there is none to test on."""
    return "test" if "test" in corpus.splits else next(iter(corpus.splits[2:]), "test")


def check_split(corpus: Corpus, split: str) -> None:
    """ValueError with suggestions if a corpus has no split of that name."""
    if split not in corpus.splits:
        raise ValueError(f"split={split}: unknown; {registry.suggest(split, corpus.splits)}")


def check_languages(source: str, target: str, languages: Sequence[str]) -> None:
    """ValueError unless source and target are two different ones of these languages."""
    for key, language in (("source", source), ("target", target)):
        if language not in languages:
            raise ValueError(f"{key}={language}: unknown; choose one of {', '.join(languages)}")
    if source == target:
        raise ValueError(f"target={target}: must differ from source")


registry.declare("dataset", "the corpus: aligned text by split")
registry.import_modules(__name__, __path__)
