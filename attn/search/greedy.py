"""Greedy search."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.registry import register
from attn.search import Decoder, Hypothesis, Limit, leaving, next_logits
from attn.search.likeliest import likeliest
from attn.tokenizers import BOS, EOS


@register("search", "greedy")
class Greedy:
    """The likeliest token at each step, to the end or to the length limit.

    ``y_t = argmax_v p(v | y_<t, x)``; the score is ``sum_t log p(y_t)``.

    Raises:
        ValueError: a length limit that allows nothing.
    """

    rows = 1

    def __init__(self, *, max_ratio: float = 2.0, max_extra: int = 10) -> None:
        self.limit = Limit(max_ratio, max_extra)

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
    ) -> list[list[Hypothesis]]:
        """The one translation of each sentence."""
        del best  # there is but one
        limits = self.limit.of(valid, model.room)
        sentences, most = len(source), int(limits.max())
        state = model.start(model.encode(source, valid), rows=sentences, capacity=most)
        said = source.new_zeros(sentences, most)
        score = torch.zeros(sentences, device=source.device)
        rows = torch.arange(sentences, device=source.device)
        going = torch.ones_like(rows, dtype=torch.bool)
        tokens = source.new_full((sentences, 1), BOS)
        for step in range(most):
            logits, state = next_logits(model, tokens, state)
            gained, tokens = likeliest(logits, 1)
            score[rows] += gained[:, 0] * going
            said[rows, step] = tokens[:, 0]
            going = going & (tokens[:, 0] != EOS) & (step + 1 < limits[rows])
            kept = leaving(going)
            if kept is not None:
                if not len(kept):
                    break
                rows, going, tokens, state = rows[kept], going[kept], tokens[kept], state.keep(kept)
        return [
            [hypothesis(row[:length], total)]
            for row, length, total in zip(
                said.tolist(), limits.tolist(), score.tolist(), strict=True
            )
        ]


def hypothesis(tokens: list[int], score: float) -> Hypothesis:
    """The tokens up to the end, which tells that the model was finished."""
    finished = EOS in tokens
    return Hypothesis(tokens[: tokens.index(EOS)] if finished else tokens, score, finished)
