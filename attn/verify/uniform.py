"""What weights are when scores tell nothing."""

from torch import Tensor

from attn.contract import Role, Stream, allowed
from attn.verify.cases import HEADS, Case


def uniform(case: Case, query: Stream, memory: Stream | None) -> Tensor:
    """The same weight for each key that a query may see, zero for all others."""
    keys = query if memory is None else memory
    causal = case.role is Role.DECODER
    seen = allowed(query.position, keys.position, keys.valid, causal=causal).double()
    return (seen / seen.sum(-1, keepdim=True).clamp(min=1)).expand(-1, HEADS, -1, -1)
