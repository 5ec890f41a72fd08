"""Sliding-window attention."""

import dataclasses
from typing import cast

import torch
from torch import Tensor

from attn.contract import (
    Capabilities,
    Growth,
    MixerOutput,
    Only,
    Place,
    PositionKind,
    Role,
    State,
    Stream,
)
from attn.registry import register
from attn.score import kernels
from attn.score.blocks import is_long, spans
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention
from attn.states import WindowState


@register("attention", "window")
class WindowAttention(ScoreAttention):
    """Scaled dot-product attention to the keys nearby.

    Query i sees the keys j with ``|i - j| <= radius`` in an encoder, ``0 <= i - j <= radius`` in a
    decoder, which keeps no more than ``radius`` tokens. In an encoder the first ``global_tokens``
    see all and are seen by all. Long sequences are computed by blocks, in time and memory
    ``O(T radius)``. Beltagy et al. 2020, "Longformer: The Long-Document Transformer", whose
    windows are twice the radius wide; its global tokens have projections of their own, ours do not.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.ENCODER, Role.DECODER}),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        state="window",
        order_aware=True,
        time="T radius D",
        path="T / radius",
        paper="Beltagy et al. 2020",
        only=(Only("global_tokens", "an encoder", frozenset({Role.ENCODER})),),
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        radius: int = 8,
        global_tokens: int = 0,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        for option, size in (("radius", radius), ("global_tokens", global_tokens)):
            if size < 0:
                raise ValueError(f"{option}={size}: must not be negative")
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core, pattern=self.near)
        self.radius = radius
        # A decoder would have to keep what it can never see again.
        self.all_seeing = global_tokens if place.role is Role.ENCODER else 0

    @property
    def growth(self) -> Growth:
        """As declared; but tokens that all see and that see all are a way from any to any other."""
        declared = self.capabilities.growth
        return dataclasses.replace(declared, path="2") if self.all_seeing else declared

    def near(self, query: Tensor, key: Tensor) -> Tensor:
        """Which keys lie within the radius, or are global, as their query may be."""
        seen = (query - key).abs() <= self.radius
        if self.all_seeing:
            seen = seen | (query < self.all_seeing) | (key < self.all_seeing)
        return seen

    def empty(self, rows: int, capacity: int, sentences: int) -> State:  # noqa: ARG002
        """No tokens yet."""
        maps = self.projections
        sizes = {"dim": maps.head_dim, "value": maps.value_dim}
        shape = rows, maps.kv_heads
        return WindowState.empty(maps.out.weight, shape, **sizes, sentences=sentences)

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix; of the tokens, only those that the next ones can reach are kept."""
        output = super().forward(query, memory, state=state, capture=capture)
        if output.state is None:
            return output
        after = cast("WindowState", output.state).last(self.radius)
        return dataclasses.replace(output, state=after)

    def mix(
        self, q: Tensor, k: Tensor, v: Tensor, query: Tensor, key: Tensor, valid: Tensor
    ) -> Tensor:
        """The context, by blocks of queries where the sequence is long."""
        time = q.shape[2]
        if not is_long(time, k.shape[2], self.radius):
            return super().mix(q, k, v, query, key, valid)
        contexts = []
        first = min(self.all_seeing, time)
        if first:
            contexts.append(super().mix(q[:, :, :first], k, v, query[:, :first], key, valid))
        ahead = self.role is Role.ENCODER
        for some, near in spans(time, self.radius, ahead=ahead, first=first):
            keys, values = (_with_first(x, first, near, 2) for x in (k, v))
            at, real = (_with_first(x, first, near, 1) for x in (key, valid))
            part = super().mix(q[:, :, some], keys, values, query[:, some], at, real)
            contexts.append(part)
        return torch.cat(contexts, 2)


def _with_first(x: Tensor, first: int, near: slice, axis: int) -> Tensor:
    """A part of the keys, behind so many of the first; a view where there are none."""
    part = x.narrow(axis, near.start, near.stop - near.start)
    return torch.cat((x.narrow(axis, 0, first), part), axis) if first else part
