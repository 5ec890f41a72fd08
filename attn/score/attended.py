"""Attention product by product, with its gradient written out, for training on a CPU."""

import torch
from jaxtyping import Int16
from torch import Tensor

from attn.dropout import drop, lanes
from attn.precision import at_least_float32, product_format
from attn.score.kernels import Bias, Context, Key, Mask, Query, Value, visible


def attended(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask,
    bias: Bias | None,
    *,
    scale: float,
    dropout: float,
) -> Context:
    """``drop(softmax(scale q k^T + bias)) v`` over the keys the mask allows, zeros if none.

    Heads that share a key are more queries to it. Scores and weights are in float32 at least. Of
    all that is made in between, the gradient keeps the weights and which of them were dropped; each
    tensor is gone through as seldom as can be.
    """
    query, key, value = (x.to(product_format(x)) for x in (query, key, value))
    wide = at_least_float32(query.dtype)
    terms = torch.zeros(1, 1, 1, 1, dtype=wide) if bias is None else bias.to(wide)
    addend = terms.masked_fill(~mask, torch.finfo(wide).min)
    kept, factor = None, 1.0
    if dropout > 0:
        kept, factor = lanes(torch.Size((*query.shape[:3], key.shape[2])), dropout)
    context: Tensor = _Attended.apply(  # type: ignore[no-untyped-call]
        query, key, value, addend, scale, kept, factor
    )
    seen = visible(mask)
    return context if bool(seen.all()) else context * seen


class _Attended(torch.autograd.Function):
    """The products of batches and heads are those of one list of matrices."""

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        query: Tensor,
        key: Tensor,
        value: Tensor,
        addend: Tensor,
        scale: float,
        kept: Int16[Tensor, "batch heads queries keys"] | None,
        factor: float,
    ) -> Tensor:
        rows, heads, queries, _ = query.shape
        groups = rows * key.shape[1]
        with torch.autocast("cpu", enabled=False):
            # Scaled while they are copied, and before the product: short formats do not overflow.
            q = torch.mul(query, scale, out=torch.empty(query.shape, dtype=query.dtype))
            q, k, v = q.view(groups, -1, q.shape[-1]), key.flatten(0, 1), value.flatten(0, 1)
            scores = torch.bmm(q, k.mT).to(at_least_float32(q.dtype))
            scores = scores.view(rows, heads, queries, -1).add_(addend)
            weights = torch.softmax(scores, -1, out=scores)
            used = _list(_dropped(weights, kept, factor).to(v.dtype), groups)
            context = torch.bmm(used, v).view(rows, heads, queries, -1)
        ctx.save_for_backward(q, k, v, weights, kept)
        ctx.scale, ctx.factor, ctx.addend = scale, factor, addend.shape
        return context

    @staticmethod
    def backward(  # type: ignore[no-untyped-def]
        ctx,  # noqa: ANN001
        grad: Tensor,
    ) -> tuple[Tensor | None, ...]:
        q, k, v, weights, kept = ctx.saved_tensors
        groups, rows = len(k), len(weights)
        with torch.autocast("cpu", enabled=False):
            grad = _list(grad, groups)
            used = _list(_dropped(weights, kept, ctx.factor).to(v.dtype), groups)
            grad_value = torch.bmm(used.mT, grad)
            grad_used = torch.bmm(grad, v.mT).view(weights.shape).to(weights.dtype)
            grad_score = torch._softmax_backward_data(
                _dropped(grad_used, kept, ctx.factor), weights, -1, weights.dtype
            )
            short = _list(grad_score.to(q.dtype), groups)
            grad_query = torch.bmm(short, k).mul_(ctx.scale).view(*weights.shape[:3], -1)
            grad_key = torch.bmm(short.mT, q)
            grad_addend = grad_score.sum_to_size(ctx.addend) if ctx.needs_input_grad[3] else None
        grad_key, grad_value = (x.unflatten(0, (rows, -1)) for x in (grad_key, grad_value))
        return grad_query, grad_key, grad_value, grad_addend, None, None, None


def _list(x: Tensor, groups: int) -> Tensor:
    """The matrices of all batches and groups of heads, one behind the other."""
    return x.reshape(groups, -1, x.shape[-1])


def _dropped(x: Tensor, kept: Tensor | None, factor: float) -> Tensor:
    return x if kept is None else drop(x, kept, factor)
