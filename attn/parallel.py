"""Work on a CPU by several threads, each of which computes alone."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_parallel(work: Callable[[Item], Made], items: Sequence[Item], *, workers: int) -> list[Made]:
    """``work`` of every item, in the order of the items, by so many threads at once.

    Torch leaves the interpreter's lock while it computes, so that threads which decode do not wait
    for each other; two that compute alone are faster than two that share every small product. What
    a thread must know of gradients and number formats, ``work`` has to say.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        return [work(item) for item in items]
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(
            workers, "worker", initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            try:
                return list(pool.map(work, items))
            except BaseException:  # an interrupt too: what has not begun is left
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        torch.set_num_threads(threads)
