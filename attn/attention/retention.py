"""Retention: sums of the past that fade, at a pace of its own for each head."""

import dataclasses
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream, one_row
from attn.precision import at_least_float32
from attn.registry import register
from attn.scan import scan
from attn.score.projections import Projections, side_by_side
from attn.states import RowState

BASE = 10000.0  # of the wavelengths by which queries and keys are turned
EPSILON = 1e-6  # of the norm


@dataclasses.dataclass(frozen=True)
class RetentionState(RowState):
    """What is left of the tokens so far, in float32, and the position where that is so."""

    total: Float[Tensor, "rows heads dim value"]
    position: Int[Tensor, " rows"]


@register("attention", "retention")
class Retention(nn.Module):
    """Multi-scale retention: linear attention whose past fades, and whose result is gated.

    ``y = W_o (swish(W_g x) * [n(h_1) .. n(h_H)])``, ``h = (R(q) R(k)^T / sqrt(d_k) * D) v``,
    ``D_ij = (1 - 2^(-5 - h))^(p_i - p_j)`` for ``p_j <= p_i`` and else 0; R turns pairs of numbers
    by position, n normalises each head. In an encoder the exponent is ``|p_i - p_j|``. A decoder is
    trained by chunks of ``chunk`` tokens. Sun et al. 2023, "Retentive Network: A Successor to
    Transformer for Large Language Models", section 2.

    Raises:
        ValueError: sizes that do not fit each other, an odd ``head_dim``, a chunk below 1.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.ENCODER, Role.DECODER}),
        weights="implied",
        state="matrix",
        order_aware=True,
        time="T D D/H; encoder: T S D",
        paper="Sun et al. 2023",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        chunk: int = 64,
    ) -> None:
        super().__init__()
        if chunk < 1:
            raise ValueError(f"chunk={chunk}: must be at least 1")
        self.role, self.chunk = place.role, chunk
        if value_dim is None:
            value_dim = 2 * (head_dim or place.query_dim // max(heads, 1))
        self.projections = maps = Projections(
            place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias
        )
        if maps.head_dim % 2:
            raise ValueError(f"head_dim={maps.head_dim}: must be even, for pairs are turned")
        self.gate = nn.Linear(place.query_dim, heads * value_dim, bias=bias)
        nn.init.xavier_uniform_(self.gate.weight)
        if bias:
            nn.init.zeros_(self.gate.bias)

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """Nothing yet."""
        maps, weight = self.projections, self.gate.weight
        wide = at_least_float32(weight.dtype)
        return RetentionState(
            sentences=rows if memory is None else len(memory.x),
            total=weight.new_zeros((rows, maps.heads, maps.head_dim, maps.value_dim), dtype=wide),
            position=weight.new_zeros(rows, dtype=torch.long),
        )

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,  # noqa: ARG002
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        q, k, v = self.projections.all_of(query.x)
        q = turned(q, query.position, q.shape[-1] ** -0.5)
        k = turned(k, query.position, 1.0).masked_fill(~query.valid[:, None, :, None], 0)
        after, weights = None, None
        if self.role is Role.ENCODER:
            context = self._mix(q, k, v, query)
        else:
            context, after = self._scan(q, k, v, query, cast("RetentionState | None", state))
        if capture and state is None:
            weights = self._weights(q, k, query.position).float().detach()
        return MixerOutput(self._out(context, query.x), after, weights)

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, query: Stream) -> Tensor:
        weights = self._weights(q, k, query.position)
        with torch.autocast(q.device.type, enabled=False):
            return weights @ v.to(weights.dtype)

    def _weights(self, q: Tensor, k: Tensor, position: Tensor) -> Tensor:
        with torch.autocast(q.device.type, enabled=False):
            at = one_row(position)
            distance = (at[:, None, :, None] - at[:, None, None, :]).abs()
            weights = q @ k.transpose(-2, -1)
            weights.mul_((distance * self._pace(q)[:, None, None]).exp_())
        return weights.tril() if self.role is Role.DECODER else weights

    def _scan(
        self, q: Tensor, k: Tensor, v: Tensor, query: Stream, state: RetentionState | None
    ) -> tuple[Tensor, RetentionState | None]:
        at = one_row(query.position) if state is None else query.position
        before = at[:, :1] if state is None else state.position[:, None]
        decay = at.diff(dim=1, prepend=before)[:, None] * self._pace(q)[:, None]
        if state is None:
            return scan(q, k, v, decay=decay, chunk=self.chunk)[0], None
        context, total = scan(q, k, v, state.total, decay=decay, chunk=self.chunk)
        assert total is not None
        return context, dataclasses.replace(state, total=total, position=at[:, -1])

    def _pace(self, like: Tensor) -> Float[Tensor, " heads"]:
        """The logarithm of what each head keeps from one position to the next."""
        number = torch.arange(self.projections.heads, dtype=like.dtype, device=like.device)
        return torch.log1p(-(2 ** (-5 - number)))

    def _out(self, context: Tensor, x: Tensor) -> Tensor:
        normed = F.layer_norm(context, context.shape[-1:], eps=EPSILON).to(x.dtype)
        y: Tensor = self.projections.out(F.silu(self.gate(x)) * side_by_side(normed))
        return y


def turned(
    x: Float[Tensor, "batch heads time dim"], position: Int[Tensor, "batch time"], scale: float
) -> Float[Tensor, "batch heads time dim"]:
    """Pairs of numbers ``x_i``, i from 0 on, as ``scale * e^(1j p base^(-2i / (d - 2))) x_i``.

    In float32 at least, by products of complex numbers: these need the fewest passes.
    """
    x = x.to(at_least_float32(x.dtype)).contiguous()
    exponents = torch.linspace(0, 1, x.shape[-1] // 2, dtype=x.dtype, device=x.device)
    angles = one_row(position)[:, None, :, None] * BASE**-exponents
    turn = torch.polar(torch.full_like(angles, scale), angles)
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2)
