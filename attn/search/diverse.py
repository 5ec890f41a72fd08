"""Diverse beam search."""

import functools

from attn.registry import register
from attn.search import Limit
from attn.search.beams import BeamSearch
from attn.search.constraints import check_ngram
from attn.search.diversity import apart
from attn.search.length import LengthPenalty


@register("search", "diverse")
class Diverse(BeamSearch):
    """Beams of ``size / groups`` prefixes, each of which shuns what those before it say.

    The groups of a sentence go on by turns, step by step. Continuations compare by ``log p(y | x) -
    strength n``, n being how many prefixes of earlier groups go on with the same token at this
    step: Hamming diversity; Vijayakumar et al. 2018, "Diverse Beam Search for Improved Description
    of Complex Scenes". Nothing of that stays in a score: it is ``log p(y | x) / ((5 + |y|) / 6)^a``
    as in beam search, a being ``length_penalty``. A sentence is done when each of its groups is,
    and the translations of all are found, the better first. One group is beam search.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        *,
        size: int = 6,
        groups: int = 3,
        strength: float = 0.5,
        length_penalty: float = 0.6,
        length_norm: str = "wu",
        no_repeat_ngram: int = 0,
        max_ratio: float = 2.0,
        max_extra: int = 10,
    ) -> None:
        if groups < 1:
            raise ValueError(f"groups={groups}: must be at least 1")
        if size < 1 or size % groups:
            raise ValueError(f"size={size}: must be a multiple of groups={groups}")
        if strength < 0:
            raise ValueError(f"strength={strength}: must not be negative")
        check_ngram(no_repeat_ngram)
        each = size // groups
        # Of those likeliest, so many may be shunned for what the earlier groups say.
        super().__init__(
            each,
            groups=groups,
            looks=each + size,
            choose=functools.partial(apart, groups=groups, strength=strength),
            penalty=LengthPenalty(length_norm, length_penalty),
            coverage_penalty=0.0,
            no_repeat_ngram=no_repeat_ngram,
            limit=Limit(max_ratio, max_extra),
        )
