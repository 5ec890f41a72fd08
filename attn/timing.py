"""How fast a model trains and translates, and how much memory a step takes, by measurement."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from attn import cost, memory
from attn.batching import Batch
from attn.loss import Loss
from attn.precision import Precision
from attn.search import Decoder
from attn.search.greedy import Greedy
from attn.session import Session
from attn.tokenizers import EOS
from attn.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Speed:
    """What was measured at one length: target tokens a second, and bytes."""

    length: int
    sentences: int
    training: float
    decoding: float
    memory: int


class Endless:
    """A model that never comes to an end, so that every translation is as long as may be."""

    def __init__(self, model: Decoder) -> None:
        self.model, self.room = model, model.room
        self.encode, self.start, self.step = model.encode, model.start, model.step

    def project(self, hidden: Tensor) -> Tensor:
        """The logits, without that of the end."""
        logits = self.model.project(hidden)
        logits[..., EOS] = -torch.inf
        return logits


class Stopwatch:
    """Steps of training and of decoding, on random batches of the same number of tokens."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
    ) -> None:
        self.trainer, self.device = Trainer(), precision.device
        self.session = Session(
            model=model.to(self.device),
            loss=loss,
            optimizer=optimizer,
            schedule=lambda _: 1.0,
            precision=precision,
            epoch=_none,
        )

    def speeds(self, batches: Sequence[Batch], *, repeats: int) -> list[Speed]:
        """What is measured at each length: the median of repeats, which take turns."""
        given = [batch.to(self.device) for batch in batches]
        bytes_ = [self._memory(batch) for batch in given]  # the first step, which warms up
        for batch in given:
            self._decode(batch)
        seconds = [
            [(self._timed(self._train, batch), self._timed(self._decode, batch)) for batch in given]
            for _ in range(repeats)
        ]
        found = []
        for batch, held, times in zip(given, bytes_, zip(*seconds, strict=True), strict=True):
            train, decode = (statistics.median(some) for some in zip(*times, strict=True))
            rows, length = batch.labels.shape
            rates = (batch.tokens / train, batch.tokens / decode)
            found.append(Speed(length, rows, *rates, held))
        return found

    def trained(self, batches: Sequence[Batch]) -> float:
        """The seconds of a step on each of some batches, in all."""
        return sum(self._timed(self._train, batch) for batch in batches)

    def _train(self, batch: Batch) -> None:
        self.session.model.train()
        self.trainer.update(self.session, [batch])

    @torch.no_grad()
    def _decode(self, batch: Batch) -> None:
        model: Any = self.session.model.eval()
        search = Greedy(max_ratio=0.0, max_extra=batch.labels.shape[1])
        with self.session.precision.autocast():
            search(Endless(model), batch.source, batch.source_valid)

    def _memory(self, batch: Batch) -> int:
        self._train(batch)  # so that the optimiser has what it keeps
        self.session.optimizer.zero_grad(set_to_none=True)
        kept = self.session.optimizer.state.values()
        states = [one for state in kept for one in state.values() if isinstance(one, Tensor)]
        with memory.peak(self.device, self.session.model, states) as found:
            self._train(batch)
        return found[0]

    def _timed(self, run: Callable[[Batch], None], batch: Batch) -> float:
        self._wait()
        began = time.perf_counter()
        run(batch)
        self._wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def batches(lengths: Sequence[int], *, tokens: int, vocabulary: int) -> list[Batch]:
    """A random batch of each length, none of more than ``tokens`` tokens a side."""
    return [cost.sentences(tokens // length, length, vocabulary) for length in lengths]


def _none(epoch: int, start: int) -> Iterator[Batch]:  # noqa: ARG001
    return iter(())
