"""Linear maps from streams to queries, keys and values by head, and back."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Place, Role


class Projections(nn.Module):
    """Linear maps by head: ``q = W_q x``, ``k = W_k m``, ``v = W_v m``; back ``W_o [h_1 .. h_H]``.

    One product makes all that comes from the same stream. Each map is initialised by itself,
    uniformly after Glorot and Bengio 2010; biases, if any, are zero. The width of a head is
    ``query_dim / heads`` unless it is given. ``kv_heads`` keys and values, if fewer than heads, are
    shared by as many successive heads each.

    Raises:
        ValueError: heads that do not divide the width, kv_heads that do not divide the heads,
            sizes below 1.
    """

    def __init__(
        self,
        place: Place,
        *,
        heads: int,
        head_dim: int | None = None,
        value_dim: int | None = None,
        kv_heads: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        query_dim = place.query_dim
        if heads < 1:
            raise ValueError(f"heads={heads}: must be at least 1")
        if query_dim % heads and (head_dim is None or value_dim is None):
            raise ValueError(
                f"heads={heads}: must divide the width {query_dim}, "
                "or head_dim and value_dim must be given"
            )
        self.heads = heads
        self.head_dim = query_dim // heads if head_dim is None else head_dim
        self.value_dim = query_dim // heads if value_dim is None else value_dim
        for option, size in (("head_dim", self.head_dim), ("value_dim", self.value_dim)):
            if size < 1:
                raise ValueError(f"{option}={size}: must be at least 1")
        self.kv_heads = heads if kv_heads is None else kv_heads
        if not 1 <= self.kv_heads <= heads or heads % self.kv_heads:
            raise ValueError(f"kv_heads={kv_heads}: must divide heads={heads}")
        shared = self.kv_heads
        self.sizes = [heads * self.head_dim, shared * self.head_dim, shared * self.value_dim]
        if place.role is Role.CROSS:
            self.query = nn.Linear(query_dim, self.sizes[0], bias=bias)
            self.key_value = nn.Linear(place.memory_dim, sum(self.sizes[1:]), bias=bias)
        else:
            self.joint = nn.Linear(query_dim, sum(self.sizes), bias=bias)
        self.out = nn.Linear(heads * self.value_dim, place.out_dim, bias=bias)
        self.reset()

    def reset(self) -> None:
        """Draw all weights anew."""
        for name, linear in self.named_children():
            assert isinstance(linear, nn.Linear)
            parts = {"joint": self.sizes, "key_value": self.sizes[1:]}
            for block in linear.weight.split(parts.get(name, [linear.out_features])):
                nn.init.xavier_uniform_(block)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)

    @property
    def weight(self) -> Tensor:
        """A weight, which tells where all are, and in which format."""
        return self.out.weight

    def of_scores(self) -> tuple[Tensor, Tensor]:
        """The matrices of queries and keys."""
        if hasattr(self, "joint"):
            query, key, _ = self.joint.weight.split(self.sizes)
            return query, key
        return self.query.weight, self.key_value.weight[: self.sizes[1]]

    def all_of(self, x: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of one stream."""
        q, k, v = self.joint(x).split(self.sizes, -1)
        return by_head(q, self.heads), by_head(k, self.kv_heads), by_head(v, self.kv_heads)

    def query_of(self, x: Float[Tensor, "batch time dim"]) -> Tensor:
        """The query of a stream that is not the memory."""
        return by_head(self.query(x), self.heads)

    def key_value_of(self, memory: Float[Tensor, "batch time dim"]) -> tuple[Tensor, Tensor]:
        """Key and value of a memory."""
        k, v = self.key_value(memory).split(self.sizes[1:], -1)
        return by_head(k, self.kv_heads), by_head(v, self.kv_heads)

    def join(self, context: Float[Tensor, "batch heads time dim"]) -> Tensor:
        """The heads side by side, projected out."""
        joined: Tensor = self.out(side_by_side(context))
        return joined


def by_head(x: Float[Tensor, "batch time width"], heads: int) -> Tensor:
    """The heads of a projection, of shape (batch, heads, time, dim)."""
    return rearrange(x, "batch time (heads dim) -> batch heads time dim", heads=heads)


def side_by_side(context: Float[Tensor, "batch heads time dim"]) -> Tensor:
    """The heads as one width, of shape (batch, time, heads * dim)."""
    return rearrange(context, "b heads time dim -> b time (heads dim)")
