"""The training loop; it knows neither config nor registry."""

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from attn import compiling
from attn.batching import Batch
from attn.precision import is_out_of_memory
from attn.registry import RunError
from attn.session import Progress, Session
from attn.tokenizers import PAD

EMPTY_EPOCHS = 100  # in a row, after which no batch is expected any more
METRICS = ("BLEU", "chrF", "TER", "loss")


class Trainer:
    """Minimises the loss by gradient steps, each over ``accumulate`` batches.

    A step's gradient is that of the mean loss per target token over all its batches, however they
    are cut. Training ends after ``steps`` steps, or ``minutes`` of training if that comes first
    (validation does not count), or when ``patience`` validations in a row brought no better
    ``metric``. A step whose loss or gradient is not finite changes nothing and is counted;
    ``max_skipped`` of them in a row end the run.

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
        metric: str = "BLEU",
        patience: int | None = None,
        max_skipped: int = 20,
        compile: str = "off",
        checkpoint_activations: bool = False,
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
            "patience": (1 if patience is None else patience, 1),
            "max_skipped": (max_skipped, 1),
        }
        for name, (value, bound) in least.items():
            if value < bound:
                raise ValueError(f"{name}={value}: must be at least {bound}")
        if metric not in METRICS:
            raise ValueError(f"metric={metric}: unknown; choose one of {', '.join(METRICS)}")
        compiling.check(compile)
        if minutes is not None and minutes <= 0:
            raise ValueError(f"minutes={minutes}: must be positive, or null for no limit")
        self.steps, self.minutes = steps, minutes
        self.accumulate, self.clip = accumulate, clip
        self.log_every, self.evaluate_every = log_every, evaluate_every
        self.keep_best, self.keep_last, self.samples = keep_best, keep_last, samples
        self.metric, self.patience, self.max_skipped = metric, patience, max_skipped
        self.compile, self.checkpoint_activations = compile, checkpoint_activations

    def finished(self, progress: Progress) -> bool:
        """Whether nothing is left to do."""
        return self.end(progress) is not None

    def end(self, progress: Progress) -> str | None:
        """Why a training is finished, if it is."""
        reasons = {
            f"patience={self.patience}": progress.stale >= (self.patience or math.inf),
            f"minutes={self.minutes}": progress.seconds >= 60 * (self.minutes or math.inf),
            f"steps={self.steps}": progress.step >= self.steps,
        }
        why = next((option for option, holds in reasons.items() if holds), None)
        return why and f"finished at step {progress.step} (trainer.{why})"

    def fit(self, session: Session) -> None:
        """Train from where the session is to the end, or until it is to stop."""
        progress, observer = session.progress, session.observer
        assert observer is not None
        session.model.train()
        groups = self._groups(session)
        if self.finished(progress) and progress.best == -math.inf:  # stopped before it was judged
            self._judge(progress, observer.evaluate(progress))
        while not self.finished(progress) and not session.stop():
            began = time.perf_counter()
            batches, epoch, at = next(groups)
            likelihood, norm = self._explained(session, batches)
            progress.step, progress.epoch, progress.batch = progress.step + 1, epoch, at
            if progress.step % self.log_every == 0:
                session.precision.wait()  # a GPU lags behind, and its time is to be counted
            progress.seconds += time.perf_counter() - began
            session.meter.add(batches, likelihood, norm)
            self._give_up(session, batches)
            if progress.step % self.log_every == 0 or self.finished(progress):
                observer.trained(progress.step, self._figures(session))
            if progress.step % self.evaluate_every == 0 or self.finished(progress):
                self._judge(progress, observer.evaluate(progress))
                observer.save(progress)
                session.model.train()
        observer.save(progress)

    def _figures(self, session: Session) -> dict[str, float]:
        """What is reported of the steps since the last report."""
        return {
            "learning_rate": session.optimizer.param_groups[0]["lr"],
            **session.meter.means(session.progress.seconds),
            "memory_gib": session.precision.memory(),
            "minutes": session.progress.seconds / 60,
        }

    def _judge(self, progress: Progress, score: float) -> None:
        """Remember the best score, and for how long there was none better."""
        better = score > progress.best  # what is not a number never is
        progress.best = score if better else progress.best
        progress.stale = 0 if better else progress.stale + 1

    def update(self, session: Session, batches: list[Batch]) -> tuple[Tensor, Tensor]:
        """One step of the optimiser: the summed negative log-likelihood, the gradient's norm.

        Neither is read from the device. A norm that is not finite leaves the weights as they are.
        """
        factor = session.schedule(session.progress.step + 1)
        for group in session.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        tokens = sum(batch.tokens for batch in batches)
        device, scaler = session.precision.device, session.precision.scaler
        likelihood = torch.zeros((), device=device)
        session.optimizer.zero_grad(set_to_none=True)
        for batch in batches:
            here = batch.to(device)
            with session.precision.autocast():
                hidden = session.model(here.source, here.source_valid, here.inputs)
                smoothed, plain = session.loss(hidden, session.weight, here.labels, PAD)
            scaler.scale(smoothed / tokens).backward()
            likelihood = likelihood + plain
        scaler.unscale_(session.optimizer)
        weights = list(session.model.parameters())
        norm = get_total_norm([weight.grad for weight in weights if weight.grad is not None])
        # What is not finite is not scaled, so that it can be told where it began.
        finite = torch.where(norm.isfinite(), norm, 0.0)
        clip_grads_with_norm_(weights, self.clip or math.inf, finite)
        session.precision.step(session.optimizer, norm)
        return likelihood, norm

    def _explained(self, session: Session, batches: list[Batch]) -> tuple[Tensor, Tensor]:
        """One step; if memory does not suffice, what was too large and what to try."""
        try:
            return self.update(session, batches)
        except (RuntimeError, MemoryError) as error:
            if compiling.is_failure(error):
                raise RunError(compiling.told(error)) from error
            if not is_out_of_memory(error):
                raise
            largest = max(batches, key=lambda batch: batch.cells)
            budget = max(batch.cells for batch in batches) // 4
            raise RunError(
                f"step {session.progress.step + 1}: out of memory, with a batch of "
                f"{tuple(largest.source.shape)} source and {tuple(largest.labels.shape)} target "
                f"tokens; try batches.tokens={budget} trainer.accumulate={2 * self.accumulate}"
            ) from error

    def _give_up(self, session: Session, batches: list[Batch]) -> None:
        """End a run of which too many steps in a row were skipped; a GPU is asked at reports."""
        step, cpu = session.progress.step, session.precision.device.type == "cpu"
        if not cpu and step % self.log_every and not self.finished(session.progress):
            return
        skipped = int(session.meter.row)
        if skipped < min(self.max_skipped, self.steps):
            return
        named = session.model.named_parameters()
        broken = [name for name, weight in named if not _is_finite(weight.grad)]
        pairs = ", ".join(map(str, batches[-1].indices[:5]))
        others = {
            "trainer.clip=1.0": not self.clip,
            "precision.dtype=fp32": session.precision.format != "fp32",
        }
        ways = ["a lower optimizer.learning_rate", *(way for way, open_ in others.items() if open_)]
        raise RunError(
            f"step {step}: the gradient was not finite in {skipped} steps one after the "
            f"other, here in {len(broken)} weights, {', '.join(broken[:3])} among them, with a "
            f"batch of {tuple(batches[-1].labels.shape)} target tokens (pairs {pairs}, ...); try "
            f"{' or '.join(ways)}"
        )

    def _groups(self, session: Session) -> Iterator[tuple[list[Batch], int, int]]:
        """The batches of each step, and the epoch and batch that come after them.

        The last step of an epoch takes what is left, so that no step spans two epochs.
        """
        epoch, at = session.progress.epoch, session.progress.batch
        empty = 0  # epochs in a row
        while empty < EMPTY_EPOCHS:
            empty += 1
            group: list[Batch] = []
            for batch in session.epoch(epoch, at):
                group.append(batch)
                at, empty = at + 1, 0
                if len(group) == self.accumulate:
                    yield group, epoch, at
                    group = []
            if group:
                yield group, epoch, at
            epoch, at = epoch + 1, 0
        raise RunError(
            f"{EMPTY_EPOCHS} epochs in a row held no batch; raise dataset.weights, so that pairs "
            "are drawn, or batches.max_length"
        )


def _is_finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(gradient.isfinite().all())
