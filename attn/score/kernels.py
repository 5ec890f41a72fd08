"""Kernels: how the weights of a query's keys and the mean of their values are computed.

All of them give zeros where a query may see nothing.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.attention import flex_attention

KERNELS = ("auto", "explicit", "sdpa", "flex")
UNFUSED = ("auto", "explicit")
CUDA_ALONE = "torch trains it on CUDA alone; choose one of auto, explicit, sdpa"
# On a CPU, explicit products win up to about so many keys: with gradients, and without any
# (experiments/speed/kernels.py).
CPU_EXPLICIT_KEYS, CPU_EXPLICIT_ALONE = 256, 32

Query = Float[Tensor, "batch heads queries dim"]
Key = Float[Tensor, "batch groups keys dim"]
Value = Float[Tensor, "batch groups keys value"]
Mask = Bool[Tensor, "batch 1 queries keys"]
Bias = Float[Tensor, "rows heads queries keys"]
Context = Float[Tensor, "batch heads queries value"]
Weights = Float[Tensor, "batch heads queries keys"]


def products(query: Query, key: Key) -> Weights:
    """``q_i . k_j``; heads that share a key are more queries to it."""
    return _grouped(query, key.transpose(-2, -1))


def mix(weights: Weights, value: Value) -> Context:
    """``sum_j a_ij v_j``; heads that share a value are more queries to it."""
    return _grouped(weights, value)


def _grouped(left: Tensor, right: Tensor) -> Tensor:
    heads, groups = left.shape[1], right.shape[1]
    if heads == groups:
        return torch.matmul(left, right)
    folded = left.reshape(left.shape[0], groups, -1, left.shape[-1])
    return torch.matmul(folded, right).reshape(*left.shape[:3], right.shape[-1])


def visible(mask: Mask) -> Bool[Tensor, "batch 1 queries 1"]:
    """Which queries may see anything at all."""
    return mask.any(-1, keepdim=True)


def sdpa(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask,
    bias: Bias | None,
    *,
    scale: float,
    dropout: float,
    sink: Float[Tensor, " heads"] | None,
) -> Context:
    """Torch's fused kernels; a sink is one more key of zeros, whose score is given."""
    seen: Tensor = mask
    if sink is not None:
        bias = torch.zeros_like(mask, dtype=query.dtype) if bias is None else bias
        ahead = sink[None, :, None, None].expand(len(bias), -1, query.shape[2], 1)
        bias = torch.cat((bias.expand(-1, len(sink), -1, -1), ahead.to(bias.dtype)), -1)
        seen = F.pad(mask, (0, 1), value=True)
        key, value = F.pad(key, (0, 0, 0, 1)), F.pad(value, (0, 0, 0, 1))
    if bias is not None:
        # The most negative number, not -inf: gradients of a row without keys are then no NaN.
        lowest = torch.finfo(query.dtype).min
        seen = bias.to(query.dtype).masked_fill(~seen, lowest)
    elif query.device.type != "cpu":
        # What torch makes of a row without keys there hangs on the kernel that it takes: such a row
        # sees all, and is zeroed below. On a CPU it gives zeros, and gradients of zero.
        seen = seen | ~visible(mask)
    context = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=seen,
        dropout_p=dropout,
        scale=scale,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return context if seen is mask else context * visible(mask)


def flex(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask,
    bias: Bias | None,
    *,
    scale: float,
    sink: Float[Tensor, " heads"] | None,
) -> Context:
    """Torch's flexible kernel; trains on CUDA, elsewhere it runs without gradients only."""
    given = (query, key, value, query if bias is None else bias)
    if not query.is_cuda and torch.is_grad_enabled() and any(x.requires_grad for x in given):
        raise ValueError(f"kernel=flex: {CUDA_ALONE}")
    # Lambdas, for torch counts the parameters, and shape checks wrap functions that have names.
    blocks = flex_attention.create_block_mask(
        lambda b, _h, i, j: mask[b, 0, i, j],
        len(mask),
        None,
        query.shape[2],
        key.shape[2],
        device=str(query.device),
    )
    options: dict[str, Any] = {"scale": scale, "enable_gqa": query.shape[1] != key.shape[1]}
    if bias is not None:
        rows = bias.expand(len(mask), query.shape[1], -1, -1)
        options["score_mod"] = lambda score, b, h, i, j: score + rows[b, h, i, j]
    kernel: Any = _compiled() if query.is_cuda else _eager
    if sink is None:
        plain: Tensor = kernel(query, key, value, block_mask=blocks, **options)
        return plain
    options["return_aux"] = flex_attention.AuxRequest(lse=True)
    context, aux = kernel(query, key, value, block_mask=blocks, **options)
    hidden = ~visible(mask)
    # Rows without keys alone: what is no number elsewhere is to be seen.
    share = torch.sigmoid((aux.lse[..., None] - sink[:, None, None]).masked_fill(hidden, 0))
    return (context * share.to(context.dtype)).masked_fill(hidden, 0)


def _eager(*given: Tensor, **options: Any) -> Any:
    """Flexible attention as it is; torch warns that this is slow, on a CPU it has to do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        kernel: Any = flex_attention.flex_attention
        return kernel(*given, **options)


@functools.cache
def _compiled() -> Callable[..., Any]:
    made: Callable[..., Any] = torch.compile(flex_attention.flex_attention, dynamic=True)
    return made


def choose(kernel: str, query: Tensor, key: Tensor, dropout: float) -> str:
    """The kernel that serves: the one asked for, or for ``auto`` the faster one by measurement.

    On a CPU, the fused kernel is slow for short sequences, for single queries and with dropout.
    """
    if kernel != "auto":
        return kernel
    if query.device.type != "cpu":
        return "sdpa"
    most = CPU_EXPLICIT_KEYS if torch.is_grad_enabled() else CPU_EXPLICIT_ALONE
    short = key.shape[2] <= most or query.shape[2] == 1
    return "explicit" if short or dropout > 0 else "sdpa"
