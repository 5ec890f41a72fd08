"""Multi-head attention of exchangeable parts: what most attentions with scores share."""

import dataclasses
from typing import Any

from torch import nn

from attn.contract import Place
from attn.score.core import Core
from attn.score.projections import Projections
from attn.score.scores import Dot
from attn.score.shell import ScoreAttention


@dataclasses.dataclass(frozen=True)
class Parts:
    """What stands in the place of a part of softmax attention; None: what stands there."""

    score: nn.Module | None = None
    normaliser: nn.Module | None = None
    before: nn.Module | None = None
    after: nn.Module | None = None
    norms: nn.Module | None = None


class PartedAttention(ScoreAttention):
    """Softmax attention by head, but for the parts that a subclass gives."""

    def __init__(self, place: Place, maps: Any, *, dropout: float, kernel: str) -> None:
        parts = self.parts(maps)
        core = Core(
            score=Dot(maps.head_dim**-0.5) if parts.score is None else parts.score,
            normaliser=parts.normaliser,
            before=parts.before,
            after=parts.after,
            dropout=dropout,
            kernel=kernel,
        )
        super().__init__(place, projections=maps, core=core, norms=parts.norms)

    @staticmethod
    def parts(maps: Any) -> Parts:  # noqa: ARG004
        """The parts that differ from those of softmax attention."""
        return Parts()


class MultiHeadAttention(PartedAttention):
    """Softmax attention, but for the parts that a subclass gives; its options are all there are.

    Raises:
        ValueError: sizes that do not fit each other, a kernel that does not exist or cannot serve.
    """

    kv_heads: int | None = None  # as many as heads

    def __init__(
        self,
        place: Place,
        *,
        heads: int = 8,
        head_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        kernel: str = "auto",
    ) -> None:
        maps = Projections(
            place,
            heads=heads,
            head_dim=head_dim,
            value_dim=value_dim,
            kv_heads=self.kv_heads,
            bias=bias,
        )
        super().__init__(place, maps, dropout=dropout, kernel=kernel)
