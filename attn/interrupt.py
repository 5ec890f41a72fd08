"""Signals that ask a run to end: it saves first; a second one ends it at once."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAID = "stopping after this step, all is saved first; once more ends at once\n"
SIGNALLED = 128  # what a shell adds to the number of the signal that ended a command


class Interrupt:
    """Whether one of ``SIGNALS`` came while they were listened for."""

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
        before = {one: signal.getsignal(one) for one in SIGNALS}
        # A closed terminal is ignored under nohup; a script's background jobs ignore Ctrl-C, which
        # may still be sent to them.
        heard = [
            one for one in SIGNALS if one != signal.SIGHUP or before[one] is not signal.SIG_IGN
        ]
        for one in heard:
            signal.signal(one, self._noted)
        try:
            yield
        finally:
            for one in heard:
                signal.signal(one, before[one])

    def _noted(self, signum: int, _: FrameType | None) -> None:
        if self.signal is not None:
            self.pass_on()
        self.signal = signum
        with contextlib.suppress(OSError):  # the terminal may be gone
            sys.stderr.write(SAID)

    def pass_on(self) -> None:
        """End with the exit code of the signal, whose coming is told already; nothing if none."""
        if self.signal is not None:
            sys.exit(SIGNALLED + self.signal)
