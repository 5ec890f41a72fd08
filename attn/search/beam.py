"""Beam search."""

from attn.registry import register
from attn.search import Limit
from attn.search.beams import BeamSearch
from attn.search.constraints import check_ngram
from attn.search.diversity import foremost
from attn.search.length import LengthPenalty


@register("search", "beam")
class Beam(BeamSearch):
    """The ``size`` likeliest prefixes at each step, the best finished one at last.

    Hypotheses compare by ``log p(y | x) / ((5 + |y|) / 6)^a + b sum_i log min(sum_j a_ij, 1)``, a
    being ``length_penalty``, |y| the length with the end, b ``coverage_penalty``, and a_ij the mean
    weight of source token i over all heads and layers when target token j was said; Wu et al. 2016,
    "Google's Neural Machine Translation System", equation 14. With ``length_norm=power`` the first
    divisor is ``|y|^a``. A prefix that ends among the best ``size`` continuations is finished. A
    sentence is done when it has ``size`` finished ones, when no prefix can come to beat the best of
    them, of which ``best`` are asked for, or at its length limit; so the result does not depend on
    the sentences beside it. Size 1 is greedy search. With ``no_repeat_ngram=n`` no n tokens come
    twice in a translation.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        *,
        size: int = 5,
        length_penalty: float = 0.6,
        length_norm: str = "wu",
        coverage_penalty: float = 0.0,
        no_repeat_ngram: int = 0,
        max_ratio: float = 2.0,
        max_extra: int = 10,
    ) -> None:
        if size < 1:
            raise ValueError(f"size={size}: must be at least 1")
        if coverage_penalty < 0:
            raise ValueError(f"coverage_penalty={coverage_penalty}: must not be negative")
        check_ngram(no_repeat_ngram)
        # Twice the size: as many go on even if each prefix ends. Nothing beyond can be among them.
        super().__init__(
            size,
            groups=1,
            looks=2 * size,
            choose=foremost,
            penalty=LengthPenalty(length_norm, length_penalty),
            coverage_penalty=coverage_penalty,
            no_repeat_ngram=no_repeat_ngram,
            limit=Limit(max_ratio, max_extra),
        )
