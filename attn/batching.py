"""Pairs of ids to batches: length buckets under a budget of tokens, in an order that resumes."""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from attn.tokenizers import BOS, EOS, PAD

IdPair = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class Batch:
    """Some pairs side by side; sources end with end, targets run from begin to end."""

    source: Int[Tensor, "batch source"]
    target: Int[Tensor, "batch target"]
    tokens: int
    indices: tuple[int, ...]

    @property
    def source_valid(self) -> Bool[Tensor, "batch source"]:
        """Where the source is no padding."""
        return self.source != PAD

    @property
    def inputs(self) -> Int[Tensor, "batch time"]:
        """What the decoder reads."""
        return self.target[:, :-1]

    @property
    def labels(self) -> Int[Tensor, "batch time"]:
        """What it is to say next."""
        return self.target[:, 1:]

    @property
    def padding(self) -> int:
        """How many of the cells are padding."""
        real = int((self.source != PAD).sum()) + self.tokens
        return self.cells - real

    @property
    def cells(self) -> int:
        """Source and label places, padding included."""
        return self.source.numel() + self.labels.numel()

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; the copy does not wait where memory is pinned."""
        if device.type == "cpu":
            return self
        source = self.source.to(device, non_blocking=True)
        target = self.target.to(device, non_blocking=True)
        return Batch(source, target, self.tokens, self.indices)

    def pinned(self) -> "Batch":
        """The batch in memory that a GPU copies from without waiting."""
        return Batch(self.source.pin_memory(), self.target.pin_memory(), self.tokens, self.indices)


class Batches:
    """Cuts the pairs of an epoch into batches of like lengths and puts these into a random order.

    A batch holds at most ``tokens`` places on either side, padding included. The order depends on
    the seed and the epoch alone. Pairs with a side over ``max_length`` tokens are left out.

    Raises:
        ValueError: an option below 1, a budget that does not hold the longest sentence.
    """

    def __init__(self, *, tokens: int = 4096, max_length: int = 256, ahead: int = 4) -> None:
        for name, value in (("tokens", tokens), ("max_length", max_length), ("ahead", ahead)):
            if value < 1:
                raise ValueError(f"{name}={value}: must be at least 1")
        if tokens <= max_length:
            raise ValueError(
                f"tokens={tokens}: must be above max_length={max_length}, "
                "so that the longest sentence fits into a batch"
            )
        self.tokens, self.max_length, self.ahead = tokens, max_length, ahead

    def usable(self, pairs: Sequence[IdPair]) -> tuple[list[int], dict[str, int]]:
        """The pairs to train on, by index, and how many are left out for what reason."""
        kept, empty, long = [], 0, 0
        for index, (source, target) in enumerate(pairs):
            if not source or not target:
                empty += 1
            elif max(len(source), len(target)) > self.max_length:
                long += 1
            else:
                kept.append(index)
        return kept, {"empty": empty, "too_long": long}

    def epoch(
        self, pairs: Sequence[IdPair], *, seed: int, epoch: int, start: int = 0, pin: bool = False
    ) -> Iterator[Batch]:
        """The batches of an epoch from number ``start`` on, made ahead in a thread."""
        groups = self.plan(pairs, seed=seed, epoch=epoch)[start:]
        made = (collate([pairs[i] for i in group], group) for group in groups)
        return ahead((batch.pinned() for batch in made) if pin else made, self.ahead)

    def plan(self, pairs: Sequence[IdPair], *, seed: int, epoch: int) -> list[list[int]]:
        """Which pairs stand together, batch by batch."""
        usable, _ = self.usable(pairs)
        random = np.random.default_rng((seed, epoch))
        order = random.permutation(np.array(usable, dtype=np.int64))
        sources = np.array([len(pairs[i][0]) + 1 for i in order], dtype=np.int64)
        targets = np.array([len(pairs[i][1]) + 1 for i in order], dtype=np.int64)
        by_length = np.lexsort((sources, targets))
        groups = _cut(order[by_length], sources[by_length], targets[by_length], self.tokens)
        return [groups[i] for i in random.permutation(len(groups))]

    def in_order(self, pairs: Sequence[IdPair]) -> list[list[int]]:
        """All pairs in batches of like lengths, for evaluation; nothing is left out."""
        sources = np.array([len(source) + 1 for source, _ in pairs], dtype=np.int64)
        targets = np.array([len(target) + 1 for _, target in pairs], dtype=np.int64)
        by_length = np.lexsort((targets, sources))
        return _cut(by_length, sources[by_length], targets[by_length], self.tokens)


def collate(pairs: Sequence[IdPair], indices: Sequence[int]) -> Batch:
    """Pairs as one batch, padded to the longest."""
    source = _matrix([[*source, EOS] for source, _ in pairs])
    target = _matrix([[BOS, *target, EOS] for _, target in pairs])
    tokens = sum(len(target) + 1 for _, target in pairs)
    return Batch(source, target, tokens, tuple(int(i) for i in indices))


def ahead(items: Iterable[Batch], room: int) -> Iterator[Batch]:
    """The same items, made in a thread up to ``room`` ahead of their use."""
    maker = _Maker(items, room)
    maker.start()
    try:
        while (item := maker.made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        maker.stopped.set()
        maker.join()


class _Maker(threading.Thread):
    """Makes items until they end or nobody wants more; None, or what was raised, comes last."""

    def __init__(self, items: Iterable[Batch], room: int) -> None:
        super().__init__(name="batches", daemon=True)
        self.items = items
        self.made: queue.Queue[Batch | BaseException | None] = queue.Queue(room)
        self.stopped = threading.Event()

    def run(self) -> None:
        """Fill the queue."""
        last: BaseException | None = None
        try:
            for item in self.items:
                self._put(item)
                if self.stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            last = error
        self._put(last)

    def _put(self, item: Batch | BaseException | None) -> None:
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.made.put(item, timeout=0.1)
                return


def _matrix(rows: Sequence[Sequence[int]]) -> Int[Tensor, "rows width"]:
    lengths = np.array([len(row) for row in rows])
    matrix = np.full((len(rows), lengths.max()), PAD, dtype=np.int64)
    matrix[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(rows)
    return torch.from_numpy(matrix)


def _cut(
    order: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    sources: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    targets: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    budget: int,
) -> list[list[int]]:
    """Consecutive groups whose padded sides both stay within the budget; one pair always fits."""
    groups: list[list[int]] = []
    widths = (0, 0)
    for index, source, target in zip(
        order.tolist(), sources.tolist(), targets.tolist(), strict=True
    ):
        wider = (max(widths[0], source), max(widths[1], target))
        if groups and (len(groups[-1]) + 1) * max(wider) <= budget:
            groups[-1].append(index)
            widths = wider
        else:
            groups.append([index])
            widths = (source, target)
    return groups
