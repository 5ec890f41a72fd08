"""Pairs that are left out of training, counted by the reason."""

from collections import Counter
from collections.abc import Mapping, Sequence

from attn.corpora import Pair

NUL = "with NUL characters"


class Filters:
    """Decides by their text which pairs are trained on; dev and test are never filtered.

    A pair with an empty side is always left out. ``max_words`` is the most words on either side,
    ``max_ratio`` the most words of one side for each of the other, counted between spaces;
    ``drop_duplicates`` leaves pairs out that came before, ``drop_identical`` those whose sides are
    the same text.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(
        self,
        *,
        max_words: int | None = None,
        max_ratio: float | None = None,
        drop_duplicates: bool = False,
        drop_identical: bool = False,
    ) -> None:
        for name, limit in (("max_words", max_words), ("max_ratio", max_ratio)):
            if limit is not None and limit < 1:
                raise ValueError(f"{name}={limit}: must be at least 1, or null for no limit")
        self.max_words, self.max_ratio = max_words, max_ratio
        self.drop_duplicates, self.drop_identical = drop_duplicates, drop_identical

    def __call__(self, pairs: Sequence[Pair]) -> tuple[list[Pair], dict[str, int]]:
        """The pairs that stay, in order, and how many go for which reason, the first that holds."""
        seen: set[tuple[str, str]] = set()
        kept, counts = [], Counter[str]()
        for pair in pairs:
            reason = self._reason(pair, seen)
            if reason is None:
                kept.append(pair)
            else:
                counts[reason] += 1
        return kept, dict(counts)

    def _reason(self, pair: Pair, seen: set[tuple[str, str]]) -> str | None:
        lengths = sorted((len(pair.source.split()), len(pair.target.split())))
        if not lengths[0]:
            return "empty"
        if self.max_words is not None and lengths[1] > self.max_words:
            return "over max_words"
        if self.max_ratio is not None and lengths[1] > self.max_ratio * lengths[0]:
            return "over max_ratio"
        if self.drop_identical and pair.source == pair.target:
            return "identical"
        if self.drop_duplicates:
            key = (pair.source, pair.target)
            if key in seen:
                return "duplicate"
            seen.add(key)
        return None


def shared(train: Sequence[Pair], held_out: Sequence[Pair]) -> int:
    """How many held-out pairs have a source that is trained on, whatever tags stand before it."""
    sources = {pair.untagged for pair in train}
    return sum(pair.untagged in sources for pair in held_out)


def oddities(train: Sequence[Pair]) -> dict[str, int]:
    """How many of the pairs that are trained on came before, say the same twice, or hold NUL."""
    different = {(pair.source, pair.target) for pair in train}
    return {
        "repeated": len(train) - len(different),
        "identical": sum(pair.source == pair.target for pair in train),
        NUL: sum("\0" in pair.source or "\0" in pair.target for pair in train),
    }


def counted(reasons: Mapping[str, int]) -> str:
    """Counts by reason, in words."""
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())
