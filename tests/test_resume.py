"""A run that was stopped anywhere, and went on, is the run that was not."""

import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from direct import call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from leftovers import outcome, same

from attn import claims, runs
from attn.checkpoint import Checkpoints
from attn.cli import main
from attn.interrupt import Interrupt

pytestmark = pytest.mark.usefixtures("unchecked")

STEPS = 13
COMMON = [
    "experiment=smoke",
    "study=resume",
    "precision.device=cpu",
    "dataset.train_size=150",
    "dataset.dev_size=7",
    "batches.tokens=300",
    "trainer.log_every=4",
    "trainer.keep_last=2",
    "model.dropout=0.1",
    "validation_search.max_ratio=1.0",
    "validation_search.max_extra=3",
]
LENGTH = [f"trainer.steps={STEPS}", "trainer.evaluate_every=5", "trainer.samples=0"]


def quickly(output, *options):
    """Train without Hydra; the exit code, and what is said of an error."""
    try:
        return call("train", *COMMON, *LENGTH, *options, output=output)
    except SystemExit as stop:
        return stop.code, ""


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


OPTIONS = {
    "fp32": ["precision.dtype=fp32"],
    "fp32, accumulated": ["precision.dtype=fp32", "trainer.accumulate=2", "trainer.patience=9"],
    "bf16": ["precision.dtype=bf16", "model.dim=16"],
    "bf16, accumulated": ["precision.dtype=bf16", "model.dim=16", "trainer.accumulate=3"],
    "fp16": ["precision.dtype=fp16"],
    "fp16, accumulated": ["precision.dtype=fp16", "trainer.accumulate=2"],
    "subwords sampled": ["tokenizer=bpe", "tokenizer.size=300", "tokenizer.dropout=0.3"],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run leaves that was not stopped, by its options."""

    @functools.cache
    def train_whole(*options):
        output = tmp_path_factory.mktemp("whole")
        assert quickly(output, *options) == (0, "")
        return outcome(output)

    return train_whole


def goes_on(whole, parts, stopped_after, options, stops):
    """Stop a run after each of some numbers of steps, let it end, and compare."""
    stopped_after(STEPS + 1)
    expected = whole(*options)
    for steps in stops:
        stopped_after(steps)
        assert quickly(parts, *options)[0] == 130
        assert runs.status(runs.find(str(parts))) == "interrupted"
    stopped_after(STEPS + 1)
    assert quickly(parts, *options) == (0, "")
    one, other = expected, outcome(parts)
    assert [key for key in one if not same(one[key], other[key])] == [], f"stopped after {stops}"


@pytest.mark.long
@pytest.mark.parametrize("name", ["fp16, accumulated", "subwords sampled"])
def test_stopped_anywhere_it_goes_on_as_if_it_had_not_been(whole, tmp_path, stopped_after, name):
    draw = random.Random(name)
    goes_on(whole, tmp_path, stopped_after, OPTIONS[name], [draw.randint(0, 5) for _ in range(2)])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", OPTIONS)
def test_stopped_at_any_points_it_goes_on(whole, tmp_path_factory, stopped_after, name, capsys):
    seen = []

    @settings(max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.integers(0, STEPS - 1), min_size=1, max_size=4).filter(lambda s: sum(s) < STEPS)
    )
    def any_points(stops):
        seen.append(stops)
        parts = tmp_path_factory.mktemp("parts")
        goes_on(whole, parts, stopped_after, OPTIONS[name], stops)

    any_points()
    with capsys.disabled():
        print(f"\n{name}: {len(seen)} runs, stopped {sum(map(len, seen))} times")


@pytest.mark.long
def test_the_same_seed_gives_the_same_run_whatever_surrounds_it(whole, tmp_path):
    """Neither the batches made ahead, nor the hashes of strings, nor the folder count."""
    options = ("precision.dtype=fp32", "precision.threads=1")
    assert quickly(tmp_path / "ahead", *options, "batches.ahead=1") == (0, "")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    process = started(
        "runs", *options, *LENGTH,
        cwd=elsewhere, env={**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.communicate()
    assert process.returncode == 0
    one = whole(*options)
    for other in (outcome(tmp_path / "ahead"), outcome(elsewhere / "runs")):
        assert [key for key in one if not same(one[key], other[key])] == []


@pytest.mark.long
def test_a_stopped_run_says_how_it_goes_on(tmp_path, stopped_after, capsys):
    training = ["train", *COMMON, *LENGTH, f"output={tmp_path}"]
    stopped_after(2)
    assert main(training) == 130
    said = capsys.readouterr()
    assert "interrupted; step 2 is saved, the same command goes on from it\n" in said.out
    assert said.err == ""
    stopped_after(STEPS)
    assert main(training) == 0
    assert "goes on from step 2\n" in capsys.readouterr().out


@pytest.mark.long
def test_what_was_stopped_before_its_first_validation_can_be_ended_there(
    tmp_path, stopped_after, capsys
):
    stopped_after(3)
    assert quickly(tmp_path)[0] == 130
    capsys.readouterr()
    stopped_after(STEPS)
    assert quickly(tmp_path, "trainer.steps=2") == (0, "")
    assert "finished at step 3 (trainer.steps=2)\nbest dev BLEU " in capsys.readouterr().out
    best = Checkpoints(runs.find(str(tmp_path)) / "checkpoints").best()
    assert best is not None
    assert best.name == "step-3"


@pytest.mark.long
def test_a_damaged_checkpoint_is_passed_over(tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert quickly(whole) == (0, "")
    shutil.copytree(whole, parts)
    newest = Checkpoints(runs.find(str(parts)) / "checkpoints").find("last")
    file = newest / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    capsys.readouterr()
    assert quickly(parts) == (0, "")
    said = capsys.readouterr()
    assert said.err == (
        f"{file}: is not as it was written (its checksum is not in meta.json); "
        "it is now damaged-step-13\nthe newest checkpoint that is whole: step 10\n"
    )
    assert "goes on from step 10\n" in said.out
    assert same(outcome(whole), outcome(parts))


@pytest.mark.long
def test_one_run_is_trained_by_one_process(tmp_path):
    assert quickly(tmp_path, "trainer.steps=1") == (0, "")
    run = runs.find(str(tmp_path))
    with claims.claimed(run):
        holder = (run / ".claim").read_text()
        refused = quickly(tmp_path, "trainer.steps=1")
    assert holder.startswith(f"process {os.getpid()} on ")
    assert refused == (2, f"{run}: {holder} trains this run; wait, or end it\n")
    assert quickly(tmp_path, "trainer.steps=1") == (0, "")


# Real processes


def started(output, *options, **surroundings):
    code = "import sys; from attn.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", *COMMON, f"output={output}", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **surroundings
    )


def trains(process, output):
    """Wait until steps are logged, or the process ends."""
    while process.poll() is None and not any(
        log.stat().st_size for log in output.rglob("metrics.jsonl")
    ):
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.parametrize(
    ("signum", "code"),
    [
        (signal.SIGTERM, 143),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in ((signal.SIGINT, 130), (signal.SIGHUP, 129))
        ),
    ],
)
def test_a_signal_saves_and_ends(tmp_path, signum, code):
    process = started(tmp_path, "trainer.steps=1000000", "trainer.evaluate_every=5")
    trains(process, tmp_path)
    process.send_signal(signum)
    out, err = process.communicate(timeout=100)
    assert process.returncode == code
    assert err == "stopping after this step, all is saved first; once more ends at once\n"
    run = runs.find(str(tmp_path))
    step = Checkpoints(run / "checkpoints").steps()[-1]
    assert f"interrupted; step {step} is saved, the same command goes on from it\n" in out
    assert runs.status(run) == "interrupted"
