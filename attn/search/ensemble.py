"""Several models that translate as one."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.models.encoder_decoder import States
from attn.search import Decoder


@runtime_checkable
class TeacherForced(Decoder, Protocol):
    """A model that is given a whole target at once, as in training."""

    def __call__(
        self,
        source: Int[Tensor, "batch source"],
        valid: Bool[Tensor, "batch source"],
        inputs: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch time dim"]:
        """The hidden states of all target tokens."""


@runtime_checkable
class Member(TeacherForced, Protocol):
    """A model that was trained."""

    @property
    def output_weight(self) -> Float[Tensor, "vocabulary dim"]:
        """The matrix of the output projection, as wide as the hidden states are."""


@dataclasses.dataclass(frozen=True)
class Stepped(States):
    """The states of all models after a step, with the weights of that step if captured."""

    @property
    def weights(self) -> dict[str, Tensor]:
        """Those of all models, named ``cross.0.M`` and so on for model M."""
        return {
            f"{name}.{number}": weights
            for number, part in enumerate(self.parts)
            for name, weights in part.weights.items()  # type: ignore[attr-defined]
        }


class Ensemble:
    """Models of equal vocabularies as one, which gives the mean of their probabilities.

    ``p(y_t | y_<t, x) = 1/M sum_m p_m(y_t | y_<t, x)``; the logits are ``log p``. Probabilities are
    averaged, not logits: where one model is sure, the others cannot veto it. Hidden states are
    those of all models side by side, and so are their states, which move together. Sutskever et
    al. 2014, "Sequence to Sequence Learning with Neural Networks", table 1.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        self.room = min((one.room for one in members if one.room is not None), default=None)
        self._widths = [int(one.output_weight.shape[1]) for one in self.members]

    def encode(
        self, source: Int[Tensor, "sentences time"], valid: Bool[Tensor, "sentences time"]
    ) -> tuple[Any, ...]:
        """The source as each decoder sees it."""
        return tuple(one.encode(source, valid) for one in self.members)

    def start(self, memory: tuple[Any, ...], *, rows: int, capacity: int, **more: bool) -> States:
        """The states of all before the first token; ``capture=True`` as of one model."""
        begun = zip(self.members, memory, strict=True)
        return States(
            tuple(one.start(seen, rows=rows, capacity=capacity, **more) for one, seen in begun)
        )

    def step(
        self, tokens: Int[Tensor, "rows new"], state: States
    ) -> tuple[Float[Tensor, "rows new dim"], States]:
        """The hidden states of all, side by side, and the states after the tokens."""
        steps = [
            one.step(tokens, past) for one, past in zip(self.members, state.parts, strict=True)
        ]
        return torch.cat([hidden for hidden, _ in steps], -1), Stepped(
            tuple(after for _, after in steps)
        )

    def project(self, hidden: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows vocabulary"]:
        """The logarithm of the mean of the probabilities."""
        parts = zip(self.members, hidden.split(self._widths, -1), strict=True)
        each = [one.project(part).float().log_softmax(-1) for one, part in parts]
        return torch.stack(each).logsumexp(0) - math.log(len(each))

    def __call__(
        self,
        source: Int[Tensor, "batch source"],
        valid: Bool[Tensor, "batch source"],
        inputs: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch time dim"]:
        """The hidden states of all target tokens at once, those of all models side by side."""
        return torch.cat([one(source, valid, inputs) for one in self.members], -1)
