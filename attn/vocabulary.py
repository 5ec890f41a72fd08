"""How both sides become ids; tokenizers, trained once for the same text, in the user's cache."""

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attn.corpora import Pair
from attn.files import cache_folder
from attn.tokenizers import Sampler, Tokenizer

FOLDERS = ("tokenizer", "target_tokenizer")


@dataclass(frozen=True)
class Vocabularies:
    """The tokenizer of the source and that of the target: one, if the vocabulary is joint."""

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share their ids."""
        return self.source is self.target

    @property
    def samples(self) -> bool:
        """Whether texts are cut at random in training."""
        return any(isinstance(one, Sampler) and one.samples for one in (self.source, self.target))

    def ids(self, pairs: Sequence[Pair]) -> list[tuple[list[int], list[int]]]:
        """Pairs of text as pairs of ids."""
        source, target = self.source.encode, self.target.encode
        return [(source(pair.source), target(pair.target)) for pair in pairs]

    def sampled(
        self, pairs: Sequence[Pair], *, seed: int, epoch: int
    ) -> list[tuple[list[int], list[int]]]:
        """Pairs of ids, cut at random as seed, epoch, place and side alone decide."""
        return [
            (
                _sampled(self.source, pair.source, f"{seed} {epoch} {place} source"),
                _sampled(self.target, pair.target, f"{seed} {epoch} {place} target"),
            )
            for place, pair in enumerate(pairs)
        ]

    def save(self, folder: Path) -> None:
        """Write what was learned, below a folder."""
        for name, tokenizer in self._named():
            tokenizer.save(folder / name)

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""
        for name, tokenizer in self._named():
            tokenizer.load(folder / name)

    def _named(self) -> Iterator[tuple[str, Tokenizer]]:
        yield FOLDERS[0], self.source
        if not self.joint:
            yield FOLDERS[1], self.target


def _sampled(tokenizer: Tokenizer, text: str, seed: str) -> list[int]:
    if isinstance(tokenizer, Sampler) and tokenizer.samples:
        return tokenizer.sample(text, zlib.crc32(seed.encode()))
    return tokenizer.encode(text)


def trained(
    section: Mapping[str, Any], build: Callable[[], Tokenizer], lines: Sequence[str]
) -> Tokenizer:
    """The tokenizer of a config section, trained on these lines, or read if that was done before.

    The cache is keyed by the section, the text and the tokenizer's own code. Folders come into it
    by renaming, so that processes may race; a cache that cannot be used is done without.
    """
    tokenizer = build()
    key = hashlib.sha256(json.dumps(dict(section), sort_keys=True).encode())
    key.update(_code(type(tokenizer)))
    for line in lines:
        key.update(line.encode() + b"\n")
    folder = cache_folder() / "tokenizers" / key.hexdigest()[:32]
    try:
        if folder.is_dir():
            tokenizer.load(folder)
            return tokenizer
    except (OSError, ValueError, RuntimeError):  # damaged: made again
        shutil.rmtree(folder, ignore_errors=True)
        tokenizer = build()
    tokenizer.train(lines)
    with contextlib.suppress(OSError):
        _keep(tokenizer, folder)
    return tokenizer


def _code(made: type) -> bytes:
    """The files that a class and its bases are written in, so that a change in them counts."""
    names = {str(getattr(sys.modules[base.__module__], "__file__", "")) for base in made.__mro__}
    return b"".join(Path(name).read_bytes() for name in sorted(names) if name.endswith(".py"))


def _keep(tokenizer: Tokenizer, folder: Path) -> None:
    """Save beside a folder, then rename; if another process was first, the folder is as good."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        tokenizer.save(beside)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
