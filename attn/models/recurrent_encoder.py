"""The recurrent encoder, and how recurrent layers stand one on the other."""

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Stream
from attn.dropout import Dropout
from attn.recurrence import Reader


@dataclasses.dataclass(frozen=True)
class Read(Stream):
    """A source that was read, and the states of the layers after reading it."""

    final: Float[Tensor, "rows layers states dim"]


@dataclasses.dataclass(frozen=True)
class Wiring:
    """How recurrent layers stand one on the other.

    Dropout stands before each layer but the first; ``variational``: the same at each step of a
    sequence. ``residual`` layers, from the second on, add their input to what they give.
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
            "set bidirectional=false, or leave it out"
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
            Reader(wiring.cell, wiring.dim, ways) for _ in range(wiring.layers)
        )
        self.shortcuts = Shortcuts(wiring)

    def forward(
        self,
        stream: Stream,
        *,
        capture: bool = False,  # noqa: ARG002
    ) -> tuple[Read, dict[str, Tensor]]:
        """The source as the last layer gives it, with the states after reading; no weights."""
        x, final, masks = stream.x, [], self.shortcuts.masks(stream.x)
        for number, layer in enumerate(self.layers):
            y, state = layer(self.shortcuts.dropped(number, x, masks), stream.valid)
            x = self.shortcuts.joined(number, x, y)
            final.append(state)
        return Read(x, stream.position, stream.valid, torch.stack(final, 1)), {}


class Shortcuts(nn.Module):
    """What stands between recurrent layers."""

    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.count, self.residual = wiring.layers, wiring.residual
        self.variational, self.dropout = wiring.variational, Dropout(wiring.dropout)

    def masks(self, x: Tensor) -> list[Tensor] | None:
        """What is dropped at all steps of a sequence, by layer; None: each step by itself."""
        if not self.variational or not self.training:
            return None
        return [self.dropout.steady(x) for _ in range(self.count)]

    def dropped(self, number: int, x: Tensor, masks: list[Tensor] | None) -> Tensor:
        """The input of a layer."""
        if number == 0:  # the embeddings have dropout of their own
            return x
        dropped: Tensor = self.dropout(x) if masks is None else x * masks[number]
        return dropped

    def joined(self, number: int, x: Tensor, y: Tensor) -> Tensor:
        """The output of a layer."""
        return x + y if self.residual and number else y
