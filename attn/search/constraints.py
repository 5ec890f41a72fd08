"""What may not be said next."""

import dataclasses

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.search.ngrams import repeating
from attn.tokenizers import PAD


@dataclasses.dataclass(frozen=True)
class Constraints:
    """No n-gram of so many tokens twice (0: any may come again), and a prefix for each sentence.

    The prefixes, padded, come first of all: they are said even where they repeat an n-gram.
    """

    no_repeat_ngram: int
    prefix: Int[Tensor, "sentences prefix"] | None

    @staticmethod
    def of(
        no_repeat_ngram: int, prefix: Int[Tensor, "sentences prefix"] | None
    ) -> "Constraints | None":
        """The constraints; None where everything may be said, for which there is nothing to do."""
        if not no_repeat_ngram and prefix is None:
            return None
        return Constraints(no_repeat_ngram, prefix)

    def barred(
        self,
        said: Int[Tensor, "alive size step"],
        alive: Int[Tensor, " alive"],
        vocabulary: int,
    ) -> Bool[Tensor, "alive*size vocabulary"] | None:
        """The tokens that no hypothesis of the sentences alive may say after what it has said."""
        step, size = said.shape[2], said.shape[1]
        repeated = None
        if self.no_repeat_ngram:
            repeated = repeating(said.flatten(0, 1), self.no_repeat_ngram, vocabulary)
        if self.prefix is None or step >= self.prefix.shape[1]:
            return repeated
        token = self.prefix[alive, step].repeat_interleave(size)
        others = _all_but(token, vocabulary)
        return others if repeated is None else repeated.where((token == PAD)[:, None], others)


def _all_but(token: Int[Tensor, " rows"], vocabulary: int) -> Bool[Tensor, "rows vocabulary"]:
    """Every token but the one that must be said; none where that is padding, which forces none."""
    every = torch.arange(vocabulary, device=token.device)
    return (every != token[:, None]) & (token != PAD)[:, None]


def check_ngram(no_repeat_ngram: int) -> None:
    """Refuse n-grams of fewer than no tokens.

    Raises:
        ValueError: there are fewer.
    """
    if no_repeat_ngram < 0:
        raise ValueError(f"no_repeat_ngram={no_repeat_ngram}: must be at least 1, or 0 for none")
