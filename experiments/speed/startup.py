"""Seconds until a command answers: wall, and CPU, which other processes do not lengthen as much.

Each command runs once to warm the caches, then as often as asked; medians are printed as a table.
What is trained, translated and compared is a run of a few steps in a temporary folder, on the
embedded grammar or on Multi30k in a folder; of training, the time to the end of the first step.

    .venv/bin/python experiments/speed/startup.py
    .venv/bin/python experiments/speed/startup.py --repeats 5 --root DATA/multi30k
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ATTN = [sys.executable, "-m", "attn"]
STEPS = ["trainer.steps=2", "trainer.log_every=1", "trainer.evaluate_every=2"]
AT_ONCE = ["search=greedy", "search.max_ratio=0", "search.max_extra=1"]  # translations of one token


def commands(folder: Path, data: Sequence[str]) -> Iterator[tuple[str, list[str], float | None]]:
    """What is measured: as a title, as arguments, and the seconds that it is to take."""
    small = [*data, *STEPS]
    subprocess.run([*ATTN, "train", *small, f"output={folder}"], check=True, capture_output=True)
    run = f"run={next(folder.rglob('config.yaml')).parent}"
    yield "`attn --help`", ["--help"], 0.5
    yield "TAB behind `attn train model.d`", ["completion", "query", "attn train model.d"], None
    yield "`attn list`", ["list"], 4
    yield "`attn train`, to the end of the first step", ["train", *small], 6
    yield "`attn translate` of one line", ["translate", run, "text=A dog sleeps."], 4
    yield "`attn evaluate`, translations of one token", ["evaluate", run, *AT_ONCE], None
    yield "`attn compare` of one run", ["compare", f"runs={folder}"], None
    sweep = ["train", "-m", "experiment=smoke", *STEPS, "seed=range(1,31)", f"output={folder}/30"]
    subprocess.run([*ATTN, *sweep], check=True, capture_output=True)
    yield "`attn train -m` of 30 finished runs", sweep, 3
    yield "`attn verify attention=softmax`", ["verify", "attention=softmax"], None


def seconds(arguments: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process; a training is killed after its first step."""
    with tempfile.TemporaryDirectory() as folder:
        trains = arguments[0] == "train" and "-m" not in arguments
        given = [*arguments, f"output={folder}"] if trains else arguments
        began = time.perf_counter()
        process = subprocess.Popen(
            [*ATTN, *given], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert process.stdout is not None
        told = any(line.startswith(b"step 1 ") for line in process.stdout)
        if trains:
            process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
    if told is not trains or process.returncode not in {0, -signal.SIGKILL}:
        raise SystemExit(f"attn {' '.join(arguments)}: ended with {process.returncode}")
    return wall, used.ru_utime + used.ru_stime


def main() -> None:
    """Measure all commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--root", type=Path, help="a folder with the files of Multi30k")
    asked = parser.parse_args()
    data = ["experiment=demo"]
    if asked.root is not None:
        data = ["experiment=multi30k", f"dataset.root={asked.root.resolve()}"]
    sys.stdout.write(
        f"| {' '.join(data[:1])} | seconds (median of {asked.repeats}) | CPU seconds | goal |\n"
        "|---|---|---|---|\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for title, arguments, goal in commands(Path(folder), data):
            measured = [seconds(arguments) for _ in range(asked.repeats + 1)][1:]
            wall, cpu = (statistics.median(some) for some in zip(*measured, strict=True))
            sys.stdout.write(f"| {title} | {wall:.2f} | {cpu:.2f} | {goal or ''} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
