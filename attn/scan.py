"""Causal sums of key-value products, by chunks of tokens, not token by token."""

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
    It is consumed: where no gradients are recorded, the last ``S`` takes its place in memory.
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
        if total is None and time <= size:
            return mixed.flatten(2, 3), None
        kept = None
        if sums is not None:
            kept = sums[..., -1].exp()[..., None, None]
            q = q * sums.exp()[..., None]
            k = k * (sums[..., -1:] - sums).exp()[..., None]
        first = k.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1]) if total is None else total
        chunks = [first.to(wide)]
        for number in range(k.shape[2] - 1):
            chunks.append(_grown(chunks[-1], k, v, kept, number))
        before = torch.stack(chunks, 2) if len(chunks) > 1 else chunks[0][:, :, None]
        mixed = (mixed + q @ before).flatten(2, 3)[:, :, :time]
        return mixed, None if total is None else _grown(chunks[-1], k, v, kept, -1)


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
    return (sums[..., :, None] - sums[..., None, :]).masked_fill_(later, -torch.inf).exp_()


def _cut(x: Tensor, size: int) -> Tensor:
    """Time in chunks, the last one filled up with zeros: (batch, heads, chunks, size, ...)."""
    missing = -x.shape[2] % size
    if missing:
        x = F.pad(x, (0, 0) * (x.dim() - 3) + (0, missing))
    return x.unflatten(2, (-1, size))


def _causal(products: Tensor, sums: Tensor | None) -> Tensor:
    return products.tril() if sums is None else products * ratios(sums)


def _grown(total: Tensor, key: Tensor, value: Tensor, kept: Tensor | None, number: int) -> Tensor:
    """``S`` after a chunk; after the last one (-1) written in place, unless gradients are recorded.

    A state is large beside a token, and new memory costs more than the sum.
    """
    reused = number == -1 and not torch.is_grad_enabled()
    if kept is not None:
        fading = kept[:, :, number]
        total = total.mul_(fading) if reused else total * fading
    parts = (x[:, :, number].flatten(0, 1) for x in (key.transpose(-2, -1), value))
    flat = total.flatten(0, 1)
    grown = flat.baddbmm_(*parts) if reused else torch.baddbmm(flat, *parts)
    return grown.unflatten(0, total.shape[:2])
