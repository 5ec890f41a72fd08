"""A run that was stopped anywhere, and went on, is the run that was not."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from leftovers import outcome, same

from attn import runs
from attn.checkpoint import Checkpoints
from attn.cli import main
from attn.interrupt import Interrupt

STEPS = 13
COMMON = [
    "experiment=smoke",
    "precision.device=cpu",
    "dataset.train_size=150",
    "dataset.dev_size=7",
    "batches.tokens=300",
    "trainer.log_every=4",
    "trainer.keep_last=2",
    "model.dropout=0.1",
]


def train(output, *options):
    length = [f"trainer.steps={STEPS}", "trainer.evaluate_every=5"]
    return main(["train", *COMMON, *length, *options, f"output={output}"])


@pytest.fixture
def stopped_after(monkeypatch):
    """Lets a training stop by itself after so many steps, as a signal would make it."""

    def stop(steps):
        class Stop(Interrupt):
            def __init__(self):
                super().__init__()
                self.left = steps

            def __call__(self):
                self.left -= 1
                if self.left < 0:
                    self.signal = signal.SIGINT
                return super().__call__()

        monkeypatch.setattr("attn.commands.train.Interrupt", Stop)

    return stop


@pytest.mark.training
@pytest.mark.parametrize(
    "options",
    [
        ["precision.dtype=fp32"],
        ["precision.dtype=fp32", "trainer.accumulate=2", "trainer.patience=9"],
        ["precision.dtype=bf16", "model.dim=16"],
        ["precision.dtype=fp16"],
    ],
    ids=["fp32", "accumulated", "bf16", "fp16"],
)
def test_stopped_anywhere_it_goes_on_as_if_it_had_not_been(tmp_path, stopped_after, options):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(whole, *options) == 0
    draw = random.Random(str(options))
    stops = [draw.randint(0, 5) for _ in range(3)]
    for steps in stops:
        stopped_after(steps)
        assert train(parts, *options) == 130
        assert runs.status(runs.find(str(parts))) == "interrupted"
    stopped_after(STEPS)
    assert train(parts, *options) == 0
    one, other = outcome(whole), outcome(parts)
    assert [key for key in one if not same(one[key], other[key])] == [], f"stopped after {stops}"


@pytest.mark.training
def test_a_stopped_run_says_how_it_goes_on(tmp_path, stopped_after, capsys):
    stopped_after(2)
    assert train(tmp_path) == 130
    said = capsys.readouterr()
    assert "interrupted; step 2 is saved, the same command goes on from it\n" in said.out
    assert said.err == "interrupted\n"
    stopped_after(STEPS)
    assert train(tmp_path) == 0
    assert "goes on from step 2\n" in capsys.readouterr().out


@pytest.mark.training
def test_a_damaged_checkpoint_is_passed_over(tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for output in (whole, parts):
        assert train(output) == 0
    newest = Checkpoints(runs.find(str(parts)) / "checkpoints").find("last")
    file = newest / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    capsys.readouterr()
    assert train(parts) == 0
    said = capsys.readouterr()
    assert said.err == (
        f"{file}: is not as it was written (its checksum is not in meta.json); "
        "it is now damaged-step-13\nthe newest checkpoint that is whole: step 10\n"
    )
    assert "goes on from step 10\n" in said.out
    assert same(outcome(whole), outcome(parts))


@pytest.mark.training
def test_one_run_is_trained_by_one_process(tmp_path, capsys):
    assert train(tmp_path) == 0
    run = runs.find(str(tmp_path))
    capsys.readouterr()
    with runs.claimed(run):
        holder = (run / ".claim").read_text()
        assert train(tmp_path) == 2
    assert holder.startswith(f"process {os.getpid()} on ")
    assert capsys.readouterr().err == f"{run}: {holder} trains this run; wait, or end it\n"
    assert train(tmp_path) == 0


# Real processes


def started(output, *options):
    code = "import sys; from attn.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", *COMMON, f"output={output}", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def trains(process, output):
    """Wait until steps are logged, or the process ends."""
    while process.poll() is None and not any(
        log.stat().st_size for log in output.rglob("metrics.jsonl")
    ):
        time.sleep(0.05)


@pytest.mark.training
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_ends(tmp_path, signum, code):
    process = started(tmp_path, "trainer.steps=1000000", "trainer.evaluate_every=5")
    trains(process, tmp_path)
    process.send_signal(signum)
    out, err = process.communicate(timeout=100)
    assert process.returncode == code
    assert err.startswith("stopping after this step, all is saved first; once more ends at once\n")
    run = runs.find(str(tmp_path))
    step = Checkpoints(run / "checkpoints").steps()[-1]
    assert f"interrupted; step {step} is saved, the same command goes on from it\n" in out
    assert runs.status(run) == "interrupted"


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_what_is_killed_goes_on(tmp_path):
    """Killed fifty times at random moments, it ends as if it had not been."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = ["trainer.steps=400", "trainer.evaluate_every=3", "precision.threads=1"]
    assert started(whole, *options).wait() == 0
    draw, kills = random.Random(1), 0
    for _ in itertools.count():
        process = started(parts, *options)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=draw.uniform(2.0, 12.0))
        if process.returncode is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
        if kills == 50:
            assert started(parts, *options).wait() == 0
            break
    assert same(outcome(whole), outcome(parts)), f"killed {kills} times"
    shutil.rmtree(parts)
