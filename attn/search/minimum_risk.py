"""Minimum Bayes risk decoding."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from torch import Tensor

from attn import registry
from attn.registry import ConfigError, register
from attn.search import Decoder, Hypothesis, Limit, Search
from attn.search.utilities import UTILITIES

NAME = "mbr"
CANDIDATES = {"name": "beam", "size": 10}


@register("search", NAME)
class MinimumRisk:
    """Of the translations that another search finds the one that is most like all of them.

    ``y = argmax_c 1/N sum_r u(c, r)``, c and r being the N candidates; the score is that mean, from
    0 to 100. All of them weigh alike: those of a sampling search come as often as they are
    probable, so that the mean is the expected utility under the model. Finished ones alone are
    candidates, if there are any. The utility is of text, see ``reading``. Kumar and Byrne 2004,
    "Minimum Bayes-Risk Decoding for Statistical Machine Translation"; Eikema and Aziz 2020, "Is MAP
    Decoding All You Need?".

    Raises:
        ValueError: an unknown utility, candidates of no other search, or a wrong option of that.
    """

    def __init__(self, *, candidates: dict[str, Any] = CANDIDATES, utility: str = "chrF") -> None:
        if utility not in UTILITIES:
            raise ValueError(f"utility={utility}: unknown; choose one of {', '.join(UTILITIES)}")
        self.search, self.utility = _search(candidates), UTILITIES[utility]
        self._text: Callable[[Sequence[int]], str] = _numbers

    @property
    def rows(self) -> int:
        """How many candidates there are."""
        return self.search.rows

    @property
    def limit(self) -> Limit:
        """That of the candidates."""
        return self.search.limit

    def reading(self, text: Callable[[Sequence[int]], str]) -> "MinimumRisk":
        """The same search, which knows the text of tokens; until then, their numbers are words."""
        made = copy.copy(self)
        made._text = text
        return made

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
        prefix: Int[Tensor, "sentences prefix"] | None = None,
    ) -> list[list[Hypothesis]]:
        """The candidates of each sentence, the likest to all first; equal texts are one."""
        found = self.search(model, source, valid, best=self.rows, prefix=prefix)
        return [self._ranked(several)[:best] for several in found]

    def _ranked(self, several: Sequence[Hypothesis]) -> list[Hypothesis]:
        candidates = [one for one in several if one.finished] or several
        texts = [self._text(one.tokens) for one in candidates]
        first = dict(zip(reversed(texts), reversed(candidates), strict=True))
        times = Counter(texts)
        table = self.utility(list(times))
        means = table @ np.array(list(times.values())) / len(texts)
        order = np.argsort(-means, kind="stable")
        by_text = [first[text] for text in times]
        return [Hypothesis(by_text[i].tokens, float(means[i]), by_text[i].finished) for i in order]


def _search(section: Mapping[str, Any]) -> Search:
    """The search that finds the candidates."""
    others = [name for name in registry.names("search") if name != NAME]
    name = section.get("name")
    if name not in others:
        raise ValueError(
            f"candidates.name={registry.as_yaml(name)}: finds no candidates; "
            f"{registry.suggest(str(name), others)}"
        )
    try:
        made: Search = registry.build("search", section, key="candidates")
    except ConfigError as error:
        raise ValueError(error.problems[0]) from None
    except ValueError as error:
        raise ValueError(f"candidates.{error}") from None
    return made


def _numbers(tokens: Sequence[int]) -> str:
    return " ".join(map(str, tokens))
