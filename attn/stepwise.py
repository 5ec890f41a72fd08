"""Weights by which many steps multiply: the gradient is one product over all steps."""

import torch
from jaxtyping import Float
from torch import Tensor

from attn.precision import product_format

Seen = list[tuple[Tensor, Tensor]]


class Stepwise:
    """``x W^T`` at one step after the other.

    Autograd would make a gradient of the whole weight at each step and add them up, which is more
    memory traffic than all else a step does. Here inputs and gradients are put aside in the
    backward pass, and ``sum_t g_t^T x_t`` is one product once all steps are through.
    """

    def __init__(self, weight: Float[Tensor, "out in"]) -> None:
        self._seen = _Tape()
        self._weight: Tensor = (
            _Gathered.apply(weight, self._seen)  # type: ignore[no-untyped-call]
            if torch.is_grad_enabled()
            else weight.to(product_format(weight))
        )

    def __call__(self, x: Float[Tensor, "rows in"]) -> Float[Tensor, "rows out"]:
        """The product of one step."""
        x = x.to(self._weight.dtype)
        if not torch.is_grad_enabled():
            return x @ self._weight.t()
        y: Tensor = _Multiplied.apply(x, self._weight, self._seen)  # type: ignore[no-untyped-call]
        return y


class _Tape:
    """What the steps of one backward pass have seen; that of an earlier one is forgotten."""

    def __init__(self) -> None:
        self._task, self._seen = -1, Seen()

    def add(self, x: Tensor, gradient: Tensor) -> None:
        task = torch._C._current_graph_task_id()  # as torch.utils.checkpoint
        if task != self._task:
            self._task, self._seen = task, []
        self._seen.append((x, gradient))

    def take(self) -> Seen:
        seen, self._seen = self._seen, []
        return seen


class _Gathered(torch.autograd.Function):
    """The weight in the format of products; its gradient is made of what the steps put aside."""

    @staticmethod
    def forward(ctx, weight: Tensor, tape: _Tape) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001
        ctx.tape, ctx.format = tape, weight.dtype
        ctx.set_materialize_grads(False)
        return weight.to(product_format(weight), copy=True, memory_format=torch.contiguous_format)

    @staticmethod
    def backward(ctx, _: Tensor | None) -> tuple[Tensor | None, None]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        seen = ctx.tape.take()
        if not seen:
            return None, None
        inputs, gradients = (torch.cat(parts) for parts in zip(*seen, strict=True))
        return (gradients.t() @ inputs).to(ctx.format), None


class _Multiplied(torch.autograd.Function):
    """One step's product, which leaves the gradient of the weight to ``_Gathered``."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, tape: _Tape) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001
        ctx.save_for_backward(x, weight)
        ctx.tape = tape
        return x @ weight.t()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, None, None]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        x, weight = ctx.saved_tensors
        ctx.tape.add(x, gradient)
        return gradient @ weight if ctx.needs_input_grad[0] else None, None, None
