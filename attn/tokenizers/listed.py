"""Tokenizers with a plain list of symbols: words and characters."""

import abc
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from attn.files import read_json, write_json
from attn.registry import register
from attn.tokenizers import UNK

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
FILE = "symbols.json"


class Listed(abc.ABC):
    """Symbols by frequency, those that come ``min_count`` times at least; others are unknown.

    Raises:
        ValueError: a count below 1; when trained, no text.
    """

    joint = ""

    def __init__(self, *, min_count: int = 1) -> None:
        if min_count < 1:
            raise ValueError(f"min_count={min_count}: must be at least 1")
        self.min_count = min_count
        self._know([])

    @property
    def size(self) -> int:
        """How many symbols there are, the special ones included."""
        return len(self.symbols)

    @staticmethod
    @abc.abstractmethod
    def split(text: str) -> list[str]:
        """The symbols of a text."""

    def train(self, lines: Iterable[str]) -> None:
        """Count the symbols."""
        counts = Counter(symbol for line in lines for symbol in self.split(line))
        if not counts:
            raise ValueError("there is no text to learn a vocabulary from")
        often = [symbol for symbol, count in counts.items() if count >= self.min_count]
        self._know(sorted(often, key=lambda symbol: (-counts[symbol], symbol)))

    def encode(self, text: str) -> list[int]:
        """The ids of a text; the written forms of special symbols are ordinary text."""
        return [self.ids.get(symbol, UNK) for symbol in self.split(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; what is unknown stays so."""
        return self.joint.join(self.symbols[i] for i in ids if i >= UNK)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The written form of each id."""
        return [self.symbols[i] for i in ids]

    def save(self, folder: Path) -> None:
        """Write the symbols into a folder."""
        write_json(folder / FILE, self.symbols[len(SPECIAL) :])

    def load(self, folder: Path) -> None:
        """Read the symbols from a folder."""
        self._know(read_json(folder / FILE))

    def _know(self, symbols: list[str]) -> None:
        self.symbols = SPECIAL + symbols
        self.ids = {symbol: place for place, symbol in enumerate(symbols, len(SPECIAL))}


@register("tokenizer", "words")
class Words(Listed):
    """Whatever stands between spaces."""

    joint = " "

    @staticmethod
    def split(text: str) -> list[str]:
        """The words of a text."""
        return text.split()


@register("tokenizer", "characters")
class Characters(Listed):
    """Single characters, the space among them."""

    @staticmethod
    def split(text: str) -> list[str]:
        """The characters of a text."""
        return list(text)
