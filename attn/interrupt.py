"""Signals that ask a run to end: it saves first; a second one ends it at once."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143


class Interrupt:
    """Whether SIGINT or SIGTERM came while it was listened for."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop as soon as all can be saved."""
        return self.signal is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals; outside the main thread, where that cannot be, nothing changes."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(one, self._noted) for one in signals]
        try:
            yield
        finally:
            for one, handler in zip(signals, before, strict=True):
                signal.signal(one, handler)

    def _noted(self, signum: int, _: FrameType | None) -> None:
        if self.signal is not None:
            self.pass_on()
        self.signal = signum
        sys.stderr.write("stopping after this step, all is saved first; once more ends at once\n")

    def pass_on(self) -> None:
        """Raise what the signal raises where nobody listens; nothing if none came."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal == signal.SIGTERM:
            sys.exit(TERMINATED)
