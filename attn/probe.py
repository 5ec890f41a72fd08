"""The budget of tokens of a batch, settled by trial: as many as pay, and as fit into memory."""

import contextlib
import copy
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from attn import memory
from attn.batching import Batch, Batches, IdPair
from attn.precision import is_out_of_memory
from attn.registry import RunError
from attn.session import Session
from attn.trainer import Trainer
from attn.weights import load_weights, weights_of

FIRST = 512  # the budget that is tried first
GAIN = 1.03  # what twice the budget must bring, or it does not pay
FINE = 16  # the most that fits is found up to this share of it
MARGIN = 0.1  # of the most that fits, which is left free
SHARE = 0.5  # of a CPU's free memory that a step may take
REPEATS = 3  # timed steps a budget

Trial = Callable[[int], float | None]  # of a budget: target tokens a second; None: does not fit


@dataclasses.dataclass(frozen=True)
class Budget:
    """The most places of a batch on either side, and why so many."""

    tokens: int
    why: str


def settle(trial: Trial, *, least: int, whole: int) -> Budget:
    """The budget at which twice as many tokens pay no more, or less what fits by a margin.

    ``least`` holds the longest sentence, ``whole`` all pairs at once: more is of no use.

    Raises:
        RunError: not even the least fits.
    """
    tokens, rate = least, trial(least)
    if rate is None:
        raise RunError(
            f"batches.tokens=auto: out of memory with {least} tokens already; try a smaller "
            "batches.max_length or model, or trainer.checkpoint_activations=true"
        )
    while tokens < whole:
        faster = trial(2 * tokens)
        if faster is None:
            most = _most(trial, tokens, 2 * tokens)
            return Budget(
                max(least, int((1 - MARGIN) * most)),
                f"a tenth below {most}, the most that fit into memory",
            )
        if faster < GAIN * rate:
            return Budget(
                tokens,
                f"{rate:.0f} target tokens/s, and {faster:.0f} with {2 * tokens}",
            )
        tokens, rate = 2 * tokens, faster
    return Budget(tokens, "all pairs are one batch")


def _most(trial: Trial, fits: int, fails: int) -> int:
    """The largest budget that fits, nearly, between one that does and one that does not."""
    while fails - fits > max(1, fits // FINE):
        middle = (fits + fails) // 2
        if trial(middle) is None:
            fails = middle
        else:
            fits = middle
    return fits


def probed(session: Session, trainer: Trainer, batches: Batches, pairs: Sequence[IdPair]) -> Budget:
    """The budget for a session that has not begun, and that is left as it was."""
    longest = batches.from_longest(pairs)[0][:1]
    width = batches.batch(pairs, longest).labels.shape[1]
    least = max(FIRST, batches.least)
    with _undone(session):
        trial = _Steps(session, trainer, batches, pairs)
        return settle(trial, least=least, whole=max(least, width * len(pairs)))


class _Steps:
    """Steps of training with batches of a budget, of the longest pairs first.

    No batch takes more memory than theirs; the speed is that with pairs of middle length.
    """

    def __init__(
        self, session: Session, trainer: Trainer, batches: Batches, pairs: Sequence[IdPair]
    ) -> None:
        self.session, self.trainer = session, trainer
        self.batches, self.pairs = batches, pairs
        self.device = session.precision.device
        self.limit = None if self.device.type == "cuda" else _limit()
        self.kept, self.per_token = 0.0, 0.0  # bytes, as the last step had them

    def __call__(self, tokens: int) -> float | None:
        """Target tokens a second; None where memory does not suffice."""
        if self.limit is not None and self.kept + tokens * self.per_token > self.limit:
            return None
        batches = self.batches.settled(tokens)
        groups = batches.from_longest(self.pairs)
        try:
            if not self._fits(batches.batch(self.pairs, groups[0]), tokens):
                return None
            return self._rate(batches.batch(self.pairs, groups[len(groups) // 2]))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        finally:
            self.session.optimizer.zero_grad(set_to_none=True)
            memory.release(self.device)
        return None

    def _fits(self, batch: Batch, tokens: int) -> bool:
        """Whether a step stays within the limit: its second one, with all that is kept."""
        self._step(batch)
        model, every = self.session.model, self.session.optimizer.state.values()
        states = [one for state in every for one in state.values() if isinstance(one, Tensor)]
        with memory.peak(self.device, model, states) as found:
            self._step(batch)
        self.kept = memory.nbytes([*model.parameters(), *states])
        self.per_token = (found[0] - self.kept) / tokens
        return self.limit is None or found[0] <= self.limit

    def _rate(self, batch: Batch) -> float:
        self._step(batch)
        times = [self._timed(batch) for _ in range(REPEATS)]
        return batch.tokens / statistics.median(times)

    def _timed(self, batch: Batch) -> float:
        self.session.precision.wait()
        began = time.perf_counter()
        self._step(batch)
        self.session.precision.wait()
        return time.perf_counter() - began

    def _step(self, batch: Batch) -> None:
        # Of accumulated batches the second has the gradients of the first beside it.
        self.trainer.update(self.session, [batch] * min(2, self.trainer.accumulate))


def _limit() -> float | None:
    free = memory.free()
    return None if free is None else SHARE * free


@contextlib.contextmanager
def _undone(session: Session) -> Iterator[None]:
    """Put back what training changes: weights, optimiser, scaler, generators of random numbers."""
    weights = {name: weight.clone() for name, weight in weights_of(session.model).items()}
    state, training = copy.deepcopy(session.state()), session.model.training
    session.model.train()
    try:
        yield
    finally:
        load_weights(session.model, weights)
        session.restore(state)
        session.model.train(training)
