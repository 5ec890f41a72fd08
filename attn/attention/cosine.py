"""Multi-head cosine attention."""

from attn.contract import Capabilities, Place, PositionKind, Role
from attn.registry import register
from attn.score import kernels
from attn.score.core import Core
from attn.score.norms import Norms, TemperedUnit, Unit
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@register("attention", "cosine")
class CosineAttention(ScoreAttention):
    """Multi-head cosine attention.

    ``h = softmax(cos(q, k) / t) v`` with a learned temperature ``t`` for each head, never below
    ``min_temperature``: no score exceeds ``1 / t``. The temperature divides the query, before
    rotary positions. Liu et al. 2022, "Swin Transformer V2: Scaling Up Capacity and Resolution";
    Henry et al. 2020, "Query-Key Normalization for Transformers", have one for all heads.

    Raises:
        ValueError: sizes that do not fit each other, temperatures out of order, a kernel that does
            not exist.
    """

    capabilities = Capabilities(
        roles=frozenset(Role),
        positions=frozenset(PositionKind),
        kernels=kernels.KERNELS,
        paper="Liu et al. 2022",
    )

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        temperature: float = 0.1,
        min_temperature: float = 0.01,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        if min_temperature <= 0:
            raise ValueError(f"min_temperature={min_temperature}: must be positive")
        if temperature < min_temperature:
            raise ValueError(
                f"temperature={temperature}: must be at least min_temperature={min_temperature}"
            )
        maps = Projections(place, heads=heads, head_dim=head_dim, value_dim=value_dim, bias=bias)
        query = TemperedUnit(heads, temperature=temperature, least=min_temperature)
        core = Core(score=Dot(1.0), dropout=dropout, kernel=kernel)
        super().__init__(place, projections=maps, core=core, norms=Norms(query=query, key=Unit()))
