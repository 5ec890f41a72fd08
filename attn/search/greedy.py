"""Greedy search."""

from jaxtyping import Bool, Int
from torch import Tensor

from attn.registry import register
from attn.search import Decoder, Hypothesis, Limit
from attn.search.constraints import Constraints, check_ngram
from attn.search.following import follow
from attn.search.likeliest import likeliest


@register("search", "greedy")
class Greedy:
    """The likeliest token at each step, to the end or to the length limit.

    ``y_t = argmax_v p(v | y_<t, x)``; the score is ``sum_t log p(y_t)``. With ``no_repeat_ngram=n``
    no n tokens come twice in a translation.

    Raises:
        ValueError: an option out of its range.
    """

    rows = 1

    def __init__(
        self, *, no_repeat_ngram: int = 0, max_ratio: float = 2.0, max_extra: int = 10
    ) -> None:
        check_ngram(no_repeat_ngram)
        self.no_repeat_ngram = no_repeat_ngram
        self.limit = Limit(max_ratio, max_extra)

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
        prefix: Int[Tensor, "sentences prefix"] | None = None,
    ) -> list[list[Hypothesis]]:
        """The one translation of each sentence."""
        del best  # there is but one
        return follow(
            model,
            source,
            valid,
            lambda logits, barred, _alive, _step: likeliest(logits, 1, barred),
            size=1,
            limits=self.limit.of(valid, model.room),
            constraints=Constraints.of(self.no_repeat_ngram, prefix),
        )
