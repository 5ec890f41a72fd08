"""Words for messages: what may stand instead of one that is not known, a few of many."""

import difflib
from collections.abc import Iterable, Sequence

FEW = 5  # of many that are named
LONG = 1e6  # from here on a number has an exponent


def suggest(word: str, known: Iterable[str]) -> str:
    """The nearest known word first, then all."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}choose one of {', '.join(choices)}"


def some(numbers: Sequence[int]) -> str:
    """The first of many numbers."""
    return ", ".join(map(str, numbers[:FEW])) + (", ..." if len(numbers) > FEW else "")


def figure(value: float, digits: int) -> str:
    """A number with so many digits behind the point, one that is very large with an exponent."""
    return f"{value:.{digits}{'f' if abs(value) < LONG else 'e'}}"


def span(count: int) -> str:
    """The numbers of so many things that are counted from 0."""
    return f"0-{count - 1}" if count > 1 else "0" if count else "none"
