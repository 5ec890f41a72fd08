"""Position schemes as they are put to the proof: alone, and with softmax attention around them."""

from typing import Any

import torch
from torch import Tensor

from attn import registry
from attn.contract import Attention
from attn.verify.cases import DIM, HEADS, Case


def scheme(case: Case, *, heads: int = HEADS, dim: int = DIM, **options: Any) -> Any:
    """The position scheme of a case by itself, in float64 and evaluation mode."""
    torch.manual_seed(0)
    section = {"name": case.position, **options}
    given: dict[str, Any] = {"dim": dim, "role": case.role, "heads": heads}
    built = registry.build("position", section, **given, head_dim=dim // heads)
    return built.double().eval()


def around(case: Case, *, kernel: str = "auto", **options: Any) -> Attention:
    """Softmax attention in float64 with the scheme of a case, of these options, within it."""
    chosen = {**case.position_options, **options}
    return Case("softmax", case.role, case.position, position_options=chosen).build(kernel=kernel)


def bare(attention: Any) -> Attention:
    """Softmax attention of the same weights without positions."""
    plain: Any = Case("softmax", attention.role).build()
    plain.projections.load_state_dict(attention.projections.state_dict())
    made: Attention = plain
    return made


def silence(module: torch.nn.Module) -> None:
    """Set all weights to zero."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()


def line(count: int, start: int = 0) -> Tensor:
    """Successive positions, in one row."""
    return torch.arange(start, start + count)[None]
