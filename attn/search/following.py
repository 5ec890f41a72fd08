"""Hypotheses that each go their own way, token by token."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.search import Decoder, Hypothesis, leaving, next_logits
from attn.search.constraints import Constraints
from attn.tokenizers import BOS, EOS

# The next token of each row and its log-probability, given the logits, the tokens that are barred,
# the sentences that are followed still, by their place in the batch, and the step.
Choice = Callable[[Tensor, Tensor | None, Tensor, int], tuple[Tensor, Tensor]]


def follow(
    model: Decoder,
    source: Int[Tensor, "sentences time"],
    valid: Bool[Tensor, "sentences time"],
    choose: Choice,
    *,
    size: int,
    limits: Int[Tensor, " sentences"],
    constraints: Constraints | None,
) -> list[list[Hypothesis]]:
    """``size`` hypotheses of each sentence, each to its end or to the length limit.

    The score is ``sum_t log p(y_t | y_<t, x)`` of the tokens that were chosen.
    """
    sentences, most = len(source), int(limits.max())
    rows = sentences * size
    state = model.start(model.encode(source, valid), rows=rows, capacity=most)
    said = source.new_zeros(sentences, size, most)
    score = torch.zeros(sentences, size, device=source.device)
    alive = torch.arange(sentences, device=source.device)
    going = torch.ones(sentences, size, dtype=torch.bool, device=source.device)
    tokens = source.new_full((rows, 1), BOS)
    for step in range(most):
        logits, state = next_logits(model, tokens, state)
        barred = None
        if constraints is not None:
            barred = constraints.barred(said[alive, :, :step], alive, logits.shape[1])
        gained, tokens = choose(logits, barred, alive, step)
        each = tokens.view(-1, size)
        score[alive] += gained.view(-1, size) * going
        said[alive, :, step] = each
        going = going & (each != EOS) & (step + 1 < limits[alive])[:, None]
        kept = leaving(going.any(1))
        if kept is not None:
            if not len(kept):
                break
            alive, going, state = alive[kept], going[kept], state.keep(kept)
            tokens = each[kept].view(-1, 1)
    return [
        [hypothesis(row[:most], total) for row, total in zip(*several, strict=True)]
        for *several, most in zip(said.tolist(), score.tolist(), limits.tolist(), strict=True)
    ]


def hypothesis(tokens: list[int], score: float) -> Hypothesis:
    """The tokens up to the end, which tells that the model was finished."""
    finished = EOS in tokens
    return Hypothesis(tokens[: tokens.index(EOS)] if finished else tokens, score, finished)
