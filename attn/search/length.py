"""Translations of different lengths compared."""

import dataclasses
from typing import Any

from torch import Tensor

NORMS = ("wu", "power")


@dataclasses.dataclass(frozen=True)
class LengthPenalty:
    """What the log-probability of a translation is divided by, given its length with the end.

    ``wu``: ``((5 + |y|) / 6)^a``; Wu et al. 2016, "Google's Neural Machine Translation System",
    equation 14. ``power``: ``|y|^a``, with a = 1 the mean log-probability of a token; Graves 2013,
    "Generating Sequences With Recurrent Neural Networks". With a = 0 nothing is divided.

    Raises:
        ValueError: an unknown form, a negative exponent.
    """

    norm: str
    exponent: float

    def __post_init__(self) -> None:
        """Refuse what favours the short."""
        if self.norm not in NORMS:
            raise ValueError(f"length_norm={self.norm}: unknown; choose one of {', '.join(NORMS)}")
        if self.exponent < 0:
            raise ValueError(f"length_penalty={self.exponent}: must not be negative")

    def __call__(self, length: int | Tensor) -> Any:
        """The divisor for a length, or for each of several."""
        base = (5.0 + length) / 6.0 if self.norm == "wu" else 1.0 * length
        return base**self.exponent
