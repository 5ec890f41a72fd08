"""Parallel text files of the user's own."""

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attn.corpora import Pair, check_split, text
from attn.corpora import columns as tables
from attn.registry import register

MOST = 1000  # times that an epoch may hold a pair
Reader = Callable[[], list[Pair]]


@register("dataset", "parallel")
class Parallel:
    """Two text files a split, a sentence a line: ``root/stem.source`` and ``root/stem.target``.

    Or one table a split, ``train=pairs.tsv``, ``.csv`` or ``.jsonl``, with ``columns`` for source
    and target, by name or by number; they are named like the languages by default. Files may be
    packed (``.gz``, ``.xz``, ``.zst``), and ``*`` in a name takes all that match, in order. Every
    test stem is a split of that name; the first is ``test`` too. There may be none.

    Several training corpora come side by side: ``train=[europarl,news]``, each with its weight, how
    often an epoch holds each of its pairs, and its tag, put before each of its sources, as tagged
    back-translation has it (Caswell, Chelba and Grangier 2019). ``held_out_tag`` is put before the
    sources of dev and test.

    Raises:
        ValueError: two splits of one name, a corpus named twice, weights or tags that are not as
            many as corpora, a file that is missing; when read, files that are not parallel UTF-8,
            or tables without these columns.
    """

    def __init__(
        self,
        *,
        root: str = ".",
        source: str = "en",
        target: str = "de",
        train: list[str] = ["train"],  # noqa: B006 - never changed; the schema copies it
        dev: str = "dev",
        test: list[str] = ["test"],  # noqa: B006 - as above
        columns: list[str] | None = None,
        weights: list[float] | None = None,
        tags: list[str] | None = None,
        held_out_tag: str = "",
    ) -> None:
        if source == target:
            raise ValueError(f"target={target}: must differ from source")
        if not train:
            raise ValueError("train=[]: names no file; give at least one")
        _check_corpora(train, weights, tags)
        if columns is not None:
            _check_columns(columns, source, target)
        self.source_language, self.target_language = source, target
        self.columns = columns or [source, target]
        folder = Path(root).expanduser().absolute()
        if not folder.is_dir():
            raise ValueError(f"root={root}: {text.no_folder(folder)}")
        found = [self._find(f"train={stem}", folder, stem) for stem in train]
        each = zip(found, tags or [""] * len(train), weights or [1.0] * len(train), strict=True)
        self._files = {"train": list(each)}
        for split, stem in {"dev": dev, **_splits(test)}.items():
            option = f"{'dev' if split == 'dev' else 'test'}={stem}"
            self._files[split] = [(self._find(option, folder, stem), held_out_tag, 1.0)]
        self.splits = tuple(self._files)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, empty lines included."""
        check_split(self, split)
        return [pair for corpus in self._files[split] for pair in _pairs(*corpus)]

    def _find(self, option: str, folder: Path, name: str) -> list[Reader]:
        """What reads the files that a name stands for."""
        if tables.is_table(name):
            found = text.files(folder, name)
            if not found:
                raise ValueError(f"{option}: there is none; {text.holdings(folder)}")
            return [functools.partial(tables.pairs, option, path, self.columns) for path in found]
        endings = (self.source_language, self.target_language)
        stems = text.matching(folder, name, endings[0]) if "*" in name else []
        return [
            functools.partial(text.pairs, option, *text.find(option, folder, stem, endings))
            for stem in stems or [name]
        ]


def _splits(test: Sequence[str]) -> dict[str, str]:
    """The names of test splits, and their stems."""
    named: dict[str, str] = {}
    for stem in test:
        split = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)
        if split in {"train", "dev", *named}:
            raise ValueError(f"test={stem}: there is a split {split} already; rename the file")
        named[split] = stem
    return named


def _check_columns(columns: Sequence[str], source: str, target: str) -> None:
    """ValueError if columns are not those of a source and a target."""
    written = f"columns=[{', '.join(columns)}]"
    if len(columns) != 2:
        raise ValueError(f"{written}: must be two, of source and target")
    if columns[0] == columns[1]:
        raise ValueError(f"{written}: source and target must differ")
    if any(column.isdecimal() and int(column) < 1 for column in columns):
        raise ValueError(f"{written}: numbers begin with 1")
    if list(columns) == [target, source]:
        raise ValueError(
            f"{written}: is the other direction than source={source} target={target}; "
            f"write source={target} target={source}"
        )


def _check_corpora(
    train: Sequence[str], weights: Sequence[float] | None, tags: Sequence[str] | None
) -> None:
    """ValueError if training corpora are named twice, or their weights or tags do not fit them."""
    twice = [stem for place, stem in enumerate(train) if stem in train[:place]]
    if twice:
        raise ValueError(f"train=[{', '.join(train)}]: {twice[0]} comes twice; give it a weight")
    for name, values in (("weights", weights), ("tags", tags)):
        if values is not None and len(values) != len(train):
            raise ValueError(
                f"{name}=[{', '.join(map(str, values))}]: must be {len(train)}, one for each of "
                f"train=[{', '.join(train)}]"
            )
    for weight in weights or ():
        if not 1 / MOST <= weight <= MOST:
            written = ", ".join(map(str, weights or ()))
            raise ValueError(f"weights=[{written}]: must be from {1 / MOST} to {MOST}")


def _pairs(readers: Sequence[Reader], tag: str, weight: float) -> Iterator[Pair]:
    """What the readers have, the tag before each source that says something."""
    for pair in itertools.chain.from_iterable(read() for read in readers):
        put = tag if pair.source.strip() else ""
        source = f"{put} {pair.source}" if put else pair.source
        yield Pair(source, pair.target, weight=weight, tag=put)
