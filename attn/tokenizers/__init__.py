"""Text to ids and back; trained on the training split only, saved with the model."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from attn import registry

PAD, BOS, EOS, UNK = 0, 1, 2, 3


@runtime_checkable
class Tokenizer(Protocol):
    """What every tokenizer offers; ids 0-3 are padding, begin, end, unknown."""

    size: int

    def train(self, lines: Iterable[str]) -> None:
        """Learn the vocabulary from lines of text."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without begin and end; never padding, begin or end themselves."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; padding, begin and end are left out."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The written form of each id."""

    def save(self, folder: Path) -> None:
        """Write the trained model into a folder."""

    def load(self, folder: Path) -> None:
        """Read the trained model from a folder."""


@runtime_checkable
class Sampler(Protocol):
    """A tokenizer that may cut a text into other tokens each time it is trained on."""

    samples: bool

    def sample(self, text: str, seed: int) -> list[int]:
        """The ids of a text, cut at random; the seed alone decides how."""


registry.declare("tokenizer", "how text becomes ids")
registry.import_modules(__name__, __path__)
