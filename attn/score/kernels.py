"""Kernels: how softmax(scale * q k^T) v is computed, given what each query may see.

All of them give zeros where a query may see nothing.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from attn.precision import at_least_float32

KERNELS = ("auto", "explicit", "sdpa")
# On a CPU, explicit products win in training up to about this many keys (experiments/speed).
CPU_EXPLICIT_KEYS = 256

Query = Float[Tensor, "batch heads queries dim"]
Key = Float[Tensor, "batch heads keys dim"]
Value = Float[Tensor, "batch heads keys value"]
Mask = Bool[Tensor, "batch 1 queries keys"]
Context = Float[Tensor, "batch heads queries value"]
Weights = Float[Tensor, "batch heads queries keys"]


def weights(query: Query, key: Key, mask: Mask, scale: float) -> Weights:
    """``softmax_j(scale * q_i . k_j)`` over the keys a query may see, in float32 at least.

    The query is scaled first, so that products of short formats do not overflow.
    """
    scores = torch.matmul(query * scale, key.transpose(-2, -1))
    scores = scores.to(at_least_float32(scores.dtype))
    # The most negative number, not -inf: a query that may see nothing then gives no NaN.
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return torch.softmax(scores, -1)


def visible(mask: Mask) -> Bool[Tensor, "batch 1 queries 1"]:
    """Which queries may see anything at all."""
    return mask.any(-1, keepdim=True)


def explicit(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask,
    *,
    scale: float,
    dropout: Callable[[Tensor], Tensor],
) -> Context:
    """The formula as it is written, the softmax in float32."""
    mixed = dropout(weights(query, key, mask, scale).to(value.dtype))
    return torch.matmul(mixed, value) * visible(mask)


def sdpa(
    query: Query, key: Key, value: Value, mask: Mask, *, scale: float, dropout: float
) -> Context:
    """Torch's fused kernels."""
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout, scale=scale
    )


def choose(kernel: str, query: Tensor, key: Tensor, dropout: float) -> str:
    """The kernel that serves: the one asked for, or for ``auto`` the faster one by measurement.

    On a CPU, the fused kernel is slow for short sequences, for single queries and with dropout.
    """
    if kernel != "auto":
        return kernel
    if query.device.type != "cpu":
        return "sdpa"
    short = key.shape[2] <= CPU_EXPLICIT_KEYS or query.shape[2] == 1
    return "explicit" if short or dropout > 0 else "sdpa"
