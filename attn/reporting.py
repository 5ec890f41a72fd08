"""What a run says while it trains: to the terminal, metrics.jsonl and TensorBoard."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import matplotlib
from jaxtyping import Float
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from attn.files import write_text

matplotlib.use("Agg")


class Report:
    """Keeps every figure of a run, and shows the main ones.

    Lines of metrics.jsonl beyond ``step``, where a run is resumed, are taken out first, so that a
    resumed run leaves the same lines as an uninterrupted one.
    """

    def __init__(self, folder: Path, *, step: int, steps: int) -> None:
        self.steps = steps
        self._metrics = _reopen(folder / "metrics.jsonl", step)
        self._log = (folder / "log.txt").open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
        self._console = Console(highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(f"step {step}/{steps}", total=steps, completed=step)
            self._bar.start()

    def say(self, text: str) -> None:
        """A line for people: terminal and log.txt."""
        self._console.print(text, markup=False)
        self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self._log.flush()

    def scalars(self, step: int, group: str, values: Mapping[str, float]) -> None:
        """Figures of one step: metrics.jsonl and TensorBoard."""
        line: dict[str, Any] = {"step": step, "group": group, **values}
        self._metrics.write(json.dumps(line) + "\n")
        self._metrics.flush()
        for name, value in values.items():
            self._board.add_scalar(f"{group}/{name}", value, step)

    def progress(self, step: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=f"step {step}/{self.steps}")

    def texts(self, step: int, name: str, lines: Sequence[str]) -> None:
        """Text for TensorBoard."""
        self._board.add_text(name, "\n\n".join(lines), step)

    def map(self, step: int, name: str, figure: Figure) -> None:
        """A picture for TensorBoard."""
        self._board.add_figure(name, figure, step)

    def close(self) -> None:
        """Finish all files."""
        if self._bar is not None:
            self._bar.stop()
        self._board.close()
        self._metrics.close()
        self._log.close()


def attention_map(
    weights: Float[Tensor, "queries keys"], rows: Sequence[str], columns: Sequence[str]
) -> Figure:
    """One attention matrix as a picture: a row a query, a column a key, dark where it looks."""
    size = (1.5 + 0.35 * len(columns), 1.2 + 0.3 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(weights.cpu().numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    # Signs of formulas in a text are text.
    axes.set_xticks(
        range(len(columns)), columns, rotation=60, ha="left", fontsize=8, parse_math=False
    )
    axes.set_yticks(range(len(rows)), rows, fontsize=8, parse_math=False)
    axes.xaxis.tick_top()
    return figure


def _reopen(path: Path, step: int) -> TextIO:
    """The file, cut to the lines of steps up to this one, open for more."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        write_text(path, "".join(line for line in whole if json.loads(line)["step"] <= step))
    return path.open("a", encoding="utf-8")


def warn(text: str) -> None:
    """A line to standard error."""
    sys.stderr.write(f"{text}\n")
