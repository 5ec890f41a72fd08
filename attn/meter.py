"""What happened since the last report of a training, summed on the device and read at reports."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from attn.batching import Batch


class Meter:
    """Sums over steps, and their means; nothing is read from the device before ``means``.

    A step whose gradient is not finite was skipped: it is counted, and ``row`` tells how many of
    them came one after the other, up to now.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.row = seconds, torch.zeros(())
        self._clear()

    def _clear(self) -> None:
        self.steps, self.tokens, self.cells, self.padding = 0, 0, 0, 0
        self.likelihood, self.norm, self.skipped, self.lost = (torch.zeros(()) for _ in range(4))

    def add(self, batches: Sequence[Batch], likelihood: Tensor, norm: Tensor) -> None:
        """Take a step in."""
        tokens, taken = sum(batch.tokens for batch in batches), norm.isfinite()
        self.steps += 1
        self.tokens += tokens
        self.cells += sum(batch.cells for batch in batches)
        self.padding += sum(batch.padding for batch in batches)
        self.likelihood = self.likelihood.to(norm.device) + torch.where(taken, likelihood, 0.0)
        self.norm = self.norm.to(norm.device) + torch.where(taken, norm, 0.0)
        self.skipped = self.skipped.to(norm.device) + ~taken
        self.lost = self.lost.to(norm.device) + tokens * ~taken
        self.row = torch.where(taken, 0.0, self.row.to(norm.device) + 1)

    def means(self, seconds: float) -> dict[str, float]:
        """The means, given the seconds of training so far; a new period begins."""
        counted, taken = self.tokens - float(self.lost), self.steps - float(self.skipped)
        loss = float(self.likelihood) / counted if counted else math.nan
        means = {
            "loss": loss,
            "perplexity": math.exp(loss if math.isnan(loss) else min(loss, 700.0)),
            "gradient_norm": float(self.norm) / taken if taken else math.nan,
            "skipped": float(self.skipped),
            "tokens_per_second": self.tokens / max(seconds - self.seconds, 1e-9),
            "tokens_per_step": self.tokens / self.steps,
            "padding": self.padding / self.cells,
        }
        self.seconds = seconds
        self._clear()
        return means

    def state(self) -> dict[str, Any]:
        """All sums, for a run that is resumed between two reports."""
        return dict(vars(self))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        vars(self).update(state)
