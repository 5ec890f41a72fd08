"""States of the attentions: what is kept of a sentence while it is decoded."""

import dataclasses
from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.contract import State, Stream
from attn.precision import product_format


def room(
    weight: Tensor, *, rows: int, heads: int, capacity: int, dim: int, value: int
) -> dict[str, Tensor]:
    """Keys, values, positions and validity of no tokens yet, the fields of a state of tokens.

    They lie where ``weight`` does, keys and values in the format of its products.
    """
    numbers = weight.new_empty((), dtype=product_format(weight))
    return {
        "key": numbers.new_zeros(rows, heads, capacity, dim),
        "value": numbers.new_zeros(rows, heads, capacity, value),
        "position": weight.new_zeros((rows, capacity), dtype=torch.long),
        "valid": weight.new_zeros((rows, capacity), dtype=torch.bool),
    }


@runtime_checkable
class Tokens(State, Protocol):
    """A state of the keys and values that a decoder may still see."""

    def append(self, key: Tensor, value: Tensor, stream: Stream) -> "Tokens":
        """The state with new tokens."""

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens that may be seen."""


@dataclasses.dataclass(frozen=True)
class KeyValueState:
    """Keys and values of the tokens so far, in preallocated room; one row a hypothesis."""

    key: Float[Tensor, "rows heads capacity dim"]
    value: Float[Tensor, "rows heads capacity value"]
    position: Int[Tensor, "rows capacity"]
    valid: Bool[Tensor, "rows capacity"]
    length: int
    sentences: int

    def append(
        self,
        key: Float[Tensor, "rows heads time dim"],
        value: Float[Tensor, "rows heads time value"],
        stream: Stream,
    ) -> "KeyValueState":
        """The state with new tokens; written in place, unless gradients are recorded."""
        end = self.length + key.shape[2]
        if end > self.position.shape[1]:
            raise ValueError(
                f"the state has room for {self.position.shape[1]} tokens, {end} were given"
            )
        state = self._map(Tensor.clone) if torch.is_grad_enabled() else self
        state.key[:, :, self.length : end] = key
        state.value[:, :, self.length : end] = value
        state.position[:, self.length : end] = stream.position
        state.valid[:, self.length : end] = stream.valid
        return dataclasses.replace(state, length=end)

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens so far."""
        n = self.length
        return self.key[:, :, :n], self.value[:, :, :n], self.position[:, :n], self.valid[:, :n]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "KeyValueState":
        """Rows picked by index; only the part in use is copied."""
        return self._select(rows, self.sentences)

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "KeyValueState":
        """All rows of the sentences given."""
        rows = rows_of(sentences, self.key.shape[0] // self.sentences)
        return self._select(rows, len(sentences))

    def _select(self, rows: Tensor, sentences: int) -> "KeyValueState":
        picked = self._map(lambda tensor: self._rows(tensor, rows))
        return dataclasses.replace(picked, sentences=sentences)

    def _rows(self, tensor: Tensor, rows: Tensor) -> Tensor:
        """Rows of a tensor, of which the part in use is copied."""
        axis = 2 if tensor.dim() == 4 else 1
        room = tensor.new_empty((len(rows), *tensor.shape[1:]))
        used = tensor.narrow(axis, 0, self.length)
        room.narrow(axis, 0, self.length).copy_(used.index_select(0, rows))
        return room

    def _map(self, change: Callable[[Tensor], Tensor]) -> "KeyValueState":
        return dataclasses.replace(
            self,
            key=change(self.key),
            value=change(self.value),
            position=change(self.position),
            valid=change(self.valid),
        )

    def nbytes(self) -> int:
        """Bytes of the part in use."""
        n = self.length
        used = self.key[:, :, :n], self.value[:, :, :n], self.position[:, :n], self.valid[:, :n]
        return sum(tensor.nbytes for tensor in used)


@dataclasses.dataclass(frozen=True)
class StaticKeyValueState:
    """Keys and values of the source, one row a sentence, shared by the sentence's hypotheses."""

    key: Float[Tensor, "sentences heads keys dim"]
    value: Float[Tensor, "sentences heads keys value"]
    position: Int[Tensor, "sentences keys"]
    valid: Bool[Tensor, "sentences keys"]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "StaticKeyValueState":  # noqa: ARG002
        """Itself: hypotheses move inside their sentence only."""
        return self

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "StaticKeyValueState":
        """The rows of the sentences given."""
        return StaticKeyValueState(
            *(
                tensor.index_select(0, sentences)
                for tensor in (self.key, self.value, self.position, self.valid)
            )
        )

    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(t.nbytes for t in (self.key, self.value, self.position, self.valid))


Own = TypeVar("Own", bound="RowState")


@dataclasses.dataclass(frozen=True)
class RowState:
    """A state of which every tensor has a row for each hypothesis, and nothing else moves.

    Subclasses are frozen dataclasses and add their fields; a ``forward`` makes the next state with
    ``dataclasses.replace``.
    """

    sentences: int

    def reorder(self: Own, rows: Int[Tensor, " rows"]) -> Own:
        """Rows picked by index."""
        return self._select(rows, self.sentences)

    def keep(self: Own, sentences: Int[Tensor, " sentences"]) -> Own:
        """All rows of the sentences given."""
        beams = next(iter(self._tensors().values())).shape[0] // self.sentences
        return self._select(rows_of(sentences, beams), len(sentences))

    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.nbytes for tensor in self._tensors().values())

    def _select(self: Own, rows: Tensor, sentences: int) -> Own:
        picked = {name: tensor.index_select(0, rows) for name, tensor in self._tensors().items()}
        return dataclasses.replace(self, sentences=sentences, **picked)

    def _tensors(self) -> dict[str, Tensor]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in fields.items() if isinstance(value, Tensor)}


