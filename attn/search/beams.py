"""Beam search in one group of prefixes or several, the same for every kind of it."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.search import Decoder, Hypothesis, Limit, leaving, next_logits
from attn.search.constraints import Constraints
from attn.search.coverage import Coverage
from attn.search.diversity import Chosen
from attn.search.length import LengthPenalty
from attn.search.likeliest import likeliest
from attn.search.prefixes import Prefixes
from attn.states import rows_of
from attn.tokenizers import BOS, EOS


@dataclasses.dataclass(frozen=True)
class BeamSearch:
    """``groups`` beams a sentence, each of ``size`` prefixes.

    ``choose`` says which continuations go on, among ``looks`` likeliest ones of each prefix, by
    their log-probability, their token, and the size.
    """

    size: int
    groups: int
    looks: int
    choose: Callable[[Tensor, Tensor, int], Chosen]
    penalty: LengthPenalty
    coverage_penalty: float
    no_repeat_ngram: int
    limit: Limit

    @property
    def rows(self) -> int:
        """How many prefixes of a sentence are followed, and the most that is found."""
        return self.groups * self.size

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
        prefix: Int[Tensor, "sentences prefix"] | None = None,
    ) -> list[list[Hypothesis]]:
        """The translations of each sentence, the better first; finished ones before others."""
        limits = self.limit.of(valid, model.room)
        sentences, most = len(source), int(limits.max())
        groups, rows = sentences * self.groups, sentences * self.rows
        state, coverage = self._begin(model, source, valid, rows, most)
        constraints = Constraints.of(self.no_repeat_ngram, prefix)
        beams = Prefixes.begin(groups, self.size, most, source.device)
        tokens = source.new_full((rows, 1), BOS)
        alive, found = torch.arange(sentences), [list[Hypothesis]()] * sentences
        going = torch.ones(sentences, dtype=torch.bool, device=source.device)
        for step in range(most):
            logits, state = next_logits(model, tokens, state)
            if coverage is not None:
                coverage.look(state.weights)
            barred = None
            if constraints is not None:
                said = beams.tokens[:, :, :step].unflatten(0, (-1, self.groups)).flatten(1, 2)
                barred = constraints.barred(said, alive.to(said.device), logits.shape[1])
            origin = self._advance(beams, logits, barred, coverage, step)
            done = self._done(beams, limits, step, min(best, self.size)) & going
            for here in done.nonzero()[:, 0].tolist():
                found[alive[here]] = self._found(beams, here, coverage, step)[:best]
            going = going & ~done
            kept = leaving(going)
            if kept is not None:
                if not len(kept):
                    break
                alive, going, limits = alive[kept.cpu()], going[kept], limits[kept]
                parts = rows_of(kept, self.groups)
                beams, state, origin = beams.keep(parts), state.keep(kept), origin[parts]
                if coverage is not None:
                    coverage.keep(parts)
            tokens = beams.tokens[:, :, step].reshape(-1, 1)
            state = _reordered(state, origin)
        return found

    def _begin(
        self, model: Decoder, source: Tensor, valid: Tensor, rows: int, most: int
    ) -> tuple[Any, Coverage | None]:
        """The state before the first token; it shows the weights of its steps if they count."""
        memory = model.encode(source, valid)
        if not self.coverage_penalty:
            return model.start(memory, rows=rows, capacity=most), None
        state = model.start(memory, rows=rows, capacity=most, capture=True)  # type: ignore[call-arg]
        each = valid.repeat_interleave(self.groups, 0)
        return state, Coverage.begin(self.coverage_penalty, each, self.size)

    def _advance(
        self,
        beams: Prefixes,
        logits: Float[Tensor, "rows vocabulary"],
        barred: Bool[Tensor, "rows vocabulary"] | None,
        coverage: Coverage | None,
        step: int,
    ) -> Int[Tensor, "groups size"]:
        """Go one token on; from which of its group's prefixes each new one comes."""
        size = self.size
        best, token = likeliest(logits, min(self.looks, logits.shape[1]), barred)
        total = (best.unflatten(0, (-1, size)) + beams.score[:, :, None]).flatten(1)
        token = token.unflatten(0, (-1, size)).flatten(1)
        place, token, chosen = self.choose(total, token, size)
        score, origin, ends = total.gather(1, place), place // best.shape[1], token == EOS
        finished = ends[:, :size] & score[:, :size].isfinite()
        if finished.any():
            gained = score[:, :size] / self.penalty(step + 1)
            if coverage is not None:
                gained = gained + coverage.penalty().gather(1, origin[:, :size])
            beams.finish(gained.masked_fill(~finished, -torch.inf), origin[:, :size], step)
        beams.score = score.masked_fill(ends, -torch.inf).gather(1, chosen)
        origin = origin.gather(1, chosen)
        beams.extend(origin, token.gather(1, chosen), step)
        if coverage is not None:
            coverage.move(origin)
        return origin

    def _done(
        self, beams: Prefixes, limits: Int[Tensor, " sentences"], step: int, best: int
    ) -> Bool[Tensor, " sentences"]:
        """Whether no group can come to anything better; what is missing can only cost."""
        hope = beams.score.amax(1).unflatten(0, (-1, self.groups)) / self.penalty(limits)[:, None]
        full = beams.finished_score[:, -1].isfinite().view_as(hope)
        enough = beams.finished_score[:, best - 1].view_as(hope) >= hope
        return (full | enough).all(1) | (step + 1 >= limits)

    def _found(
        self, beams: Prefixes, sentence: int, coverage: Coverage | None, step: int
    ) -> list[Hypothesis]:
        """The translations of all groups of a sentence."""
        several = range(sentence * self.groups, (sentence + 1) * self.groups)
        none = [0.0] * self.size
        missing = None if coverage is None else coverage.penalty()
        every = [
            one
            for group in several
            for one in beams.best(
                group,
                self.penalty(step + 1),
                none if missing is None else missing[group].tolist(),
            )
        ]
        # A model that gives no numbers any more says nothing.
        nothing = [Hypothesis([], -math.inf, False)]
        return sorted(every, key=lambda one: (not one.finished, -one.score)) or nothing


def _reordered(state: Any, origin: Int[Tensor, "groups size"]) -> Any:
    """The state of the prefixes that go on; nothing is copied where they stay in place."""
    groups, size = origin.shape
    offset = torch.arange(groups, device=origin.device)[:, None] * size
    here = torch.arange(size, device=origin.device).expand_as(origin)
    if torch.equal(origin, here):
        return state
    return state.reorder((origin + offset).flatten())
