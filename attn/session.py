"""What is trained, how far it has come, and who watches."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from attn.batching import Batch
from attn.loss import Loss
from attn.meter import Meter
from attn.precision import Precision


@dataclasses.dataclass
class Progress:
    """How far a run has come; with the weights and the optimiser, all that resuming needs.

    ``batch`` is the next one of the epoch, ``stale`` counts validations since the best score.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best: float = -math.inf
    stale: int = 0


@runtime_checkable
class Observer(Protocol):
    """Who is told what happens, and keeps it."""

    def trained(self, step: int, values: Mapping[str, float]) -> None:
        """The means since the last report."""

    def evaluate(self, progress: Progress) -> float:
        """It is time to validate; the score, the higher the better."""

    def save(self, progress: Progress) -> None:
        """It is time to save, with the score of this step if there is one."""


@dataclasses.dataclass
class Session:
    """What is trained, on what, and who watches."""

    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    schedule: Callable[[int], float]
    precision: Precision
    epoch: Callable[[int, int], Iterator[Batch]]
    observer: Observer | None = None
    progress: Progress = dataclasses.field(default_factory=Progress)
    meter: Meter = dataclasses.field(default_factory=Meter)
    stop: Callable[[], bool] = bool

    def __post_init__(self) -> None:
        """Keep the rates that the schedule multiplies."""
        for group in self.optimizer.param_groups:
            group.setdefault("peak", group["lr"])

    @property
    def weight(self) -> Tensor:
        """The output projection's matrix."""
        weight = self.model.output_weight
        assert isinstance(weight, Tensor)
        return weight

    def state(self) -> dict[str, Any]:
        """All but the weights that resuming needs, as tensors and plain values."""
        cuda = self.precision.device.type == "cuda"
        return {
            "progress": dataclasses.asdict(self.progress),
            "meter": self.meter.state(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if cuda else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.progress = Progress(**state["progress"])
        self.meter.restore(state["meter"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.precision.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None and self.precision.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"])
