"""How probable a model finds translations that it is given."""

import dataclasses
import math
from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from attn.batching import Batch
from attn.corpora import Pair
from attn.search.ensemble import TeacherForced
from attn.tokenizers import PAD
from attn.translation import Translator

CHUNK = 256  # tokens whose logits are made at once
HIGHEST = 700.0  # nats of which the exponential is a number


@dataclasses.dataclass(frozen=True)
class Forced:
    """The log-probability of a translation, in nats, and its tokens, the end included.

    ``log p(y | x) = sum_t log p(y_t | y_<t, x)``; nan where a side is too long for the model.
    ``empty`` tells that a side has no tokens but its end.
    """

    score: float
    tokens: int
    empty: bool = False

    @property
    def perplexity(self) -> float:
        """``exp(-log p(y | x) / |y|)``."""
        return perplexity(self.score, self.tokens)


def perplexity(score: float, tokens: int) -> float:
    """``exp(-score / tokens)``; nan of no tokens."""
    return math.exp(min(-score / tokens, HIGHEST)) if tokens else math.nan


def forced(translator: Translator, pairs: Sequence[Pair]) -> list[Forced]:
    """How probable each pair's target is, given its source, in the order of the pairs.

    Each is read whole, in one pass. Pairs with a side over the batches' ``max_length`` tokens are
    not scored: what is cut off would be missing from the sum.
    """
    ids = translator.vocabularies.ids(pairs)
    most = translator.batches.max_length
    some = [number for number, sides in enumerate(ids) if max(map(len, sides)) <= most]
    model, totals = cast("TeacherForced", translator.model), [math.nan] * len(pairs)
    made = translator.by_batch(
        [ids[number] for number in some], lambda batch: _totals(model, batch).tolist()
    )
    for number, total in zip(some, made, strict=True):
        totals[number] = total
    return [
        Forced(total, len(sides[1]) + 1, empty=not all(sides))
        for total, sides in zip(totals, ids, strict=True)
    ]


def _totals(model: TeacherForced, batch: Batch) -> Float[Tensor, " batch"]:
    """The log-probability of each target."""
    real = batch.labels != PAD
    hidden = model(batch.source, batch.source_valid, batch.inputs)[real]
    parts = zip(hidden.split(CHUNK), batch.labels[real].split(CHUNK), strict=True)
    gained = torch.cat([_gained(model.project(some), labels) for some, labels in parts])
    totals = torch.zeros(len(real), dtype=torch.float64)
    return totals.index_add_(0, real.nonzero()[:, 0].cpu(), gained.cpu().double())


def _gained(
    logits: Float[Tensor, "tokens vocabulary"], labels: Int[Tensor, " tokens"]
) -> Float[Tensor, " tokens"]:
    """The log-probability of each label."""
    logits = logits.float()
    return logits.gather(1, labels[:, None])[:, 0] - logits.logsumexp(-1)
