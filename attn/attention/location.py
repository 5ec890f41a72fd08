"""Multi-head attention to places of the source, whatever stands there."""

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.registry import register
from attn.score import kernels
from attn.score.normalisers import Softmax
from attn.score.projections import by_head, side_by_side
from attn.score.shell import unfolded
from attn.states import StaticKeyValueState


@register("attention", "location")
class LocationAttention(nn.Module):
    """Multi-head attention to places of the source, whatever stands there.

    ``y = W_o [h_1 .. h_H]``, ``h = softmax(W_a x) W_v m``: a query has one score for each of
    ``max_source_length`` source positions, of which those of the source are taken. Luong et al.
    2015, "Effective Approaches to Attention-based Neural Machine Translation", score ``location``.

    Raises:
        ValueError: sizes below 1, heads that do not divide the width; when called, a source beyond
            ``max_source_length``.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.CROSS}),
        state="static",
        order_aware=True,
        time="T S_max D",
        paper="Luong et al. 2015",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        value_dim: int | None = None,
        max_source_length: int = 512,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for option, size in (("heads", heads), ("max_source_length", max_source_length)):
            if size < 1:
                raise ValueError(f"{option}={size}: must be at least 1")
        if value_dim is None and place.query_dim % heads:
            raise ValueError(
                f"heads={heads}: must divide the width {place.query_dim}, or value_dim must be "
                "given"
            )
        self.role, self.heads, self.room = place.role, heads, max_source_length
        width = heads * (place.query_dim // heads if value_dim is None else value_dim)
        if width < 1:
            raise ValueError(f"value_dim={value_dim}: must be at least 1")
        self.scores = nn.Linear(place.query_dim, heads * self.room, bias=bias)
        self.value = nn.Linear(place.memory_dim, width, bias=bias)
        self.out = nn.Linear(width, place.out_dim, bias=bias)
        self.normaliser, self.dropout = Softmax(), Dropout(dropout)
        for linear in (self.scores, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            if bias:
                nn.init.zeros_(linear.bias)

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """The state before the first token: the projected source."""
        assert memory is not None
        self._check(memory.position, memory.valid)
        value = by_head(self.value(memory.x), self.heads).contiguous()
        return StaticKeyValueState(value[..., :0], value, memory.position, memory.valid)

    def _check(self, position: Int[Tensor, "rows keys"], valid: Bool[Tensor, "rows keys"]) -> None:
        # Elsewhere than on a CPU, looking costs a wait: only where there is a doubt. What is
        # compiled would be cut in two by it, and fails at the gathering of scores.
        if torch.compiler.is_compiling():
            return
        if position.numel() and (position.device.type == "cpu" or position.shape[1] > self.room):
            last = int(position.masked_fill(~valid, 0).max())
            if last >= self.room:
                raise ValueError(
                    f"source position {last} is beyond max_source_length={self.room}; "
                    "raise it, or shorten the text"
                )

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the source for each query."""
        if state is None:
            assert memory is not None
            state = self.start(memory, rows=memory.x.shape[0], capacity=0)
        assert isinstance(state, StaticKeyValueState)
        beams = query.x.shape[0] // state.value.shape[0]
        weights = self._weights(query.x, state, beams)
        used = self.dropout(weights.to(state.value.dtype))
        context = kernels.mix(used, state.value)
        y: Tensor = self.out(side_by_side(unfolded(context, beams)))
        shown = unfolded(weights.detach().float(), beams) if capture else None
        return MixerOutput(y, state, shown)

    def _weights(
        self, x: Float[Tensor, "rows time dim"], state: StaticKeyValueState, beams: int
    ) -> Float[Tensor, "sentences heads queries keys"]:
        """The weights; hypotheses of one sentence are more queries to the same source."""
        scores = rearrange(self.scores(x), "(b n) t (h s) -> b h (n t) s", n=beams, h=self.heads)
        place = state.position.masked_fill(~state.valid, 0)[:, None, None]
        scores = scores.gather(-1, place.expand(*scores.shape[:3], -1))
        scores = scores.to(at_least_float32(scores.dtype))
        mask = state.valid[:, None, None].expand(-1, 1, scores.shape[2], -1)
        weights: Tensor = self.normaliser(scores, mask)
        return weights * kernels.visible(mask)
