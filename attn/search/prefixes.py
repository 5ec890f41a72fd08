"""The prefixes that a beam follows, and the translations that it has finished."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from attn.search import Hypothesis
from attn.tokenizers import EOS


@dataclasses.dataclass
class Prefixes:
    """Living prefixes and finished translations of each group, the finished ones best first.

    A group is a sentence, or a part of its beam that is followed apart from the others.
    """

    score: Float[Tensor, "groups size"]
    tokens: Int[Tensor, "groups size most"]
    finished_score: Float[Tensor, "groups size"]
    finished: Int[Tensor, "groups size most"]

    @staticmethod
    def begin(groups: int, size: int, most: int, device: torch.device) -> "Prefixes":
        """One empty prefix a group; the other places are taken by none."""
        none = torch.full((groups, size), -torch.inf, device=device)
        score = none.clone()
        score[:, 0] = 0
        tokens = torch.zeros(groups, size, most, dtype=torch.long, device=device)
        return Prefixes(score, tokens, none, tokens.clone())

    def extend(
        self, origin: Int[Tensor, "groups size"], token: Int[Tensor, "groups size"], step: int
    ) -> None:
        """Prefixes picked by origin, each with its next token."""
        picked = origin[:, :, None].expand(-1, -1, step)
        self.tokens[:, :, :step] = self.tokens[:, :, :step].gather(1, picked)
        self.tokens[:, :, step] = token

    def finish(
        self, gained: Float[Tensor, "groups size"], origin: Int[Tensor, "groups size"], step: int
    ) -> None:
        """Take in prefixes that ended, where their score is among the best."""
        most = self.tokens.shape[2]
        ended = self.tokens.gather(1, origin[:, :, None].expand(-1, -1, most))
        ended[:, :, step] = EOS
        size = gained.shape[1]
        self.finished_score, place = torch.cat((self.finished_score, gained), 1).topk(size, -1)
        both = torch.cat((self.finished, ended), 1)
        self.finished = both.gather(1, place[:, :, None].expand(-1, -1, most))

    def keep(self, groups: Int[Tensor, " kept"]) -> "Prefixes":
        """Those of these groups alone."""
        return Prefixes(
            self.score[groups],
            self.tokens[groups],
            self.finished_score[groups],
            self.finished[groups],
        )

    def best(self, group: int, penalty: float, missing: Sequence[float]) -> list[Hypothesis]:
        """The finished translations, and the prefixes by score over penalty and what they miss."""
        finished = [
            Hypothesis(tokens[: tokens.index(EOS)], score, True)
            for tokens, score, _ in _alive(self.finished[group], self.finished_score[group])
        ]
        prefixes = [
            Hypothesis(
                [token for token in tokens if token], score / penalty + missing[place], False
            )
            for tokens, score, place in _alive(self.tokens[group], self.score[group])
        ]
        return finished + prefixes


def _alive(
    tokens: Int[Tensor, "size most"], score: Float[Tensor, " size"]
) -> Iterator[tuple[list[int], float, int]]:
    """The tokens, the score and the place of each hypothesis that there is."""
    every = zip(tokens.tolist(), score.tolist(), range(len(score)), strict=True)
    return ((said, gained, place) for said, gained, place in every if gained > -math.inf)
