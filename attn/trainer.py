"""The training loop; it knows neither config nor registry."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from attn.batching import Batch
from attn.loss import Loss
from attn.precision import Precision
from attn.tokenizers import PAD


@dataclasses.dataclass
class Progress:
    """How far a run has come; with the weights and the optimiser, all that resuming needs."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0


@runtime_checkable
class Observer(Protocol):
    """Who is told what happens, and keeps it."""

    def trained(self, step: int, values: Mapping[str, float]) -> None:
        """The means since the last report."""

    def evaluate(self, progress: Progress) -> None:
        """It is time to validate and to save."""


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
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if cuda else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.progress = Progress(**state["progress"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.precision.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None and self.precision.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"])


class Trainer:
    """Minimises the loss by gradient steps, each over ``accumulate`` batches.

    A step's gradient is that of the mean loss per target token over all its batches, however they
    are cut. Training ends after ``steps`` steps, or ``minutes`` of training if that comes first;
    validation does not count.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        *,
        steps: int = 8000,
        minutes: float | None = None,
        accumulate: int = 1,
        clip: float = 1.0,
        log_every: int = 50,
        evaluate_every: int = 500,
        keep_best: int = 3,
        keep_last: int = 1,
        samples: int = 3,
    ) -> None:
        least = {
            "steps": (steps, 1),
            "accumulate": (accumulate, 1),
            "clip": (clip, 0),
            "log_every": (log_every, 1),
            "evaluate_every": (evaluate_every, 1),
            "keep_best": (keep_best, 1),
            "keep_last": (keep_last, 1),
            "samples": (samples, 0),
        }
        for name, (value, bound) in least.items():
            if value < bound:
                raise ValueError(f"{name}={value}: must be at least {bound}")
        if minutes is not None and minutes <= 0:
            raise ValueError(f"minutes={minutes}: must be positive, or null for no limit")
        self.steps, self.minutes = steps, minutes
        self.accumulate, self.clip = accumulate, clip
        self.log_every, self.evaluate_every = log_every, evaluate_every
        self.keep_best, self.keep_last, self.samples = keep_best, keep_last, samples

    def finished(self, progress: Progress) -> bool:
        """Whether nothing is left to do."""
        return self._late(progress) or progress.step >= self.steps

    def _late(self, progress: Progress) -> bool:
        return self.minutes is not None and progress.seconds >= 60 * self.minutes

    def end(self, progress: Progress) -> str:
        """Where a finished training stands, and why it is finished."""
        why = f"minutes={self.minutes}" if self._late(progress) else f"steps={self.steps}"
        return f"finished at step {progress.step} (trainer.{why})"

    def fit(self, session: Session) -> None:
        """Train from where the session is to the end."""
        progress, observer = session.progress, session.observer
        assert observer is not None
        window = Window(progress.seconds)
        session.model.train()
        groups = self._groups(session)
        while not self.finished(progress):
            began = time.perf_counter()
            batches, epoch, at = next(groups)
            likelihood, norm = self.update(session, batches)
            progress.step, progress.epoch, progress.batch = progress.step + 1, epoch, at
            progress.seconds += time.perf_counter() - began
            window.add(batches, likelihood, norm)
            if progress.step % self.log_every == 0 or self.finished(progress):
                rate = session.optimizer.param_groups[0]["lr"]
                observer.trained(
                    progress.step,
                    {"learning_rate": rate, **window.means(progress.seconds)}
                    | {"memory_gib": session.precision.memory()},
                )
            if progress.step % self.evaluate_every == 0 or self.finished(progress):
                observer.evaluate(progress)
                session.model.train()

    def update(self, session: Session, batches: list[Batch]) -> tuple[Tensor, Tensor]:
        """One step of the optimiser: the summed negative log-likelihood, the gradient's norm."""
        factor = session.schedule(session.progress.step + 1)
        for group in session.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        tokens = sum(batch.tokens for batch in batches)
        scaler, likelihood = session.precision.scaler, torch.zeros(())
        session.optimizer.zero_grad(set_to_none=True)
        for batch in batches:
            here = batch.to(session.precision.device)
            with session.precision.autocast():
                hidden = session.model(here.source, here.source_valid, here.inputs)
                smoothed, plain = session.loss(hidden, session.weight, here.labels, PAD)
            scaler.scale(smoothed / tokens).backward()
            likelihood = likelihood.to(plain.device) + plain
        scaler.unscale_(session.optimizer)
        limit = self.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(session.model.parameters(), limit)
        scaler.step(session.optimizer)
        scaler.update()
        return likelihood, norm

    def _groups(self, session: Session) -> Iterator[tuple[list[Batch], int, int]]:
        """The batches of each step, and the epoch and batch that come after them.

        The last step of an epoch takes what is left, so that no step spans two epochs.
        """
        epoch, at = session.progress.epoch, session.progress.batch
        while True:
            group: list[Batch] = []
            for batch in session.epoch(epoch, at):
                group.append(batch)
                at += 1
                if len(group) == self.accumulate:
                    yield group, epoch, at
                    group = []
            if group:
                yield group, epoch, at
            epoch, at = epoch + 1, 0


class Window:
    """Means over the steps since the last report."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._clear()

    def _clear(self) -> None:
        self.steps, self.tokens, self.cells = 0, 0, 0
        self.padding = 0
        self.likelihood, self.norm = torch.zeros(()), torch.zeros(())

    def add(self, batches: list[Batch], likelihood: Tensor, norm: Tensor) -> None:
        """Take a step in; nothing is read from the device."""
        self.steps += 1
        self.tokens += sum(batch.tokens for batch in batches)
        self.cells += sum(batch.cells for batch in batches)
        self.padding += sum(batch.padding for batch in batches)
        self.likelihood = self.likelihood.to(likelihood.device) + likelihood
        self.norm = self.norm.to(norm.device) + norm

    def means(self, seconds: float) -> dict[str, float]:
        """The means, given the seconds of training so far; the next window begins."""
        loss = float(self.likelihood) / self.tokens
        means = {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            "gradient_norm": float(self.norm) / self.steps,
            "tokens_per_second": self.tokens / max(seconds - self.seconds, 1e-9),
            "tokens_per_step": self.tokens / self.steps,
            "padding": self.padding / self.cells,
        }
        self.seconds = seconds
        self._clear()
        return means
