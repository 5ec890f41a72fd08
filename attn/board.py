"""What TensorBoard reads: events in a file, written at once and not by a thread that may fail."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import summary

from attn.files import WriteError, writing


class Board:
    """Figures, texts and pictures of a run; what a former process told from ``step`` on is void.

    It shows what is kept elsewhere, so it ends no run: ``failed`` tells why no more is written,
    from the first failure on.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.failed: str | None = None
        name = f"events.out.tfevents.{time.time_ns()}.{platform.node()}.{os.getpid()}"
        self._path = folder / name
        try:
            with writing(self._path):
                folder.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab", buffering=0)
        except WriteError as error:
            self.failed = str(error)
            return
        try:
            self._write(Event(file_version="brain.Event:2"))
            self._write(Event(step=step, session_log=SessionLog(status=SessionLog.START)))
        except BaseException:
            self.close()
            raise

    def scalar(self, name: str, value: float, step: int) -> None:
        """A figure."""
        self._add(summary.scalar(name, value), step)

    def text(self, name: str, lines: Sequence[str], step: int) -> None:
        """Some lines of text."""
        self._add(summary.text(name, "\n\n".join(lines)), step)

    def picture(
        self, name: str, pixels: UInt8[np.ndarray, "height width colours"], step: int
    ) -> None:
        """A picture."""
        self._add(summary.image(name, pixels, dataformats="HWC"), step)

    def close(self) -> None:
        """Add no more."""
        if self.failed is None:
            self._file.close()

    def _add(self, what: Summary, step: int) -> None:
        self._write(Event(step=step, summary=what))

    def _write(self, event: Event) -> None:
        if self.failed is not None:
            return
        event.wall_time = time.time()
        try:
            with writing(self._path):
                RecordWriter(self._file).write(event.SerializeToString())
        except WriteError as error:
            self.failed = str(error)
            self._file.close()
