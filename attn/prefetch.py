"""Batches made in a thread, before they are needed."""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator

from attn.batching import Batch


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
