"""Activations that are computed again in the backward pass instead of kept for it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_activations(model: nn.Module) -> None:
    """Keep but the input of each layer of both sides; its backward pass computes the rest again.

    Random numbers are drawn again as they were, so that gradients are the same. Chen et al. 2016,
    "Training Deep Nets with Sublinear Memory Cost".
    """
    for side in (model.encoder, model.decoder):
        layers: Any = getattr(side, "layers", side)
        for layer in layers:
            layer.forward = _Recomputed(layer.forward)


class _Recomputed:
    """A forward pass that keeps nothing but what it is given, where gradients are recorded."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.forward = forward

    def __call__(self, *given: Any, **options: Any) -> Any:
        if not torch.is_grad_enabled():
            return self.forward(*given, **options)
        return checkpoint(self.forward, *given, use_reentrant=False, **options)
