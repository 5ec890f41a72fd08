"""Additive attention that remembers where it has looked."""

import dataclasses

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attn.contract import Capabilities, MixerOutput, Place, Role, State, Stream
from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.registry import register
from attn.score import kernels
from attn.score.normalisers import Softmax
from attn.score.projections import Projections
from attn.score.shell import folded, unfolded
from attn.states import StaticKeyValueState


@dataclasses.dataclass(frozen=True)
class CoverageState:
    """The projected source, and how much weight each of its words has had from each hypothesis."""

    source: StaticKeyValueState
    coverage: Float[Tensor, "rows heads keys"]

    def reorder(self, rows: Int[Tensor, " rows"]) -> "CoverageState":
        """The coverage of the rows picked; the source stays."""
        return dataclasses.replace(self, coverage=self.coverage.index_select(0, rows))

    def keep(self, sentences: Int[Tensor, " sentences"]) -> "CoverageState":
        """Both for these sentences alone."""
        each = self.coverage.unflatten(0, (len(self.source.key), -1)).index_select(0, sentences)
        return CoverageState(self.source.keep(sentences), each.flatten(0, 1))

    def nbytes(self) -> int:
        """Bytes of both."""
        return self.source.nbytes() + self.coverage.nbytes


@register("attention", "coverage")
class CoverageAttention(nn.Module):
    """Additive attention whose scores also see how much weight each source word has had.

    ``s_tj = v . tanh(W_q q_t + W_k k_j + u c_{t-1,j})``, ``c_tj = c_{t-1,j} + a_tj``, by head, in
    steps: word t needs the weights of all before it, so that a whole sequence takes as many steps
    as it is long. ``head_dim`` is the width of the hidden layer. Tu et al. 2016, "Modeling Coverage
    for Neural Machine Translation", with their neural coverage of one dimension.

    Raises:
        ValueError: sizes that do not fit each other.
    """

    capabilities = Capabilities(
        roles=frozenset({Role.CROSS}),
        state="coverage",
        remembers=True,
        time="T S D",
        sequential="T",
        paper="Tu et al. 2016",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.role = place.role
        self.projections = Projections(
            place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias
        )
        hidden = self.projections.head_dim
        self.vector = nn.Parameter(torch.empty(heads, 1, hidden))
        self.cover = nn.Parameter(torch.empty(heads, 1, hidden))
        for weight in (self.vector, self.cover):
            nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)
        self.normaliser, self.dropout = Softmax(), Dropout(dropout)

    def start(self, memory: Stream | None, *, rows: int, capacity: int) -> State:  # noqa: ARG002
        """The projected source, of which nothing is covered yet."""
        assert memory is not None
        key, value = self.projections.key_value_of(memory.x)
        source = StaticKeyValueState(
            key.contiguous(), value.contiguous(), memory.position, memory.valid
        )
        wide = at_least_float32(key.dtype)
        return CoverageState(source, key.new_zeros(rows, *key.shape[1:3], dtype=wide))

    def forward(
        self,
        query: Stream,
        memory: Stream | None = None,
        *,
        state: State | None = None,
        capture: bool = False,
    ) -> MixerOutput:
        """Mix the source, step by step."""
        if state is None:
            assert memory is not None
            state = self.start(memory, rows=query.x.shape[0], capacity=0)
        assert isinstance(state, CoverageState)
        source, coverage = state.source, state.coverage
        beams = len(coverage) // len(source.key)
        q = self.projections.query_of(query.x)
        mask = source.valid.repeat_interleave(beams, 0)[:, None, None, :]
        used, shown = [], []
        for step in range(q.shape[2]):
            scores = self.score(q[:, :, step], source.key, coverage)
            weights = self.normaliser(scores[:, :, None], mask) * kernels.visible(mask)
            # Padding of the target looks nowhere.
            coverage = coverage + weights[:, :, 0] * query.valid[:, step, None, None]
            used.append(self.dropout(weights.to(source.value.dtype)))
            shown.append(weights.detach().float())
        context = unfolded(kernels.mix(folded(torch.cat(used, 2), beams), source.value), beams)
        after = dataclasses.replace(state, coverage=coverage)
        seen = torch.cat(shown, 2) if capture else None
        return MixerOutput(self.projections.join(context), after, seen)

    def score(self, query: Tensor, key: Tensor, coverage: Tensor) -> Tensor:
        """Scores of one query a row, of shape (rows, heads, keys); in float32 at least."""
        wide = at_least_float32(query.dtype)
        beside = query.to(wide).unflatten(0, (len(key), -1))[..., None, :] + key.to(wide)[:, None]
        hidden = torch.tanh(beside.flatten(0, 1) + coverage[..., None] * self.cover)
        return (hidden * self.vector).sum(-1)