@dataclasses.dataclass(frozen=True)
class ConvolutionState(RowState):
    """The last inputs of a convolution, as many as a further token still sees."""

    inputs: Float[Tensor, "rows past dim"]

    @classmethod
    def of_zeros(
        cls, weight: Tensor, sentences: int, shape: tuple[int, int, int]
    ) -> "ConvolutionState":
        """No tokens yet; where ``weight`` lies, in the format of its products."""
        return cls(sentences, weight.new_zeros(shape, dtype=product_format(weight)))

    def followed_by(
        self, x: Float[Tensor, "rows time dim"]
    ) -> tuple[Float[Tensor, "rows length dim"], "ConvolutionState"]:
        """The last inputs and the next ones behind each other, and the state after these."""
        both = torch.cat((self.inputs, x.to(self.inputs.dtype)), 1)
        return both, dataclasses.replace(self, inputs=both[:, x.shape[1] :])


def rows_of(sentences: Int[Tensor, " sentences"], beams: int) -> Int[Tensor, " rows"]:
    """The rows of some sentences, each of which has ``beams`` of them."""
    offsets = torch.arange(beams, device=sentences.device)
    return (sentences[:, None] * beams + offsets).flatten()


@dataclasses.dataclass(frozen=True)
class LatentState(KeyValueState):
    """Keys alone, whose first dimensions are the values too."""

    latent: int

    def append(self, key: Tensor, value: Tensor, stream: Stream) -> "KeyValueState":
        """The state with new tokens; the value is in the key already."""
        return super().append(key, value[..., :0], stream)

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens so far."""
        key, _, position, valid = super().filled()
        return key, key[..., : self.latent], position, valid


@dataclasses.dataclass(frozen=True)
class WindowState(RowState):
    """Keys and values of the last tokens, no more than the next ones can reach."""

    key: Float[Tensor, "rows heads kept dim"]
    value: Float[Tensor, "rows heads kept value"]
    position: Int[Tensor, "rows kept"]
    valid: Bool[Tensor, "rows kept"]

    def append(self, key: Tensor, value: Tensor, stream: Stream) -> "WindowState":
        """The state with new tokens."""
        return dataclasses.replace(
            self,
            key=torch.cat((self.key, key), 2),
            value=torch.cat((self.value, value), 2),
            position=torch.cat((self.position, stream.position), 1),
            valid=torch.cat((self.valid, stream.valid), 1),
        )

    def last(self, tokens: int) -> "WindowState":
        """The state of so many tokens at most."""
        first = max(0, self.key.shape[2] - tokens)
        return dataclasses.replace(
            self,
            key=self.key[:, :, first:],
            value=self.value[:, :, first:],
            position=self.position[:, first:],
            valid=self.valid[:, first:],
        )

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens kept."""
        return self.key, self.value, self.position, self.valid
