"""Translations drawn at random."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.registry import register
from attn.search import Decoder, Hypothesis, Limit
from attn.search.constraints import Constraints, check_ngram
from attn.search.following import follow
from attn.search.noise import keys, uniform
from attn.search.truncation import Truncation
from attn.tokenizers import BOS, PAD


@register("search", "sampling")
class Sampling:
    """``size`` translations of each sentence, each token drawn at random; the likelier first.

    ``y_t ~ p(v | y_<t, x)^(1/temperature)``, of which ``top_k``, ``top_p`` (the nucleus; Holtzman
    et al. 2020) and ``min_p`` (Nguyen et al. 2024) leave the likelier part. The score is that of
    the model: ``sum_t log p(y_t)``, whatever was drawn from. What is drawn depends on the seed, the
    sentence and the number of the sample alone: equal sentences get equal samples. Samples of a
    sentence may be equal too. With ``no_repeat_ngram=n`` no n tokens come twice in a translation.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        *,
        size: int = 1,
        seed: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        no_repeat_ngram: int = 0,
        max_ratio: float = 2.0,
        max_extra: int = 10,
    ) -> None:
        if size < 1:
            raise ValueError(f"size={size}: must be at least 1")
        if seed < 0:
            raise ValueError(f"seed={seed}: must not be negative")
        if temperature <= 0:
            raise ValueError(
                f"temperature={temperature}: must be above 0; search=greedy takes the likeliest"
            )
        check_ngram(no_repeat_ngram)
        self.rows, self.seed, self.temperature = size, seed, temperature
        self.truncation = Truncation(top_k, top_p, min_p)
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
        """The ``best`` likeliest samples of each sentence."""
        every = keys(source, valid, size=self.rows, seed=self.seed)

        def draw(
            logits: Tensor, barred: Tensor | None, alive: Tensor, step: int
        ) -> tuple[Tensor, Tensor]:
            return self.draw(logits, barred, uniform(every[alive].flatten(), step))

        samples = follow(
            model,
            source,
            valid,
            draw,
            size=self.rows,
            limits=self.limit.of(valid, model.room),
            constraints=Constraints.of(self.no_repeat_ngram, prefix),
        )
        return [sorted(several, key=lambda one: -one.score)[:best] for several in samples]

    def draw(
        self,
        logits: Float[Tensor, "rows vocabulary"],
        barred: Bool[Tensor, "rows vocabulary"] | None,
        chance: Float[Tensor, " rows"],
    ) -> tuple[Float[Tensor, "rows 1"], Int[Tensor, "rows 1"]]:
        """A token for each row, and its log-probability, by a number from 0 to below 1.

        It is the first token up to which there is more than that share of the probability.
        """
        total = logits.logsumexp(-1, keepdim=True)
        sayable = logits if barred is None else logits.masked_fill(barred, -torch.inf)
        sayable[:, [PAD, BOS]] = -torch.inf
        above = sayable - sayable.amax(-1, keepdim=True)
        share = self.truncation((above / self.temperature).softmax(-1)).cumsum(-1)
        token = torch.searchsorted(share, chance[:, None] * share[:, -1:], right=True)
        token = token.clamp(max=logits.shape[1] - 1)  # where a model gives no numbers any more
        return logits.gather(1, token) - total, token
