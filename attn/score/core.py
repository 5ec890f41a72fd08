"""The core: queries, keys and values by head in, the context of each query out."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from attn.dropout import Dropout
from attn.precision import at_least_float32
from attn.score import kernels
from attn.score.attended import attended
from attn.score.kernels import Bias, Context, Key, Mask, Query, Value, Weights
from attn.score.normalisers import Softmax

FUSED = kernels.KERNELS[2:]


class Core(nn.Module):
    """``sum_j a_ij v_j``, ``a = normaliser(score(q, k) + bias)``, over the keys the mask allows.

    ``before`` and ``after`` map the scores and the weights of all heads at once. Each part says in
    ``fault`` why no fused kernel can serve it, and nothing if one can.

    Raises:
        ValueError: a kernel that does not exist or cannot serve, a dropout rate out of range.
    """

    def __init__(
        self,
        *,
        score: nn.Module,
        normaliser: nn.Module | None = None,
        before: nn.Module | None = None,
        after: nn.Module | None = None,
        dropout: float,
        kernel: str,
    ) -> None:
        super().__init__()
        self.score: Any = score
        self.kernel = kernel
        self.normaliser: Any = Softmax() if normaliser is None else normaliser
        self.before, self.after = before, after
        self.dropout = Dropout(dropout)
        if kernel not in kernels.KERNELS:
            choices = ", ".join(kernels.KERNELS)
            raise ValueError(f"kernel={kernel}: unknown; choose one of {choices}")
        parts = (self.score, self.normaliser, before, after)
        self.faults = [str(part.fault) for part in parts if part is not None and part.fault]
        self.require()
        if kernel == "flex" and dropout > 0:
            raise ValueError(
                f"dropout={dropout}: must be 0 with kernel=flex, which drops no weights"
            )

    def require(self, *more: str) -> None:
        """Refuse a fused kernel that cannot serve; ``more`` are reasons from outside."""
        self.faults += more
        if self.faults and self.kernel in FUSED:
            raise ValueError(
                f"kernel={self.kernel}: cannot serve, for {' and '.join(self.faults)}; "
                f"choose one of {', '.join(kernels.UNFUSED)}"
            )

    def forward(
        self,
        query: Query,
        key: Key,
        value: Value,
        mask: Mask,
        bias: Bias | None = None,
        more: Callable[[Tensor], Tensor] | None = None,
    ) -> Context:
        """The context; zeros for a query that may see nothing.

        ``more`` gives what is added to the context, from the weights that are used.
        """
        rate = self.dropout.rate if self.training else 0.0
        kernel = "explicit" if self.faults else kernels.choose(self.kernel, query, key, rate)
        if kernel == "explicit" and more is None and self._is_written_out(query):
            left, right, scale = self.score.as_dot(query, key)
            return attended(left, right, value, mask, bias, scale=scale, dropout=rate)
        if kernel == "explicit":
            used = self.dropout(self._weights(query, key, mask, bias).to(value.dtype))
            context = kernels.mix(used, value)
            if more is not None:
                context = context + more(used)
            return context * kernels.visible(mask)
        left, right, scale = self.score.as_dot(query, key)
        sink = self.normaliser.sink()
        if kernel == "flex":
            return kernels.flex(left, right, value, mask, bias, scale=scale, sink=sink)
        return kernels.sdpa(left, right, value, mask, bias, scale=scale, dropout=rate, sink=sink)

    def _is_written_out(self, query: Query) -> bool:
        """Whether a gradient is wanted that is written out, for a CPU: that of plain softmax.

        A compiler fuses what it sees by itself.
        """
        plain = not self.faults and type(self.normaliser) is Softmax
        eager = query.device.type == "cpu" and not torch.compiler.is_compiling()
        return plain and eager and torch.is_grad_enabled()

    @torch.no_grad()
    def weights(self, query: Query, key: Key, mask: Mask, bias: Bias | None = None) -> Weights:
        """The weights before dropout, in float32, whatever the kernel and the format."""
        wide = at_least_float32(query.dtype)
        with torch.autocast(query.device.type, enabled=False):
            bias = None if bias is None else bias.to(wide)
            return self.attend(query.to(wide), key.to(wide), mask, bias).float()

    def attend(self, query: Query, key: Key, mask: Mask, bias: Bias | None = None) -> Weights:
        """The weights, product by product; zeros for a query that may see nothing."""
        return self._weights(query, key, mask, bias) * kernels.visible(mask)

    def _weights(self, query: Query, key: Key, mask: Mask, bias: Bias | None) -> Weights:
        scores = self.score(query, key)
        scores = scores.to(at_least_float32(scores.dtype))
        if bias is not None:
            scores = scores + bias
        if self.before is not None:
            scores = self.before(scores)
        weights: Tensor = self.normaliser(scores, mask)
        return weights if self.after is None else self.after(weights)


@contextlib.contextmanager
def explicit(model: nn.Module) -> Iterator[None]:
    """Every core of a model computes product by product, whatever kernel was asked for."""
    cores = [one for one in model.modules() if isinstance(one, Core)]
    before = [core.kernel for core in cores]
    try:
        for core in cores:
            core.kernel = "explicit"
        yield
    finally:
        for core, kernel in zip(cores, before, strict=True):
            core.kernel = kernel
