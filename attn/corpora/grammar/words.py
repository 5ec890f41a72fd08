"""Words with keys: two words of a pair are aligned where they share a key."""

import dataclasses
from collections.abc import Iterable, Sequence

from attn.corpora import Pair


@dataclasses.dataclass(frozen=True)
class Word:
    """A word of one side, and what it stands for; commas stand for nothing."""

    text: str
    keys: frozenset[int] = frozenset()


COMMA = Word(",")
Words = list[Word]


class Keys:
    """Gives out keys."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> int:
        """A key that was not given out before."""
        self.last += 1
        return self.last


def words(text: str, *keys: int) -> Words:
    """Every word of a text under the same keys."""
    return [Word(one, frozenset(keys)) for one in text.split()]


def sentence(source: Words, target: Words, end: str) -> Pair:
    """Both sides as text, commas and the end attached, and their alignment by keys."""
    left, right = _attached(source, end), _attached(target, end)
    alignment = tuple(
        (i, j)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if one.keys & other.keys
    )
    return Pair(_text(left), _text(right), alignment)


def _attached(side: Iterable[Word], end: str) -> Sequence[Word]:
    """Commas on the words before them, once each and none at the end; then the end."""
    done: list[Word] = []
    for word in side:
        if word is not COMMA:
            done.append(word)
        elif not done[-1].text.endswith(","):
            done[-1] = Word(f"{done[-1].text},", done[-1].keys)
    done[-1] = Word(done[-1].text.rstrip(",") + end, done[-1].keys)
    return done


def _text(side: Sequence[Word]) -> str:
    text = " ".join(word.text for word in side)
    return text[0].upper() + text[1:]
