"""Work on a CPU by several processes, each of which computes with one thread."""

import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")

CAN_FORK = sys.platform == "linux"  # elsewhere it is missing, or not safe with what torch uses
_at_hand: tuple[Callable[[Any], Any], Sequence[Any]] | None = None  # what forked processes find


def in_parallel(work: Callable[[Item], Made], items: Sequence[Item], *, workers: int) -> list[Made]:
    """``work`` of every item, in the order of the items, by so many processes at once.

    They are forked, so that they share the model, and send back what they make. Two that compute
    alone are faster than one whose two threads share every small product; two threads of Python
    would wait for each other at each of them.
    """
    global _at_hand
    workers = min(workers, len(items))
    if workers <= 1 or not CAN_FORK or multiprocessing.current_process().daemon:
        return [work(item) for item in items]
    _at_hand = work, items
    try:
        with warnings.catch_warnings():
            # Of threads that might hold a lock: those of torch do not work while this one waits.
            warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
            context = multiprocessing.get_context("fork")
            with context.Pool(workers, _alone) as pool:
                return list(pool.imap(_done, range(len(items))))
    finally:
        _at_hand = None


def _alone() -> None:
    """One thread; an interrupt is for the process that waits, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)


def _done(place: int) -> Any:
    assert _at_hand is not None
    work, items = _at_hand
    return work(items[place])
