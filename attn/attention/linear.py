"""Linear attention: a positive feature map in place of the softmax, sums in place of scores."""

import dataclasses
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.precision import at_least_float32
from attn.registry import register
from attn.scan import read, scan, total_of
from attn.score.projections import Projections
from attn.states import RowState


@dataclasses.dataclass(frozen=True)
class LinearState(RowState):
    """The sums over the tokens so far: ``S`` and, as its last column, ``z``; in float32."""

    total: Float[Tensor, "rows heads dim value"]


@dataclasses.dataclass(frozen=True)
class LinearMemory(LinearState):
    """The sums over a source, one row a sentence, shared by the sentence's hypotheses."""

    def reorder(self, rows: Int[Tensor, " rows"]) -> "LinearMemory":  # noqa: ARG002
        """Itself: hypotheses move inside their sentence only."""
        return self


@register("attention", "linear")
class LinearAttention(nn.Module):
    """Attention whose weights are products of positive features, so that sums stand for its keys.

    ``y_i = W_o [h_1 .. h_H]``, ``h_i = S_i^T f(q_i) / z_i^T f(q_i)``, ``S_i = sum_j f(k_j) v_j^T``,
    ``z_i = sum_j f(k_j)``, ``f(x) = elu(x) + 1``, over the ``j`` that ``i`` may see; zeros before
    ``W_o`` where it may see none. A decoder is trained by chunks of ``chunk`` tokens. Katharopoulos
    et al. 2020, "Transformers are RNNs", section 3.

    Raises:
        ValueError: sizes that do not fit each other, a chunk below 1.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        weights="implied",
        state="matrix",
        time="(T + S) D D/H",
        paper="Katharopoulos et al. 2020",
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
        self.projections = Projections(
            place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias
        )

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """The sums before the first token, or those over the source."""
        maps = self.projections
        if self.role is Role.CROSS:
            assert memory is not None
            key, value = maps.key_value_of(memory.x)
            return LinearMemory(len(memory.x), total_of(*_seen(key, value, memory.valid)))
        wide = at_least_float32(maps.out.weight.dtype)
        total = maps.out.weight.new_zeros(
            (rows, maps.heads, maps.head_dim, maps.value_dim + 1), dtype=wide
        )
        return LinearState(rows if memory is None else len(memory.x), total)

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the whole sequence, or with a state its next tokens."""
        weights = self._weights(query, memory) if capture and state is None else None
        mixed, after = self._mix(query, memory, cast("LinearState | None", state))
        # The last column is what the weights sum to.
        context = _divided(mixed[..., :-1], mixed[..., -1:])
        return MixerOutput(self.projections.join(context.to(query.x.dtype)), after, weights)

    def _mix(
        self, query: Stream, memory: Stream | None, state: LinearState | None
    ) -> tuple[Tensor, LinearState | None]:
        """Sums of the values and of the weights, by head."""
        if self.role is Role.CROSS:
            if state is None:
                state = cast("LinearState", self.start(memory, rows=len(query.x), capacity=0))
            return read(features(self.projections.query_of(query.x)), state.total), state
        q, k, v = self.projections.all_of(query.x)
        q, (k, v) = features(q), _seen(k, v, query.valid)
        if self.role is Role.ENCODER:
            return read(q, total_of(k, v)), None
        if state is None:
            return scan(q, k, v, chunk=self.chunk)[0], None
        mixed, total = scan(q, k, v, state.total, chunk=self.chunk)
        assert total is not None
        return mixed, dataclasses.replace(state, total=total)

    @torch.no_grad()
    def _weights(self, query: Stream, memory: Stream | None) -> Tensor:
        """The weights that the sums stand for."""
        maps = self.projections
        if memory is None:
            q, k, v = maps.all_of(query.x)
        else:
            q, (k, v) = maps.query_of(query.x), maps.key_value_of(memory.x)
        k, _ = _seen(k, v, (memory or query).valid)
        with torch.autocast(k.device.type, enabled=False):
            products = features(q) @ k.transpose(-2, -1)
        if self.role is Role.DECODER:
            products = products.tril()
        return _divided(products, products.sum(-1, keepdim=True)).float()


def features(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """``elu(x) + 1``, in float32 at least."""
    made: Tensor = _Features.apply(x.to(at_least_float32(x.dtype)))  # type: ignore[no-untyped-call]
    return made


class _Features(torch.autograd.Function):
    """``f(x) = exp(min(x, 0)) + max(x, 0)``, ``f'(x) = min(f(x), 1)``.

    Not ``elu(x) + 1``: adding 1 to almost -1 would leave nothing of small features.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        made = x.clamp(max=0).exp_().add_(x.relu())
        ctx.save_for_backward(made)
        return made

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (made,) = ctx.saved_tensors
        return gradient * made.clamp(max=1)


def _seen(key: Tensor, value: Tensor, valid: Bool[Tensor, "batch time"]) -> tuple[Tensor, Tensor]:
    """The features of the keys, none of padding, and the values, with a further column of ones."""
    hidden = ~valid[:, None, :, None]
    return features(key).masked_fill(hidden, 0), F.pad(value, (0, 1), value=1.0)


def _divided(sums: Tensor, mass: Tensor) -> Tensor:
    """Sums as means; zeros where there is nothing."""
    return sums / mass.masked_fill(mass == 0, 1)
