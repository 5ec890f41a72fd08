"""Blocks of queries and the keys near them, for patterns that reach no further."""

from collections.abc import Iterator

SMALLEST = 64  # queries of a block; fewer at a time are not faster on a CPU


def is_long(time: int, keys: int, reach: int) -> bool:
    """Whether a whole sequence is at least two blocks long, so that blocks save anything."""
    return time == keys and time >= 2 * _size(reach)


def spans(time: int, reach: int, *, ahead: bool, first: int = 0) -> Iterator[tuple[slice, slice]]:
    """Blocks of the places from ``first`` on, each with the places from there that it may reach.

    Positions grow by one at least, so that what is near in position is near in place.
    """
    size = _size(reach)
    for start in range(first, time, size):
        end = min(start + size, time)
        after = min(end + reach, time) if ahead else end
        yield slice(start, end), slice(max(first, start - reach), after)


def _size(reach: int) -> int:
    return max(2 * reach, SMALLEST)
