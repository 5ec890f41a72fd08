"""Which words a head aligns, and how well that agrees with a gold alignment."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.corpora import Pair
from attn.corpora.text import lines
from attn.registry import ConfigError
from attn.tokenizers import Tokenizer

Words = list[range]
Link = tuple[int, int]  # a word of the source, a word of the target
LINK = re.compile(r"(\d+)([-?p])(\d+)")


def words(tokenizer: Tokenizer, ids: Sequence[int], text: str) -> Words | None:
    """The pieces of each word of a text; None if the pieces do not tell the words."""
    ends = [len(tokenizer.decode(ids[:count]).split()) for count in range(1, len(ids) + 1)]
    found = [
        range(ends.index(number), len(ends) - ends[::-1].index(number))
        for number in range(1, len(text.split()) + 1)
        if number in ends
    ]
    return found if found and len(found) == len(text.split()) == ends[-1] else None


def merged(
    weights: Float[Tensor, "*heads rows columns"], rows: Words, columns: Words
) -> Float[Tensor, "*heads words others"]:
    """The weights of words: summed over the pieces of a column, the mean over those of a row.

    ``w_JI = 1/|J| sum_{j in J} sum_{i in I} w_ji``; what belongs to no word is left out.
    """
    by_column = torch.stack([weights[..., part.start : part.stop].sum(-1) for part in columns], -1)
    return torch.stack([by_column[..., part.start : part.stop, :].mean(-2) for part in rows], -2)


def hard(weights: Float[Tensor, "*heads target source"]) -> Int[Tensor, "*heads target"]:
    """The word of the source with the largest weight, for each word said; -1 if none has any."""
    largest, place = weights.max(-1)
    return torch.where(largest > 0, place, -1)


@dataclasses.dataclass(frozen=True)
class Gold:
    """The links between the words of a pair: those that must be, and those that may be.

    Och and Ney 2003, section 6.1; each link that must be may be.
    """

    sure: frozenset[Link]
    possible: frozenset[Link]

    @staticmethod
    def of(links: Iterable[Link], possible: Iterable[Link] = ()) -> "Gold":
        """Gold of links that must be, and others that may be."""
        sure = frozenset(links)
        return Gold(sure, sure | frozenset(possible))


@dataclasses.dataclass(frozen=True)
class Agreement:
    """What the alignment error rate is made of, of each head, summed over sentences.

    ``made`` are the links of the alignment A, ``sure`` those of the gold S, ``met`` is
    ``|A and S| + |A and P|``.
    """

    made: Int[Tensor, "*heads"]
    met: Int[Tensor, "*heads"]
    sure: int

    def __add__(self, other: "Agreement") -> "Agreement":
        """That of more sentences."""
        return Agreement(self.made + other.made, self.met + other.met, self.sure + other.sure)

    @property
    def error_rate(self) -> Float[Tensor, "*heads"]:
        """``1 - (|A and S| + |A and P|) / (|A| + |S|)``; Och and Ney 2003, equation 20."""
        return 1 - self.met / (self.made + self.sure)


def agreement(links: Int[Tensor, "*heads target"], gold: Gold, sources: int) -> Agreement:
    """How links, the word of the source for each of the target or -1, agree with the gold."""
    made = links >= 0
    met = torch.zeros(made.shape[:-1], dtype=torch.long)
    for those in (gold.sure, gold.possible):
        known = _matrix(those, sources, links.shape[-1]).expand(*links.shape, sources)
        met += (known.gather(-1, links.clamp(min=0)[..., None])[..., 0] & made).sum(-1)
    return Agreement(made.sum(-1), met, len(gold.sure))


def _matrix(links: Iterable[Link], sources: int, targets: int) -> Bool[Tensor, "target source"]:
    found = torch.zeros(targets, sources, dtype=torch.bool)
    for source, target in links:
        found[target, source] = True
    return found


def read(path: Path, pairs: Sequence[Pair]) -> list[Gold]:
    """The gold alignments of pairs from a file, a line for each pair, words counted from 0.

    ``3-4`` links the words 3 of the source and 4 of the target, ``3?4`` or ``3p4`` may link them.

    Raises:
        ValueError: a file that cannot be read, other lines than there are pairs; what is no link,
            or links a word that there is not, with file and line.
    """
    found = lines(path)
    if len(found) != len(pairs):
        raise ValueError(
            f"{path} has {len(found)} lines, and the split {len(pairs)} sentences; line n must "
            "align sentence n"
        )
    named = enumerate(zip(found, pairs, strict=True), 1)
    return [_gold(f"{path}, line {number}", *each) for number, each in named]


def asked(option: str, path: str, pairs: Sequence[Pair]) -> list[Gold]:
    """The gold alignments of the file that an option names.

    Raises:
        ConfigError: what is wrong with it.
    """
    try:
        return read(Path(path), pairs)
    except ValueError as error:
        raise ConfigError([f"{option}: {error}"]) from None


def _gold(place: str, line: str, pair: Pair) -> Gold:
    sure, possible = list[Link](), list[Link]()
    for word in line.split():
        if not (parts := LINK.fullmatch(word)):
            raise ValueError(
                f"{place}: {word!r} is no link; write 3-4 for source word 3 and target word 4, "
                "from 0 on, or 3?4 for a possible link"
            )
        link = int(parts[1]), int(parts[3])
        for which, at, text in zip(
            ("source", "target"), link, (pair.source, pair.target), strict=True
        ):
            if at >= (count := len(text.split())):
                raise ValueError(
                    f"{place}: {word!r} names word {at} of a {which} that has {count} words; they "
                    "are counted from 0"
                )
        (sure if parts[2] == "-" else possible).append(link)
    return Gold.of(sure, possible)
