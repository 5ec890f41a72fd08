"""The recurrent encoder, and how recurrent layers stand one on the other."""

import dataclasses
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Stream
from attn.dropout import Dropout, LockedDropout
from attn.recurrence import RecurrentLayer

Drop = Callable[[int, Tensor], Tensor]  # the number of a place, what is given there


@dataclasses.dataclass(frozen=True)
class Read(Stream):
    """A source that was read, and the states of the layers after reading it."""

    final: Float[Tensor, "rows layers states dim"]


@dataclasses.dataclass(frozen=True)
class Wiring:
    """How recurrent layers stand one on the other.

    Dropout stands before each layer but the first, before which are the embeddings with theirs, and
    after the last of a decoder; ``variational``: the same at each step of a sequence. States are
    never dropped, as in Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models".
    ``residual`` layers, from the second on, add their input to what they give.
    """

    cell: str
    layers: int
    dim: int
    residual: bool
    dropout: float
    variational: bool


def ways(*, bidirectional: bool, reverse_source: bool = False) -> tuple[str, ...]:
    """The ways in which an encoder reads the source.

    Raises:
        ValueError: a reversed source, where it is read both ways.
    """
    if bidirectional and reverse_source:
        raise ValueError(
            "reverse_source=true: is for an encoder that reads one way; "
            "set bidirectional=false, or reverse_source=false"
        )
    if bidirectional:
        return "left_to_right", "right_to_left"
    return ("right_to_left",) if reverse_source else ("left_to_right",)


class RecurrentEncoder(nn.Module):
    """Recurrent layers over the source, one on the other, read in one way or in both."""

    def __init__(self, wiring: Wiring, ways: tuple[str, ...]) -> None:
        super().__init__()
        if wiring.dim % len(ways):
            raise ValueError(f"dim={wiring.dim}: must be even, for each way has half of it")
        self.layers = nn.ModuleList(
            RecurrentLayer(wiring.cell, wiring.dim, ways) for _ in range(wiring.layers)
        )
        self.between = Between(wiring)

    def forward(
        self,
        stream: Stream,
        *,
        capture: bool = False,  # noqa: ARG002
    ) -> tuple[Read, dict[str, Tensor]]:
        """The source as the last layer gives it, with the states after reading; no weights."""
        x, final, drop = stream.x, [], self.between.dropping()
        for number, layer in enumerate(self.layers):
            y, state = layer(drop(number, x) if number else x, stream.valid)
            x = self.between.joined(number, x, y)
            final.append(state)
        return Read(x, stream.position, stream.valid, torch.stack(final, 1)), {}


class Between(nn.Module):
    """What stands between recurrent layers: dropout, and residual connections."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.residual, rate = wiring.residual, wiring.dropout
        self.dropout = LockedDropout(rate) if wiring.variational else Dropout(rate)

    def dropping(self) -> Drop:
        """What drops numbers at the places of some sequences; each place is known by a number."""
        dropout, masks = self.dropout, dict[int, Tensor]()
        if not isinstance(dropout, LockedDropout) or not self.training:
            return lambda _, x: dropout(x)

        def drop(place: int, x: Tensor) -> Tensor:
            if place not in masks:
                masks[place] = dropout.mask(x)
            return x * masks[place]

        return drop

    def joined(self, number: int, x: Tensor, y: Tensor) -> Tensor:
        """The output of a layer."""
        return x + y if self.residual and number else y
