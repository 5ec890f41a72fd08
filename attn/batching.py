"""Pairs of ids to batches: length buckets under a budget of tokens, in an order that resumes."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from attn.tokenizers import BOS, EOS, PAD

AUTO = "auto"
BUDGET = 4096

FEW = 1024  # places that are worth a process of their own
EVALUATED = 4096  # places of a batch that is read whole, without gradients
SEARCHED = 8192  # of one that is searched: 4096 take a quarter longer (experiments/speed/notes.md)
ROW = 8  # places that the shortest sentence counts for, since its logits have a row as all others
IdPair = tuple[Sequence[int], Sequence[int]]
Indices = Int64[np.ndarray, " _"]
Count = TypeVar("Count", int, Indices)


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
    the seed and the epoch alone. Pairs with a side over ``max_length`` tokens are left out. Both
    widths of a batch are multiples of ``multiple``: few shapes, and such as a GPU likes.
    ``tokens=auto`` is settled by a probe for training; evaluation takes the default.

    Raises:
        ValueError: an option below 1, a budget that does not hold the longest sentence.
    """

    def __init__(
        self,
        *,
        tokens: int | str = BUDGET,
        max_length: int = 256,
        multiple: int = 1,
        ahead: int = 4,
    ) -> None:
        self.automatic = tokens == AUTO
        if isinstance(tokens, str) and not self.automatic:
            raise ValueError(f"tokens={tokens}: must be a whole number, or auto")
        self.max_length, self.multiple, self.ahead = max_length, multiple, ahead
        self.tokens = BUDGET if isinstance(tokens, str) else tokens
        for name in ("tokens", "max_length", "multiple", "ahead"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name}={value}: must be at least 1")
        if self.automatic:
            return
        if self.tokens <= max_length:
            raise ValueError(
                f"tokens={tokens}: must be above max_length={max_length}, "
                "so that the longest sentence fits into a batch"
            )
        if self.tokens < self.least:
            raise ValueError(
                f"tokens={tokens}: must be at least {self.least}, so that a sentence of "
                f"max_length={max_length}, padded to multiple={multiple}, fits into a batch"
            )

    @property
    def least(self) -> int:
        """The smallest budget that holds the longest sentence and its end."""
        return _up(self.max_length + 1, self.multiple)

    def settled(self, tokens: int) -> "Batches":
        """The same with another budget."""
        return Batches(
            tokens=tokens, max_length=self.max_length, multiple=self.multiple, ahead=self.ahead
        )

    def usable(self, pairs: Sequence[IdPair]) -> tuple[list[int], dict[str, int]]:
        """The pairs to train on, by index, and how many are left out for what reason."""
        kept, counts = self._usable(_Side.of(p[0] for p in pairs), _Side.of(p[1] for p in pairs))
        return kept.tolist(), counts

    def epoch(
        self,
        pairs: Sequence[IdPair],
        *,
        seed: int,
        epoch: int,
        start: int = 0,
        pin: bool = False,
        weights: Sequence[float] | None = None,
    ) -> Iterator[Batch]:
        """The batches of an epoch from number ``start`` on, each made when it is asked for.

        A pair of weight w comes w times, on the mean: the whole part always, the rest by chance.
        """
        source, target = _Side.of(p[0] for p in pairs), _Side.of(p[1] for p in pairs)
        for group in self._plan(source, target, (seed, epoch), weights)[start:]:
            batch = _batch(source, target, group, group.tolist(), self.multiple)
            yield batch.pinned() if pin else batch

    def mean_tokens(
        self, pairs: Sequence[IdPair], *, weights: Sequence[float] | None = None
    ) -> float:
        """The target tokens of a batch, ends included, on the mean over an epoch."""
        source, target = _Side.of(p[0] for p in pairs), _Side.of(p[1] for p in pairs)
        groups = self._plan(source, target, (1, 1), weights)
        tokens = sum(int((target.lengths[group] + 1).sum()) for group in groups)
        return tokens / max(1, len(groups))

    def in_order(
        self, pairs: Sequence[IdPair], *, least: int = EVALUATED, rows: int = 1, workers: int = 1
    ) -> list[list[int]]:
        """All pairs in batches of like lengths, for evaluation; nothing is left out.

        Each pair counts ``rows`` times, as the hypotheses of a search do. A batch may have as many
        places as one of training, or ``least`` if that is more. For several ``workers`` all are
        about equally large, and so many, where that is worth it, that each has as many of them.
        """
        source, target = (_Side.of(p[side] for p in pairs).lengths + 1 for side in (0, 1))
        order = np.lexsort((target, source))
        source, target = np.maximum(source, ROW), np.maximum(target, ROW)
        places = int(np.maximum(source, target).sum())
        most = max(self.tokens, least) // rows
        groups = _cut(order, source, target, most)
        count = max(len(groups), min(_up(len(groups), workers), places * rows // FEW))
        if workers > 1 < count:
            budget = places // count
            while len(groups := _cut(order, source, target, budget)) > count:
                budget = min(most, budget + budget // 50 + 1)
        return [group.tolist() for group in groups]

    def from_longest(self, pairs: Sequence[IdPair]) -> list[list[int]]:
        """The pairs to train on in batches by length, the longest first: all full but the last."""
        source, target = (_Side.of(p[side] for p in pairs) for side in (0, 1))
        sources, targets = (_up(side.lengths + 1, self.multiple) for side in (source, target))
        usable = self._usable(source, target)[0]
        order = usable[np.argsort(-np.maximum(sources, targets)[usable], kind="stable")]
        return [group.tolist() for group in _cut(order, sources, targets, self.tokens)]

    def batch(self, pairs: Sequence[IdPair], group: Sequence[int]) -> Batch:
        """Some of the pairs as a batch of training."""
        return collate([pairs[i] for i in group], group, self.multiple)

    def _usable(self, source: "_Side", target: "_Side") -> tuple[Indices, dict[str, int]]:
        empty = np.minimum(source.lengths, target.lengths) == 0
        long = ~empty & (np.maximum(source.lengths, target.lengths) > self.max_length)
        counts = {"empty": int(empty.sum()), "too_long": int(long.sum())}
        return np.flatnonzero(~empty & ~long), counts

    def _plan(
        self,
        source: "_Side",
        target: "_Side",
        seeds: tuple[int, int],
        weights: Sequence[float] | None,
    ) -> list[Indices]:
        """Groups of pairs whose longer sides are alike, then the differences of their sides.

        These go up and down by turns, so that neighbours are alike where the longer side grows.
        """
        random = np.random.default_rng(seeds)
        usable = self._usable(source, target)[0]
        if weights is not None:
            times, chance = np.divmod(np.asarray(weights)[usable], 1)
            usable = np.repeat(usable, (times + (random.random(len(usable)) < chance)).astype(int))
        order = random.permutation(usable)
        sources, targets = (_up(side.lengths + 1, self.multiple) for side in (source, target))
        longer, more = np.maximum(sources, targets)[order], (sources - targets)[order]
        order = order[np.lexsort((np.where(longer % 2, -more, more), longer))]
        groups = _cut(order, sources, targets, self.tokens)
        return [groups[i] for i in random.permutation(len(groups))]


def collate(pairs: Sequence[IdPair], indices: Sequence[int], multiple: int = 1) -> Batch:
    """Pairs as one batch, padded to the longest, and on to a multiple."""
    source, target = _Side.of(p[0] for p in pairs), _Side.of(p[1] for p in pairs)
    return _batch(source, target, np.arange(len(pairs)), indices, multiple)


@dataclass(frozen=True)
class _Side:
    """The sources or the targets of all pairs, end to end."""

    ids: Int64[np.ndarray, " ids"]
    starts: Int64[np.ndarray, " pairs"]
    lengths: Int64[np.ndarray, " pairs"]

    @staticmethod
    def of(rows: Iterable[Sequence[int]]) -> "_Side":
        every = list(rows)
        lengths = np.fromiter(map(len, every), np.int64, len(every))
        ids = np.fromiter(itertools.chain.from_iterable(every), np.int64, int(lengths.sum()))
        return _Side(ids, np.cumsum(lengths) - lengths, lengths)

    def matrix(self, rows: Indices, multiple: int, *, begin: bool) -> Int[Tensor, "rows width"]:
        """Some rows from begin, if wanted, to end, then padding up to a multiple after begin."""
        lengths = self.lengths[rows]
        places = np.arange(lengths.max(initial=0))
        real = places < lengths[:, None]
        width = begin + _up(len(places) + 1, multiple)
        matrix = np.full((len(rows), width), PAD, dtype=np.int64)
        matrix[:, :begin] = BOS
        matrix[:, begin : begin + len(places)][real] = self.ids[
            (self.starts[rows][:, None] + places)[real]
        ]
        matrix[np.arange(len(rows)), begin + lengths] = EOS
        return torch.from_numpy(matrix)


def _batch(
    source: _Side, target: _Side, rows: Indices, indices: Iterable[int], multiple: int
) -> Batch:
    return Batch(
        source.matrix(rows, multiple, begin=False),
        target.matrix(rows, multiple, begin=True),
        int((target.lengths[rows] + 1).sum()),
        tuple(int(i) for i in indices),
    )


def _up(count: Count, multiple: int) -> Count:
    """The next multiple, of a number or of each of several."""
    return count + -count % multiple


def _cut(order: Indices, sources: Indices, targets: Indices, budget: int) -> list[Indices]:
    """Consecutive groups whose padded sides both stay within the budget; one pair always fits."""
    widths = np.maximum(sources, targets)[order].tolist()
    starts, widest = [0] if widths else [], 0
    for place, width in enumerate(widths):
        widest = max(widest, width)
        if (place - starts[-1] + 1) * widest > budget and place > starts[-1]:
            starts.append(place)
            widest = width
    return np.split(order, starts[1:]) if widths else []
