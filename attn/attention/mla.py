"""Multi-head latent attention."""

import math

import torch
from torch import Tensor, nn

from attn.contract import Capabilities, Only, Place, PositionKind, Role, State
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.projections import by_head, side_by_side
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention
from attn.states import LatentState


class LatentProjections(nn.Module):
    """Maps between streams and the latent space that all heads share.

    The maps from the latent to keys and values are absorbed into the query and the output:
    ``q^T (W_UK c) = (W_UK^T q)^T c``, so that keys and values are the latent itself. The last
    ``rotary_dim`` dimensions of queries and keys carry positions alone.
    """

    kv_heads = 1

    def __init__(
        self,
        place: Place,
        *,
        heads: int,
        inner_dim: int,
        latent_dim: int,
        rotary_dim: int,
        bias: bool,
    ) -> None:
        super().__init__()
        self.heads, self.inner_dim, self.rotary_dim = heads, inner_dim, rotary_dim
        self.head_dim, self.value_dim = latent_dim + rotary_dim, latent_dim
        self.query = nn.Linear(place.query_dim, heads * (inner_dim + rotary_dim), bias=bias)
        self.latent = nn.Linear(place.memory_dim, latent_dim + rotary_dim, bias=bias)
        self.key_up = nn.Parameter(torch.empty(heads, inner_dim, latent_dim))
        self.value_up = nn.Parameter(torch.empty(heads, latent_dim, inner_dim))
        self.out = nn.Linear(heads * inner_dim, place.out_dim, bias=bias)
        for linear in (self.query, self.latent, self.out):
            nn.init.xavier_uniform_(linear.weight)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
        # As one map from the latent to all heads, after Glorot and Bengio 2010.
        bound = math.sqrt(6 / (latent_dim + heads * inner_dim))
        for up in (self.key_up, self.value_up):
            nn.init.uniform_(up, -bound, bound)

    def all_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value of one stream."""
        return self.query_of(x), *self.key_value_of(x)

    def query_of(self, x: Tensor) -> Tensor:
        """The query as the latent sees it, and its rotary part."""
        query = by_head(self.query(x), self.heads)
        content, turned = query.split([self.inner_dim, self.rotary_dim], -1)
        return torch.cat((content @ self.key_up, turned), -1)

    def key_value_of(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The latent with its rotary part, and the latent; one head of each."""
        key = by_head(self.latent(memory), 1)
        return key, key[..., : self.value_dim]

    def join(self, context: Tensor) -> Tensor:
        """The mean latent of each head as values, projected out."""
        joined: Tensor = self.out(side_by_side(context @ self.value_up))
        return joined


@register("attention", "mla")
class LatentAttention(ScoreAttention):
    """Attention whose heads share one latent vector a token, from which keys and values are made.

    ``c_j = W_c x_j``, ``h = softmax((q^C . W_UK c_j + q^R . k^R_j) / sqrt(d + d_R)) W_UV c_j``;
    ``q^R`` and ``k^R``, one for all heads, are there with a rotary position scheme alone, which
    turns nothing else. A decoder keeps ``d_c + d_R`` numbers a token. DeepSeek-AI 2024,
    "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model", section
    2.1; without its norms and its latent query.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset({
            PositionKind.NONE,
            PositionKind.INPUT,
            PositionKind.ROTARY,
            PositionKind.BIAS,
        }),
        kernels=kernels.KERNELS,
        time="T S (d_c + d_R) H",
        paper="DeepSeek-AI 2024",
        only=(
            Only(
                "rotary_dim",
                "self-attention with a rotary position scheme",
                frozenset({Role.ENCODER, Role.DECODER}),
                frozenset({PositionKind.ROTARY}),
            ),
        ),
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        latent_dim: int | None = None,
        rotary_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        if heads < 1 or place.query_dim % heads:
            raise ValueError(f"heads={heads}: must divide the width {place.query_dim}")
        inner = place.query_dim // heads
        latent = 4 * inner if latent_dim is None else latent_dim
        rotary = 2 * max(1, inner // 4) if rotary_dim is None else rotary_dim
        if latent < 1:
            raise ValueError(f"latent_dim={latent}: must be at least 1")
        if rotary < 2 or rotary % 2:
            raise ValueError(f"rotary_dim={rotary}: must be even and at least 2")
        scheme = None if place.position is None else place.position(heads, rotary)
        if scheme is None or scheme.kind is not PositionKind.ROTARY:
            rotary = 0
        maps = LatentProjections(
            place, heads=heads, inner_dim=inner, latent_dim=latent, rotary_dim=rotary, bias=bias
        )
        core = Core(score=Dot((inner + rotary) ** -0.5), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core, position=scheme)

    def turn(self, x: Tensor, position: Tensor) -> Tensor:
        """The rotary part turned, the rest as it is."""
        content, turned = x.split([self.projections.value_dim, self.projections.rotary_dim], -1)
        return torch.cat((content, self.position.rotate(turned, position)), -1)

    def empty(self, rows: int, capacity: int, sentences: int) -> State:
        """Room for the latents of a decoder's tokens."""
        maps = self.projections
        return LatentState.empty(
            maps.out.weight,
            (capacity, rows, 1),
            dim=maps.head_dim,
            value=0,
            sentences=sentences,
            latent=maps.value_dim,
        )
