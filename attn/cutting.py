"""Words cut into pieces at random, by draws that a seed decides in every process alike.

SentencePiece draws too, but its numbers depend on the process as well as on the seed.
"""

import bisect
import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

WORDS = 2**16  # that are remembered; the rare ones, which are most, need not be
LONG = 32  # characters from which on a word is not: a line without spaces comes once
RARER = 10.0  # by how much a character that is no piece is less likely than the rarest piece
Made = TypeVar("Made")
Draw = Callable[[], float]  # numbers of [0, 1)


def _remembered(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """What is made of a word, remembered for short ones."""
    known = lru_cache(WORDS)(make)
    return lambda word: known(word) if len(word) < LONG else make(word)


class Merges:
    """Byte pairs, of which each merge is left out with some probability, when its turn comes.

    ``scores`` are of the pieces; the best pair is merged first, of equal ones that to the left.
    Provilkov, Emelianenko and Voita 2020, "BPE-Dropout: Simple and Effective Subword
    Regularization".
    """

    def __init__(self, scores: Mapping[str, float], dropout: float) -> None:
        self._scores, self._dropout = scores, dropout
        self._whole = _remembered(self._uncut)

    def cut(self, word: str, draw: Draw) -> Sequence[str]:
        """The pieces of a word."""
        pieces, count = self._whole(word)
        for kept in range(count):  # most words are cut as ever, which is known by now
            if draw() < self._dropout:
                drawn = (draw() < self._dropout for _ in itertools.repeat(None))
                first = itertools.chain(itertools.repeat(False, kept), [True])
                return self._merged(word, itertools.chain(first, drawn))
        return pieces

    def _uncut(self, word: str) -> tuple[Sequence[str], int]:
        pieces = self._merged(word, itertools.repeat(False))
        return pieces, len(word) - len(pieces)

    def _merged(self, word: str, left_out: Iterator[bool]) -> Sequence[str]:
        pieces = [*word, ""]  # nothing stands behind the last
        before, behind = list(range(-1, len(word))), list(range(1, len(word) + 2))
        pairs: list[tuple[float, int, int, str]] = []

        def offer(left: int, right: int) -> None:
            if left >= 0 and pieces[right]:
                pair = pieces[left] + pieces[right]
                if (score := self._scores.get(pair)) is not None:
                    heapq.heappush(pairs, (-score, left, right, pair))

        for left in range(len(word) - 1):
            offer(left, left + 1)
        while pairs:
            _, left, right, pair = heapq.heappop(pairs)
            if not pieces[left] or not pieces[right] or pieces[left] + pieces[right] != pair:
                continue  # one of them was merged with another
            if next(left_out):
                continue
            pieces[left], pieces[right] = pair, ""
            behind[left] = behind[right]
            before[behind[left]] = left
            offer(before[left], left)
            offer(left, behind[left])
        return [piece for piece in pieces if piece]


class Ways:
    """All ways x to cut a word, drawn with probability proportional to ``p(x)^alpha``.

    ``scores`` are the logarithms of the probabilities of pieces. Drawn from the begin, each piece
    by the share that all ways have which begin so: Kudo 2018, "Subword Regularization".
    """

    def __init__(self, scores: Mapping[str, float], alpha: float) -> None:
        self._scores, self._alpha = scores, alpha
        self._unknown = min(scores.values()) - RARER
        self._longest = max(map(len, scores))
        self._steps = _remembered(self._shares)

    def cut(self, word: str, draw: Draw) -> Sequence[str]:
        """The pieces of a word."""
        steps, start, pieces = self._steps(word), 0, []
        while start < len(word):
            shares, ends = steps[start]
            end = ends[0] if len(ends) == 1 else ends[bisect.bisect(shares, draw())]
            pieces.append(word[start:end])
            start = end
        return pieces

    def _shares(self, word: str) -> list[tuple[list[float], list[int]]]:
        """Where the piece at each place may end, and the shares of these ends, added up."""
        size = len(word)
        found: list[tuple[list[float], list[int]]] = [([], [])] * size
        rest = [0.0] * (size + 1)  # the logarithm of all ways from a place on
        for start in reversed(range(size)):
            ends = [
                end
                for end in range(start + 1, min(size, start + self._longest) + 1)
                if end == start + 1 or word[start:end] in self._scores
            ]
            scores = (self._scores.get(word[start:end], self._unknown) for end in ends)
            ways = [
                self._alpha * score + rest[end] for score, end in zip(scores, ends, strict=True)
            ]
            most = max(ways)
            shares = [math.exp(way - most) for way in ways]
            whole = math.fsum(shares)
            rest[start] = most + math.log(whole)
            added = list(itertools.accumulate(share / whole for share in shares))
            found[start] = [*added[:-1], 1.0], ends
        return found
