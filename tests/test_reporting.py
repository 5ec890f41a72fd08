"""What a run says is whole and of one piece, wherever it was stopped."""

import errno
import json
import os
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from attn.board import Board
from attn.files import whole_lines
from attn.reporting import Report


def report(folder, step=0):
    return Report(folder, step=step, steps=9)


def said(folder):
    return [line.split(" ", 2)[2] for line in whole_lines(folder / "log.txt")]


def leave(folder):
    """A run of four steps, killed while it wrote of the last."""
    first = report(folder)
    first.say("run x")
    for step in (2, 4):
        first.scalars(step, "train", {"loss": 1.0 / step})
        first.say(f"step {step}  loss 1.0")
        first.say(f"dev at step {step}  loss 1.0")
        first.say("  sample ü\u2028 ...")
    first.close()


@pytest.mark.parametrize(
    ("step", "steps", "lines"),
    [
        (0, [], ["run x"]),
        (3, [2], ["run x", "step 2  loss 1.0", "dev at step 2  loss 1.0", "  sample ü\u2028 ..."]),
        (4, [2, 4], None),
    ],
)
def test_what_was_said_of_later_steps_is_taken_back(tmp_path, step, steps, lines):
    leave(tmp_path)
    every = said(tmp_path)
    for name in ("metrics.jsonl", "log.txt"):
        with (tmp_path / name).open("ab") as file:
            file.write('{"step": 4, "gr ü'.encode()[:-1])
    report(tmp_path, step).close()
    figures = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in figures] == steps
    assert said(tmp_path) == (every if lines is None else lines)


def test_lines_that_are_no_figures_are_left_out(tmp_path):
    leave(tmp_path)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('[]\n{"step": "3"\n{}\n{"step": null}\n')
    report(tmp_path, 4).close()
    assert [json.loads(one)["step"] for one in whole_lines(tmp_path / "metrics.jsonl")] == [2, 4]


def test_what_was_interrupted_stays_in_the_log(tmp_path):
    leave(tmp_path)
    first = report(tmp_path, 2)
    first.say("interrupted; step 2 is saved")
    first.close()
    report(tmp_path, 2).close()
    assert said(tmp_path)[-1] == "interrupted; step 2 is saved"


def test_tensorboard_reads_what_was_written_and_forgets_what_was_taken_back(tmp_path):
    for step, value in ((0, 1.0), (2, 0.25)):
        board = Board(tmp_path, step + 1)
        for number in (1, 2, 3):
            board.scalar("train/loss", value * number, number) if number > step else None
        board.text("samples", ["one", "two"], 3)
        board.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(one.step, one.value) for one in events.Scalars("train/loss")] == [
        (1, 1.0), (2, 2.0), (3, 0.75)
    ]  # fmt: skip
    assert "samples/text_summary" in events.Tags()["tensors"]


def test_what_is_no_number_is_null(tmp_path):
    one = report(tmp_path)
    one.scalars(1, "train", {"loss": float("nan"), "perplexity": float("inf"), "skipped": 3.0})
    one.close()
    (line,) = whole_lines(tmp_path / "metrics.jsonl")
    kept = {"step": 1, "group": "train", "loss": None, "perplexity": None, "skipped": 3.0}
    assert json.loads(line) == kept


def test_a_run_goes_on_without_tensorboard_and_says_so_once(tmp_path, monkeypatch, capsys):
    one = report(tmp_path)

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("attn.board.RecordWriter.write", refuse)
    for step in (1, 2):
        one.scalars(step, "train", {"loss": 1.0})
        one.say(f"step {step}")
    one.close()
    place = next((tmp_path / "tensorboard").iterdir())
    assert capsys.readouterr().out.splitlines() == [
        "step 1",
        f"warning: training goes on without TensorBoard: {place}: cannot be written (No space left "
        "on device); make room on that disk",
        "step 2",
    ]
    assert len(whole_lines(tmp_path / "metrics.jsonl")) == 2


@pytest.mark.parametrize("what", ["pipe", "terminal"])
def test_a_run_goes_on_when_nobody_reads_what_it_says(tmp_path, monkeypatch, capsys, what):
    read, write = os.pipe() if what == "pipe" else os.openpty()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        one = report(tmp_path)
        for step in (1, 2):
            one.say(f"step {step}")
        one.close()
    assert said(tmp_path) == ["step 1", "step 2"]
    assert capsys.readouterr().err == (
        "nobody reads what is said here; training goes on, and log.txt has every line\n"
    )
