"""Causal sums of key-value products, by chunks: a few products of matrices, no loop over time."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attn.precision import at_least_float32

Total = Float[Tensor, "batch heads dim value"]


def scan(
    query: Float[Tensor, "batch heads time dim"],
    key: Float[Tensor, "batch heads time dim"],
    value: Float[Tensor, "batch heads time value"],
    total: Total | None = None,
    *,
    decay: Float[Tensor, "rows heads time"] | None = None,
    chunk: int,
) -> tuple[Float[Tensor, "batch heads time value"], Total | None]:
    """``y_i = q_i S_i``, ``S_i = exp(decay_i) S_{i-1} + k_i^T v_i``: all ``y`` and the last ``S``.

    ``total`` is ``S`` before the first token; without it that is zero, and the last is not given.
    Within a chunk every query meets every key before it; it meets the chunks before its own by
    their total. Time and memory grow linearly with the tokens. All is computed in float32 at
    least. Sun et al. 2023, "Retentive Network", section 2.3, where it is called chunkwise.
    """
    with torch.autocast(query.device.type, enabled=False):
        wide, time = at_least_float32(query.dtype), query.shape[2]
        size = min(chunk, time)
        q, k, v = (_cut(x.to(wide), size) for x in (query, key, value))
        sums = None if decay is None else _cut(decay.to(wide), size).cumsum(-1)
        mixed = _causal(q @ k.transpose(-2, -1), sums) @ v
        after = None
        if total is not None or time > size:
            if sums is not None:
                q = q * sums.exp()[..., None]
                k = k * (sums[..., -1:] - sums).exp()[..., None]
            totals = _totals(k.transpose(-2, -1) @ v, total, sums)
            mixed = mixed + q @ totals[:, :, :-1]
            after = None if total is None else totals[:, :, -1]
        return mixed.flatten(2, 3)[:, :, :time], after


def total_of(
    key: Float[Tensor, "batch heads time dim"], value: Float[Tensor, "batch heads time value"]
) -> Total:
    """``S = sum_j k_j^T v_j``, in float32 at least."""
    with torch.autocast(key.device.type, enabled=False):
        wide = at_least_float32(key.dtype)
        return key.to(wide).transpose(-2, -1) @ value.to(wide)


def read(
    query: Float[Tensor, "rows heads time dim"], total: Float[Tensor, "sentences heads dim value"]
) -> Float[Tensor, "rows heads time value"]:
    """``y_i = q_i S``, in float32 at least; successive rows may share the ``S`` of a sentence."""
    with torch.autocast(query.device.type, enabled=False):
        q = query.to(total.dtype).unflatten(0, (len(total), -1))
        return torch.einsum("sbhtd,shdv->sbhtv", q, total).flatten(0, 1)


def ratios(sums: Float[Tensor, "*rows time"]) -> Float[Tensor, "*rows time time"]:
    """``exp(sum_i - sum_j)``: what is left at ``i`` of what came at ``j``; 0 if that is later."""
    later = torch.ones(2 * sums.shape[-1:], dtype=torch.bool, device=sums.device).triu(1)
    return (sums[..., :, None] - sums[..., None, :]).masked_fill(later, -torch.inf).exp()


def _cut(x: Tensor, size: int) -> Tensor:
    """Time in chunks, the last one filled up with zeros: (batch, heads, chunks, size, ...)."""
    missing = -x.shape[2] % size
    if missing:
        x = F.pad(x, (0, 0) * (x.dim() - 3) + (0, missing))
    return x.unflatten(2, (-1, size))


def _causal(products: Tensor, sums: Tensor | None) -> Tensor:
    return products.tril() if sums is None else products * ratios(sums)


def _totals(added: Tensor, total: Tensor | None, sums: Tensor | None) -> Tensor:
    """``S`` before each chunk and after the last one, from what each of them adds."""
    first = torch.zeros_like(added[:, :, 0]) if total is None else total.to(added.dtype)
    each = torch.cat((first[:, :, None], added), 2)
    if sums is None:
        return each.cumsum(2)
    whole = F.pad(sums[..., -1], (1, 0)).cumsum(-1)
    return (ratios(whole) @ each.flatten(-2)).unflatten(-1, each.shape[-2:])
