"""Beam search."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.registry import register
from attn.search import Decoder, Hypothesis, Limit, leaving, next_logits
from attn.search.likeliest import likeliest
from attn.tokenizers import BOS, EOS


@register("search", "beam")
class Beam:
    """The ``size`` likeliest prefixes at each step, the best finished one at last.

    Hypotheses compare by ``log p(y | x) / ((5 + |y|) / 6)^a``, a being ``length_penalty`` and |y|
    the length with the end; Wu et al. 2016, "Google's Neural Machine Translation System", equation
    14. A prefix that ends among the best ``size`` continuations is finished. A sentence is done
    when it has ``size`` finished ones, when no prefix can come to beat the best of them, of which
    ``best`` are asked for, or at its length limit; so the result does not depend on the sentences
    beside it. Size 1 is greedy search.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        *,
        size: int = 5,
        length_penalty: float = 0.6,
        max_ratio: float = 2.0,
        max_extra: int = 10,
    ) -> None:
        if size < 1:
            raise ValueError(f"size={size}: must be at least 1")
        if length_penalty < 0:
            raise ValueError(f"length_penalty={length_penalty}: must not be negative")
        self.size, self.length_penalty = size, length_penalty
        self.rows = size
        self.limit = Limit(max_ratio, max_extra)

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
    ) -> list[list[Hypothesis]]:
        """The translations of each sentence."""
        limits = self.limit.of(valid, model.room)
        sentences, most = len(source), int(limits.max())
        rows = sentences * self.size
        state = model.start(model.encode(source, valid), rows=rows, capacity=most)
        beams = _Beams.begin(sentences, self.size, most, source.device)
        tokens = source.new_full((rows, 1), BOS)
        alive, found = torch.arange(sentences), [list[Hypothesis]()] * sentences
        going = torch.ones(sentences, dtype=torch.bool, device=source.device)
        for step in range(most):
            logits, state = next_logits(model, tokens, state)
            origin = self._advance(beams, logits, step)
            done = self._done(beams, limits, step, min(best, self.size)) & going
            for here in done.nonzero()[:, 0].tolist():
                found[alive[here]] = beams.best(here, self.penalty(step + 1))[:best]
            going = going & ~done
            kept = leaving(going)
            if kept is not None:
                if not len(kept):
                    break
                alive, going, limits = alive[kept.cpu()], going[kept], limits[kept]
                beams, state, origin = beams.keep(kept), state.keep(kept), origin[kept]
            tokens = beams.tokens[:, :, step].reshape(-1, 1)
            state = _reordered(state, origin)
        return found

    def penalty(self, length: int | Tensor) -> Any:
        """What the log-probability of a translation of this length is divided by."""
        return ((5.0 + length) / 6.0) ** self.length_penalty

    def _advance(
        self,
        beams: "_Beams",
        logits: Float[Tensor, "rows vocabulary"],
        step: int,
    ) -> Int[Tensor, "sentences size"]:
        """Go one token on; from which of its sentence's prefixes each new one comes."""
        size = self.size
        # Twice the size: as many go on even if each prefix ends. Nothing beyond can be among them.
        best, token = likeliest(logits, min(2 * size, logits.shape[1]))
        total = best.unflatten(0, (-1, size)) + beams.score[:, :, None]
        every, token = total.flatten(1), token.unflatten(0, (-1, size)).flatten(1)
        score, place = every.topk(min(2 * size, every.shape[1]), -1)
        token, origin = token.gather(1, place), place // best.shape[1]
        ends = token == EOS
        finished = ends[:, :size] & score[:, :size].isfinite()
        if finished.any():
            gained = score[:, :size] / self.penalty(step + 1)
            beams.finish(gained.masked_fill(~finished, -torch.inf), origin[:, :size], step)
        going = score.masked_fill(ends, -torch.inf)
        beams.score, chosen = going.topk(size, -1)
        origin = origin.gather(1, chosen)
        beams.extend(origin, token.gather(1, chosen), step)
        return origin

    def _done(
        self, beams: "_Beams", limits: Int[Tensor, " sentences"], step: int, best: int
    ) -> Bool[Tensor, " sentences"]:
        hope = beams.score[:, 0] / self.penalty(limits)
        full = beams.finished_score[:, -1].isfinite()
        return full | (beams.finished_score[:, best - 1] >= hope) | (step + 1 >= limits)


@dataclasses.dataclass
class _Beams:
    """Living prefixes and finished translations of each sentence, the best first."""

    score: Float[Tensor, "sentences size"]
    tokens: Int[Tensor, "sentences size most"]
    finished_score: Float[Tensor, "sentences size"]
    finished: Int[Tensor, "sentences size most"]

    @staticmethod
    def begin(sentences: int, size: int, most: int, device: torch.device) -> "_Beams":
        """One empty prefix a sentence; the other places are taken by none."""
        none = torch.full((sentences, size), -torch.inf, device=device)
        score = none.clone()
        score[:, 0] = 0
        tokens = torch.zeros(sentences, size, most, dtype=torch.long, device=device)
        return _Beams(score, tokens, none, tokens.clone())

    def extend(
        self, origin: Int[Tensor, "sentences size"], token: Int[Tensor, "sentences size"], step: int
    ) -> None:
        """Prefixes picked by origin, each with its next token."""
        picked = origin[:, :, None].expand(-1, -1, step)
        self.tokens[:, :, :step] = self.tokens[:, :, :step].gather(1, picked)
        self.tokens[:, :, step] = token

    def finish(
        self,
        gained: Float[Tensor, "sentences size"],
        origin: Int[Tensor, "sentences size"],
        step: int,
    ) -> None:
        """Take in prefixes that ended, where their score is among the best."""
        most = self.tokens.shape[2]
        ended = self.tokens.gather(1, origin[:, :, None].expand(-1, -1, most))
        ended[:, :, step] = EOS
        size = gained.shape[1]
        self.finished_score, place = torch.cat((self.finished_score, gained), 1).topk(size, -1)
        both = torch.cat((self.finished, ended), 1)
        self.finished = both.gather(1, place[:, :, None].expand(-1, -1, most))

    def keep(self, sentences: Int[Tensor, " kept"]) -> "_Beams":
        """The beams of these sentences alone."""
        return _Beams(
            self.score[sentences],
            self.tokens[sentences],
            self.finished_score[sentences],
            self.finished[sentences],
        )

    def best(self, sentence: int, penalty: float) -> list[Hypothesis]:
        """The finished translations, the better first, then the prefixes, the better first."""
        finished = [
            Hypothesis(tokens[: tokens.index(EOS)], score, True)
            for tokens, score in _alive(self.finished[sentence], self.finished_score[sentence])
        ]
        prefixes = [
            Hypothesis([token for token in tokens if token], score / penalty, False)
            for tokens, score in _alive(self.tokens[sentence], self.score[sentence])
        ]
        return finished + prefixes


def _alive(
    tokens: Int[Tensor, "size most"], score: Float[Tensor, " size"]
) -> Iterator[tuple[list[int], float]]:
    """The tokens and the score of each hypothesis that there is."""
    every = zip(tokens.tolist(), score.tolist(), strict=True)
    return ((said, gained) for said, gained in every if gained > -math.inf)


def _reordered(state: Any, origin: Int[Tensor, "sentences size"]) -> Any:
    """The state of the prefixes that go on; nothing is copied where they stay in place."""
    sentences, size = origin.shape
    offset = torch.arange(sentences, device=origin.device)[:, None] * size
    here = torch.arange(size, device=origin.device).expand_as(origin)
    if torch.equal(origin, here):
        return state
    return state.reorder((origin + offset).flatten())
