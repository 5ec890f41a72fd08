"""Attention to vectors as they are, as the first papers had it: no maps of values or contexts."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Place
from attn.precision import product_format
from attn.score.multihead import PartedAttention
from attn.score.projections import Projections, by_head, side_by_side


class Unprojected(nn.Module):
    """No maps: ``q = x``, ``k = v = m``, of which each head has a part; back ``[h_1 .. h_H]``.

    Raises:
        ValueError: widths that differ, heads that do not divide them, sizes of maps.
    """

    def __init__(
        self,
        place: Place,
        *,
        heads: int,
        head_dim: int | None,
        value_dim: int | None,
        bias: bool,
    ) -> None:
        super().__init__()
        widths = (place.query_dim, place.memory_dim, place.out_dim)
        if len(set(widths)) > 1:
            raise ValueError(
                "projections=none: queries, source and result must be of one width, not "
                f"{widths[0]}, {widths[1]} and {widths[2]}; choose projections=linear"
            )
        self.heads = self.kv_heads = heads
        self.head_dim = self.value_dim = _part(place.memory_dim, heads)
        for option, given in (("head_dim", head_dim), ("value_dim", value_dim)):
            _same(option, given, self.value_dim)
        if bias:
            raise ValueError(
                "bias=true: with projections=none there is nothing to have one; leave it out"
            )
        self.register_buffer("weight", torch.empty(0), persistent=False)  # where it is, its format

    def all_of(self, x: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of one stream."""
        return (self.query_of(x),) * 3

    def query_of(self, x: Float[Tensor, "batch time dim"]) -> Tensor:
        """The query of a stream that is not the memory."""
        return by_head(x.to(product_format(x)), self.heads)

    def key_value_of(self, memory: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor]:
        """Key and value of a memory."""
        return (self.query_of(memory),) * 2

    def join(self, context: Float[Tensor, "batch heads time dim"]) -> Tensor:
        """The heads side by side."""
        return side_by_side(context)


class UnprojectedValues(nn.Module):
    """Maps of the score alone: ``q = W_q x``, ``k = W_k m``, ``v = m``; back ``[h_1 .. h_H]``.

    Of queries and keys, each head has its own; of values, a part.

    Raises:
        ValueError: a source of another width than the result, heads that do not divide it, sizes
            below 1, a width of values.
    """

    def __init__(
        self,
        place: Place,
        *,
        heads: int,
        head_dim: int | None,
        value_dim: int | None,
        bias: bool,
    ) -> None:
        super().__init__()
        if place.memory_dim != place.out_dim:
            raise ValueError(
                "projections=none: source and result must be of one width, not "
                f"{place.memory_dim} and {place.out_dim}; choose projections=linear"
            )
        self.heads = self.kv_heads = heads
        self.value_dim = _part(place.memory_dim, heads)
        _same("value_dim", value_dim, self.value_dim)
        self.head_dim = self.value_dim if head_dim is None else head_dim
        if self.head_dim < 1:
            raise ValueError(f"head_dim={head_dim}: must be at least 1")
        self.query = nn.Linear(place.query_dim, heads * self.head_dim, bias=bias)
        self.key = nn.Linear(place.memory_dim, heads * self.head_dim, bias=bias)
        for linear in (self.query, self.key):
            nn.init.xavier_uniform_(linear.weight)
            if bias:
                nn.init.zeros_(linear.bias)

    @property
    def weight(self) -> Tensor:
        """A weight, which tells where all are, and in which format."""
        return self.key.weight

    def of_scores(self) -> tuple[Tensor, Tensor]:
        """The matrices of queries and keys."""
        return self.query.weight, self.key.weight

    def all_of(self, x: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of one stream."""
        return self.query_of(x), *self.key_value_of(x)

    def query_of(self, x: Float[Tensor, "batch time dim"]) -> Tensor:
        """The query of a stream that is not the memory."""
        return by_head(self.query(x), self.heads)

    def key_value_of(self, memory: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor]:
        """Key and value of a memory."""
        value = memory.to(product_format(memory))
        return by_head(self.key(memory), self.heads), by_head(value, self.heads)

    def join(self, context: Float[Tensor, "batch heads time dim"]) -> Tensor:
        """The heads side by side."""
        return side_by_side(context)


def _part(width: int, heads: int) -> int:
    """The width of what each head has."""
    if heads < 1:
        raise ValueError(f"heads={heads}: must be at least 1")
    if width % heads:
        raise ValueError(
            f"heads={heads}: must divide the width {width}, of which each head has a part "
            "with projections=none"
        )
    return width // heads


def _same(option: str, given: int | None, part: int) -> None:
    if given not in {None, part}:
        raise ValueError(
            f"{option}={given}: with projections=none each head has {part}, its part of the width; "
            "leave it out"
        )


class OptionallyProjected(PartedAttention):
    """Multi-head attention whose values are projected, or the memory itself.

    Raises:
        ValueError: unknown projections, sizes that do not fit each other, a kernel that does not
            exist or cannot serve.
    """

    unprojected: ClassVar[type[nn.Module]] = Unprojected

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        projections: str = "linear",
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        forms: dict[str, Any] = {"linear": Projections, "none": self.unprojected}
        if projections not in forms:
            choices = ", ".join(forms)
            raise ValueError(f"projections={projections}: unknown; choose one of {choices}")
        maps = forms[projections](
            place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias
        )
        super().__init__(place, maps, dropout=dropout, kernel=kernel)
