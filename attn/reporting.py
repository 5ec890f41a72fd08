"""What a run says while it trains: to the terminal, metrics.jsonl and TensorBoard."""

import contextlib
import errno
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from attn.board import Board
from attn.files import Journal, whole_lines, write_text
from attn.remarks import warn

# A line of log.txt that tells of a step, and those that show samples of it.
OF_STEP, OF_THE_SAME = re.compile(r"\S+ \S+ (?:dev at )?step (\d+)  "), re.compile(r"\S+ \S+   ")


class _Terminal(Console):
    """Where lines for people go; it falls silent when nobody reads it any more."""

    def show(self, text: str) -> None:
        """Show a line as it is."""
        try:
            self.print(text, markup=False)
        except OSError as error:
            if error.errno != errno.EIO:  # what a terminal that was closed gives
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Say so, and write no more."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with contextlib.suppress(OSError):
            warn("nobody reads what is said here; training goes on, and log.txt has every line")


class Report:
    """Keeps every figure of a run, and shows the main ones.

    Lines beyond ``step``, where a run is resumed, are taken out first, and what a kill left of a
    line, so that a resumed run leaves the same lines as an uninterrupted one. TensorBoard's files
    are a view of the others: a run that cannot write them says so and goes on. So does one whose
    output nobody reads any more.

    Raises:
        WriteError: metrics.jsonl or log.txt cannot be written; so do ``say`` and ``scalars``.
    """

    def __init__(self, folder: Path, *, step: int, steps: int) -> None:
        self.steps = steps
        metrics, log = folder / "metrics.jsonl", folder / "log.txt"
        _cut(metrics, _up_to(step, whole_lines(metrics)))
        _cut(log, list(_said_up_to(step, whole_lines(log))))
        with contextlib.ExitStack() as opened:  # closed again where the rest cannot be opened
            self._metrics = opened.enter_context(contextlib.closing(Journal(metrics)))
            self._log = opened.enter_context(contextlib.closing(Journal(log)))
            self._board, self._board_told = Board(folder / "tensorboard", step + 1), False
            opened.pop_all()
        self._console = _Terminal(highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(f"step {step}/{steps}", total=steps, completed=step)
            self._bar.start()

    def say(self, text: str) -> None:
        """A line for people: terminal and log.txt."""
        self._console.show(text)
        self._log.add(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")
        if self._board.failed and not self._board_told:
            self._board_told = True
            self.say(f"warning: training goes on without TensorBoard: {self._board.failed}")

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Figures of one step: metrics.jsonl, null where one is no number, and TensorBoard."""
        known = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._metrics.add(json.dumps({"step": step, "group": group, **known}, allow_nan=False))
        for name, value in values.items():
            self._board.scalar(f"{group}/{name}", value, step)

    def progress(self, step: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=f"step {step}/{self.steps}")

    def texts(self, step: int, name: str, lines: Sequence[str]) -> None:
        """Text for TensorBoard."""
        self._board.text(name, lines, step)

    def picture(
        self, step: int, name: str, pixels: UInt8[np.ndarray, "height width colours"]
    ) -> None:
        """A picture for TensorBoard."""
        self._board.picture(name, pixels, step)

    def close(self) -> None:
        """Finish all files."""
        if self._bar is not None:
            self._bar.stop()
        self._board.close()
        self._metrics.close()
        self._log.close()


def _up_to(step: int, lines: Sequence[str]) -> list[str]:
    """The lines of metrics.jsonl of no later step; what is no such line is left out."""
    return [line for line in lines if _step_of(line) <= step]


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return math.inf


def _said_up_to(step: int, lines: Sequence[str]) -> Iterator[str]:
    """The lines of log.txt but for what was said of later steps, which are taken again."""
    later = False
    for line in lines:
        of_step = OF_STEP.match(line)
        if of_step or not OF_THE_SAME.match(line):
            later = of_step is not None and int(of_step[1]) > step
        if not later:
            yield line


def _cut(path: Path, lines: Sequence[str]) -> None:
    """Leave these lines of a journal."""
    text = "".join(f"{line}\n" for line in lines)
    if path.exists() and path.read_bytes() != text.encode():
        write_text(path, text)
