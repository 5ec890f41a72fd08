"""Ways to find a translation, given a model."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn import registry

STAYING = 0.85  # the most sentences that go on, as a share, for the others to leave


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A translation: its ids without begin and end, its score, and whether the model ended it."""

    tokens: list[int]
    score: float
    finished: bool


@runtime_checkable
class Decoder(Protocol):
    """What a search asks of a model; rows are hypotheses, those of a sentence side by side.

    ``room`` is the most tokens that it can say; None where there is no limit.
    """

    room: int | None

    def encode(
        self, source: Int[Tensor, "sentences time"], valid: Bool[Tensor, "sentences time"]
    ) -> Any:
        """The source as the decoder sees it."""

    def start(self, memory: Any, *, rows: int, capacity: int) -> Any:
        """The state before the first token, with room for ``capacity`` tokens."""

    def step(self, tokens: Int[Tensor, "rows new"], state: Any) -> tuple[Tensor, Any]:
        """The hidden states of the next tokens, and the state after them."""

    def project(self, hidden: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows vocabulary"]:
        """The logits of hidden states."""


@runtime_checkable
class Search(Protocol):
    """Finds translations of each sentence, whatever other sentences stand beside it.

    ``rows`` is how many hypotheses of a sentence it follows at once, and the most that it finds.
    """

    rows: int
    limit: "Limit"

    def __call__(
        self,
        model: Decoder,
        source: Int[Tensor, "sentences time"],
        valid: Bool[Tensor, "sentences time"],
        *,
        best: int = 1,
        prefix: Int[Tensor, "sentences prefix"] | None = None,
    ) -> list[list[Hypothesis]]:
        """The best hypotheses of each sentence, the better first; fewer if no more were found.

        With a ``prefix``, padded, each begins with that of its sentence, within its length limit.
        """


@runtime_checkable
class Reading(Protocol):
    """A search that judges translations by their text."""

    def reading(self, text: Callable[[Sequence[int]], str]) -> Search:
        """The same search, which knows the text of tokens."""


@dataclasses.dataclass(frozen=True)
class Limit:
    """The most tokens of a translation, its end included: ``max_ratio * source + max_extra``.

    The source is counted in its own tokens, end included, never as padded.

    Raises:
        ValueError: a limit that allows nothing.
    """

    max_ratio: float
    max_extra: int

    def __post_init__(self) -> None:
        """Refuse what allows nothing."""
        if self.max_ratio < 0:
            raise ValueError(f"max_ratio={self.max_ratio}: must not be negative")
        if self.max_extra < 1:
            raise ValueError(f"max_extra={self.max_extra}: must be at least 1")

    def of(
        self, valid: Bool[Tensor, "sentences time"], room: int | None
    ) -> Int[Tensor, " sentences"]:
        """The limit of each sentence, within the room of the model."""
        limits = (valid.sum(-1) * self.max_ratio).long() + self.max_extra
        return limits if room is None else limits.clamp(max=room)


def next_logits(
    model: Decoder, tokens: Int[Tensor, "rows new"], state: Any
) -> tuple[Float[Tensor, "rows vocabulary"], Any]:
    """The logits after the last token, and the state after it."""
    hidden, state = model.step(tokens, state)
    return model.project(hidden[:, -1]).float(), state


def leaving(going: Bool[Tensor, " sentences"]) -> Int[Tensor, " kept"] | None:
    """The sentences that go on, if it is time for the finished ones to leave the batch.

    States are copied when some leave, which is dearer than a few rows that nobody reads.
    """
    kept = going.nonzero()[:, 0]
    return kept if len(kept) <= STAYING * len(going) else None


registry.declare("search", "how translations are found")
registry.import_modules(__name__, __path__)
