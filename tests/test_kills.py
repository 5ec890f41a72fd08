"""Killed at any moment, a run goes on from its last checkpoint, and ends as if it had not been."""

import contextlib
import csv
import io
import multiprocessing
import os
import random
import signal
import sys
import time

import pytest
from leftovers import outcome, said, same

from attn import runs, snapshot
from attn.checkpoint import Checkpoints
from attn.cli import main

OPTIONS = [
    "experiment=smoke",
    "study=kills",
    "precision.device=cpu",
    "precision.threads=1",
    "dataset.train_size=150",
    "dataset.dev_size=5",
    "batches.tokens=300",
    "model.dropout=0.1",
    "trainer.samples=0",
    "trainer.log_every=2",
]
CHANGES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


def train(output, options, at):
    """Train in a process of its own; at the n-th change of a file, if given, it kills itself."""
    from direct import call  # noqa: PLC0415

    left = at

    def audit(event, arguments):
        nonlocal left
        if left is None or event not in CHANGES or str(output) not in str(arguments[0]):
            return
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    with contextlib.redirect_stdout(io.StringIO()):
        code, message = call("train", *OPTIONS, *options, output=output)
    sys.stderr.write(message)
    os._exit(code)


@pytest.fixture(scope="module")
def start():
    """Starts a training in a process that has all modules loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["direct", "attn.launch", "attn.commands.train"])

    def begin(output, *options, at=None):
        process = context.Process(target=train, args=(str(output), options, at))
        process.start()
        return process

    return begin


def check_whole(output):
    """All that was saved can be read; the place of each is told if not."""
    for config in output.rglob("config.yaml"):
        assert runs.load_config(config.parent)
        kept = Checkpoints(config.parent / "checkpoints")
        for step in kept.steps():
            snapshot.load(kept.find(str(step)))


def killed(start, output, options, draw):
    """Kill a training once, at a change of a file or by the clock; whether it was, and how."""
    by_clock = draw.random() < 0.5
    at = None if by_clock else draw.randrange(0, 220)
    process = start(output, *options, at=at)
    process.join(draw.uniform(0.2, 4.0) if by_clock else None)
    process.kill()
    process.join()
    check_whole(output)
    return process.exitcode == -signal.SIGKILL, not by_clock


def survives(start, folder, kills, steps):
    """Kill a run so often, let it end, and compare it with one that was not."""
    whole, parts = folder / "whole", folder / "parts"
    options = [f"trainer.steps={steps}", "trainer.evaluate_every=4"]
    undisturbed = start(whole, *options)
    undisturbed.join()
    assert undisturbed.exitcode == 0
    draw, began, count, within, last = random.Random(1), time.perf_counter(), 0, 0, []
    while count < kills:
        dead, inside = killed(start, parts, options, draw)
        count, within = count + dead, within + (dead and inside)
        with contextlib.suppress(Exception):
            last.append(Checkpoints(runs.find(str(parts)) / "checkpoints").steps()[-1])
    assert sorted(last) == last, "a checkpoint was lost"
    process = start(parts, *options)
    process.join()
    assert process.exitcode == 0
    seconds = time.perf_counter() - began
    print(f"{count} kills ({within} within a change of a file), at steps {last}; {seconds:.0f} s")
    one, other = outcome(whole), outcome(parts)
    assert [key for key in one if not same(one[key], other[key])] == []
    assert said(runs.find(str(whole))) == said(runs.find(str(parts)))
    assert not list(parts.rglob(".*.part")) + list(parts.rglob(".*.old"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_that_is_killed_fifty_times_goes_on(start, tmp_path):
    survives(start, tmp_path, 50, 400)


SWEEP = ["-m", "model.dropout=0.0,0.1", "seed=1,2", "trainer.steps=120", "trainer.evaluate_every=4"]


def sweep(folder):
    """A sweep of real trainings, in a process of its own."""
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(["train", *(one for one in OPTIONS if "dropout" not in one), *SWEEP])
    os._exit(code)


def swept(context, folder):
    folder.mkdir(exist_ok=True)
    process = context.Process(target=sweep, args=(str(folder),))
    process.start()
    return process


def table(folder):
    """What ``attn compare`` shows of a sweep, but for what the clock decides."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["compare", f"runs={folder}", "format=csv"]) == 0
    rows = csv.DictReader(io.StringIO(said.getvalue()))
    timed = {"minutes", "Pareto"}
    return [
        {title: cell for title, cell in row.items() if title not in timed and "/s" not in title}
        for row in rows
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_that_is_killed_twenty_times_ends_as_if_it_had_not_been(start, tmp_path):
    context = multiprocessing.get_context("forkserver")
    swept(context, tmp_path / "whole").join()
    draw, kills, began = random.Random(1), 0, time.perf_counter()
    while kills < 20:
        process = swept(context, tmp_path / "parts")
        process.join(draw.uniform(0.5, 4.0))
        process.kill()
        process.join()
        kills += 1
        assert process.exitcode == -signal.SIGKILL, "it ended too soon"
    process = swept(context, tmp_path / "parts")
    process.join()
    assert process.exitcode == 0
    whole, parts = (
        {str(one.parent.relative_to(tmp_path / name)): outcome(one.parent)
         for one in sorted((tmp_path / name).rglob("config.yaml"))}
        for name in ("whole", "parts")
    )  # fmt: skip
    assert len(whole) == 4
    assert same(whole, parts)
    assert table(tmp_path / "whole") == table(tmp_path / "parts")
    print(f"{kills} kills of a sweep of 4 runs; {time.perf_counter() - began:.0f} s")
