"""Generated sequences whose translation and alignment are known: copy, reverse, sort."""

import abc
import random
from collections.abc import Sequence

from attn.corpora import Pair, check_split
from attn.registry import register

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONGER = {"longer": (1, 2), "longest": (2, 4)}  # times the length of training: more than, at most


class Generated(abc.ABC):
    """Sequences of symbols, and what an order of their places makes of them.

    The splits are disjoint; ``longer`` has up to twice the length of training, ``longest`` more
    than twice and up to four times. What is drawn depends on the seed alone.

    Raises:
        ValueError: an option out of its range, more sequences asked for than there are.
    """

    def __init__(
        self,
        *,
        train_size: int = 10000,
        dev_size: int = 200,
        test_size: int = 200,
        symbols: int = 20,
        min_length: int = 3,
        max_length: int = 12,
        seed: int = 1,
    ) -> None:
        sizes = {"train_size": train_size, "dev_size": dev_size, "test_size": test_size}
        for name, value in {**sizes, "min_length": min_length}.items():
            if value < 1:
                raise ValueError(f"{name}={value}: must be at least 1")
        if not 2 <= symbols <= len(LETTERS):
            raise ValueError(f"symbols={symbols}: must be from 2 to {len(LETTERS)}")
        if max_length < min_length:
            raise ValueError(f"max_length={max_length}: must be at least min_length={min_length}")
        wanted = sum(sizes.values())
        room = _room(symbols, min_length, max_length, 2 * wanted)
        if room < 2 * wanted:
            raise ValueError(
                f"symbols={symbols}: there are {room} sequences of {min_length}-{max_length} "
                f"symbols, too few to draw {wanted} different ones; raise symbols or max_length"
            )
        self.source_language, self.target_language = "source", "target"
        self.splits: tuple[str, ...] = ("train", "dev", "test", *LONGER)
        self.symbols, self.seed = LETTERS[:symbols], seed
        self.lengths = (min_length, max_length)
        self.sizes = {"train": train_size, "dev": dev_size, "test": test_size}

    @staticmethod
    @abc.abstractmethod
    def order(words: list[str]) -> list[int]:
        """The places of the source in the order in which the target has them."""

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split, with their alignments."""
        check_split(self, split)
        shortest, longest = self.lengths
        if split in LONGER:
            shorter, times = LONGER[split]
            return self._draw(split, shorter * longest + 1, times * longest, self.sizes["test"])
        # Training comes last, so that its size changes no other split.
        drawn = self._draw("pairs", shortest, longest, sum(self.sizes.values()))
        parts = {}
        for name in ("test", "dev", "train"):
            parts[name], drawn = drawn[: self.sizes[name]], drawn[self.sizes[name] :]
        return parts[split]

    def _draw(self, purpose: str, shortest: int, longest: int, count: int) -> list[Pair]:
        generator = random.Random(f"{self.seed} {purpose}")
        drawn: dict[str, Pair] = {}
        while len(drawn) < count:
            length = generator.randint(shortest, longest)
            words = [generator.choice(self.symbols) for _ in range(length)]
            order = self.order(words)
            pair = Pair(
                " ".join(words),
                " ".join(words[place] for place in order),
                tuple(sorted((place, at) for at, place in enumerate(order))),
            )
            drawn.setdefault(pair.source, pair)
        return list(drawn.values())


def _room(symbols: int, shortest: int, longest: int, enough: int) -> int:
    """How many sequences there are, or, where there are enough, a number that is enough."""
    room = 0
    for length in range(shortest, longest + 1):
        room += symbols ** min(length, enough.bit_length())
        if room >= enough:
            break
    return room


@register("dataset", "copy")
class Copy(Generated):
    """Generated sequences, the target the same as the source."""

    @staticmethod
    def order(words: list[str]) -> list[int]:
        """Every place as it is."""
        return list(range(len(words)))


@register("dataset", "reverse")
class Reverse(Generated):
    """Generated sequences, the target the source from its end to its begin."""

    @staticmethod
    def order(words: list[str]) -> list[int]:
        """The last place first."""
        return list(reversed(range(len(words))))


@register("dataset", "sort")
class Sort(Generated):
    """Generated sequences, the target the same symbols in the order of the alphabet."""

    @staticmethod
    def order(words: list[str]) -> list[int]:
        """The places by their symbols; equal ones stay in order."""
        return sorted(range(len(words)), key=words.__getitem__)
