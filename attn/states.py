"""States of the attentions: what is kept of a sentence while it is decoded."""

import dataclasses
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from attn.contract import State, Stream
from attn.precision import product_format


@runtime_checkable
class Tokens(State, Protocol):
    """A state of the keys and values that a decoder may still see."""

    def append(self, key: Tensor, value: Tensor, stream: Stream) -> "Tokens":
        """The state with new tokens."""

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens that may be seen."""


Own = TypeVar("Own", bound="RowState")
Growing = TypeVar("Growing", bound="KeyValueState")


@dataclasses.dataclass(frozen=True)
class KeyValueState:
    """Keys and values of the tokens so far, in preallocated room; one row a hypothesis.

    Tokens come first, so that those so far lie in one piece: rows are then moved by a single copy,
    into the room that the move before has left.
    """

    key: Float[Tensor, "capacity rows heads dim"]
    value: Float[Tensor, "capacity rows heads value"]
    position: Int[Tensor, "capacity rows"]
    valid: Bool[Tensor, "capacity rows"]
    length: int
    sentences: int
    left: tuple[Tensor, ...] = ()

    @classmethod
    def empty(
        cls: type[Growing],
        weight: Tensor,
        shape: tuple[int, int, int],
        *,
        dim: int,
        value: int,
        sentences: int,
        **more: Any,
    ) -> Growing:
        """No tokens yet, with room for (tokens, rows, heads); lies where ``weight`` does."""
        numbers = weight.new_empty((), dtype=product_format(weight))
        return cls(
            numbers.new_empty(*shape, dim),
            numbers.new_empty(*shape, value),
            weight.new_empty(shape[:2], dtype=torch.long),
            weight.new_empty(shape[:2], dtype=torch.bool),
            length=0,
            sentences=sentences,
            **more,
        )

    def append(
        self: Growing,
        key: Float[Tensor, "rows heads time dim"],
        value: Float[Tensor, "rows heads time value"],
        stream: Stream,
    ) -> Growing:
        """The state with new tokens; written in place, unless gradients are recorded."""
        capacity, end = len(self.position), self.length + key.shape[2]
        if end > capacity:
            raise ValueError(f"the state has room for {capacity} tokens, {end} were given")
        parts = self._parts()
        if torch.is_grad_enabled():
            parts = [part.clone() for part in parts]
        tokens = (key.permute(2, 0, 1, 3), value.permute(2, 0, 1, 3))
        for part, new in zip(parts, (*tokens, stream.position.t(), stream.valid.t()), strict=True):
            part[self.length : end] = new
        return self._with(parts, length=end)

    def filled(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Key, value, position and validity of the tokens so far."""
        key, value, position, valid = self._used()
        return key.permute(1, 2, 0, 3), value.permute(1, 2, 0, 3), position.t(), valid.t()

    def reorder(self: Growing, rows: Int[Tensor, " rows"]) -> Growing:
        """Rows picked by index; only the part in use is copied."""
        return self._select(rows, self.sentences)

    def keep(self: Growing, sentences: Int[Tensor, " sentences"]) -> Growing:
        """All rows of the sentences given."""
        rows = rows_of(sentences, self.position.shape[1] // self.sentences)
        return self._select(rows, len(sentences))

    def nbytes(self) -> int:
        """Bytes of the part in use."""
        return sum(tensor.nbytes for tensor in self._used())

    def _select(self: Growing, rows: Tensor, sentences: int) -> Growing:
        parts, room = self._parts(), list(self.left)
        if not room or len(rows) != self.position.shape[1]:
            room = [part.new_empty(len(part), len(rows), *part.shape[2:]) for part in parts]
        for used, into in zip(self._used(), room, strict=True):
            if torch.is_grad_enabled():
                into[: self.length] = used.index_select(1, rows)
            else:
                torch.index_select(used, 1, rows, out=into[: self.length])
        left = tuple(parts) if len(rows) == self.position.shape[1] else ()
        return self._with(room, sentences=sentences, left=left)

    def _parts(self) -> list[Tensor]:
        return [self.key, self.value, self.position, self.valid]

    def _used(self) -> list[Tensor]:
        return [part[: self.length] for part in self._parts()]

    def _with(self: Growing, parts: list[Tensor], **more: Any) -> Growing:
        key, value, position, valid = parts
        return dataclasses.replace(
            self, key=key, value=value, position=position, valid=valid, **more
        )


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentState(KeyValueState):
    """Keys alone, whose first dimensions are the values too."""

    latent: int

    def append(self, key: Tensor, value: Tensor, stream: Stream) -> "LatentState":
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

    @classmethod
    def empty(
        cls, weight: Tensor, shape: tuple[int, int], *, dim: int, value: int, sentences: int
    ) -> "WindowState":
        """No tokens yet, of so many (rows, heads); lies where ``weight`` does."""
        numbers = weight.new_empty((), dtype=product_format(weight))
        return cls(
            sentences,
            numbers.new_empty(*shape, 0, dim),
            numbers.new_empty(*shape, 0, value),
            weight.new_empty((shape[0], 0), dtype=torch.long),
            weight.new_empty((shape[0], 0), dtype=torch.bool),
        )

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
