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
        time="T S D, T steps",
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
        self.dropout = Dropout(dropout)

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
        sentences, normalise = len(source.key), Softmax()
        q = self.projections.query_of(query.x).unflatten(0, (sentences, -1))
        mask = source.valid.repeat_interleave(q.shape[1], 0)[:, None, None, :]
        contexts, shown = [], []
        for step in range(q.shape[3]):
            covered = coverage.unflatten(0, (sentences, -1))
            scores = self.score(q[..., step : step + 1, :], source.key[:, None], covered)
            weights = normalise(scores.flatten(0, 1), mask) * kernels.visible(mask)
            coverage = coverage + weights[:, :, 0]
            shown.append(weights.detach().float())
            contexts.append(self.dropout(weights))
        used = torch.cat(contexts, 2).to(source.value.dtype)
        mixed = kernels.mix(_folded(used, sentences), source.value)
        context = mixed.unflatten(2, (-1, q.shape[3])).transpose(1, 2).flatten(0, 1)
        after = dataclasses.replace(state, coverage=coverage)
        seen = torch.cat(shown, 2) if capture else None
        return MixerOutput(self.projections.join(context), after, seen)

    def score(self, query: Tensor, key: Tensor, coverage: Tensor) -> Tensor:
        """Scores of one query a row, of shape (sentences, beams, heads, 1, keys)."""
        seen = coverage[..., None] * self.cover
        hidden = torch.tanh(query + key + seen.to(query.dtype))
        scores = (hidden * self.vector).sum(-1)[..., None, :]
        return scores.to(at_least_float32(scores.dtype))


def _folded(weights: Tensor, sentences: int) -> Tensor:
    """The hypotheses of a sentence as more queries to its values."""
    return weights.unflatten(0, (sentences, -1)).transpose(1, 2).flatten(2, 3)
