"""Attention whose output passes a gate that the query sets."""

from jaxtyping import Float
from torch import Tensor, nn

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.kernels import Context
from attn.score.projections import Projections, by_head
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention

GATES = ("elementwise", "headwise")


class Gate(nn.Module):
    """``h' = h * sigmoid(W_g x)``: a gate for each number of each head, or one for each head.

    Raises:
        ValueError: a kind of gate that does not exist.
    """

    def __init__(self, place: Place, maps: Projections, *, gate: str, bias: bool) -> None:
        super().__init__()
        if gate not in GATES:
            raise ValueError(f"gate={gate}: unknown; choose one of {', '.join(GATES)}")
        self.heads = maps.heads
        width = maps.value_dim if gate == "elementwise" else 1
        self.map = nn.Linear(place.query_dim, maps.heads * width, bias=bias)
        nn.init.xavier_uniform_(self.map.weight)
        if bias:
            nn.init.zeros_(self.map.bias)

    def forward(self, context: Context, x: Float[Tensor, "rows time dim"]) -> Context:
        """The context, gated."""
        return context * by_head(self.map(x), self.heads).sigmoid()


@register("attention", "gated")
class GatedAttention(ScoreAttention):
    """Multi-head scaled dot-product attention with a gate on what each head found.

    ``y = W_o [h_1 .. h_H]``, ``h = sigmoid(W_g x) * (softmax(q k^T / sqrt(d_k)) v)``, ``x`` being
    what the queries are made of; zeros before ``W_o`` where a query may see nothing. The gate is
    ``elementwise``, ``W_g`` having as many rows as ``v``, or ``headwise``, with one row a head. Qiu
    et al. 2025, "Gated Attention for Large Language Models: Non-linearity, Sparsity, and
    Attention-Sink-Free".

    Raises:
        ValueError: sizes that do not fit each other, a gate or a kernel that does not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        time="T (S D + D^2)",
        paper="Qiu et al. 2025",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        gate: str = "elementwise",
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        core = Core(score=Dot(maps.head_dim**-0.5), dropout=dropout, kernel=kernel)
        output = Gate(place, maps, gate=gate, bias=bias)
        super().__init__(place, projections=maps, core=core, gate=output)
