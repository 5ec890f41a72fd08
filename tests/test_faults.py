"""Whatever write fails, what was saved is there, the message says why, and the run goes on."""

import errno
import gc
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from direct import call
from injection import KILL, Disk, Killed
from leftovers import outcome, same

from attn import results, runs, snapshot
from attn.checkpoint import Checkpoints
from attn.files import WriteError
from attn.registry import RunError

pytestmark = pytest.mark.usefixtures("unchecked")

TINY = [
    "experiment=smoke",
    "study=faults",
    "precision.device=cpu",
    "precision.dtype=fp32",
    "dataset.train_size=40",
    "dataset.dev_size=3",
    "dataset.test_size=3",
    "batches.tokens=300",
    "model.dropout=0.1",
    "trainer.steps=3",
    "trainer.log_every=2",
    "trainer.evaluate_every=2",
    "trainer.keep_best=1",
    "trainer.samples=0",
]
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, KILL)


def train(output):
    return call("train", *TINY, output=output)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed, and the changes of files that it made."""
    output = tmp_path_factory.mktemp("whole")
    disk = Disk(output)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        assert train(output) == (0, "")
    return output, disk.changes


def faulty(folder, act, *, at, error):
    """What an act comes to on a disk that fails at its n-th change."""
    disk = Disk(folder, at=at, error=error)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        try:
            return (*act(), disk)
        except Killed:
            return -9, "", disk


def is_whole(output):
    """Whether all that lies in a folder can be read."""
    for path in output.rglob("[!.]*.json"):
        if ".part" not in str(path):
            json.loads(path.read_text())
    for path in output.rglob("metrics.jsonl"):
        assert all(map(json.loads, path.read_text().splitlines()))
        assert path.read_text()[-1:] in {"", "\n"}
    for folder in output.rglob("checkpoints"):
        for step in Checkpoints(folder).steps():
            snapshot.load(folder / f"step-{step}")


def check_message(said, disk, error):
    kind, path = disk.changes[disk.at]
    first, _, rest = said.partition(f" ({os.strerror(error)}); ")
    assert first.startswith("attn train: "), (kind, path)
    named = Path(first.removeprefix("attn train: ").removesuffix(": cannot be written"))
    near = Path(path)
    beside = "tensorboard" in path  # ends no run; what fails next does
    assert (
        beside
        or near.parent == named.parent
        or near.is_relative_to(named)
        or named.is_relative_to(near)
    )
    assert rest.endswith((
        "; no checkpoint is saved yet, the same command begins anew\n",
        " is saved, the same command goes on from it\n",
    ))
    assert said.count("\n") == 1


def survives(whole, output, at, error, capsys):
    code, said, disk = faulty(output, lambda: train(output), at=at, error=error)
    kind, path = disk.changes[at]
    printed = capsys.readouterr()
    is_whole(output)
    if code == 0 and "tensorboard" in path:
        assert "warning: training goes on without TensorBoard: " in printed.out
    elif code == 0:
        # What is cleaned up at the next start, or a folder that is there.
        assert kind in {"unlink", "rmdir", "mkdir"}, "a failure that nobody is told of"
    elif code == 1:
        check_message(said, disk, error)
    else:
        assert error == KILL
    assert train(output) == (0, "")
    one, other = outcome(whole), outcome(output)
    assert [key for key in one if not same(one[key], other[key])] == [], (kind, path, error)
    assert not list(output.rglob(".*.part")) + list(output.rglob(".*.old"))
    return kind


@pytest.mark.long
@pytest.mark.parametrize("error", [errno.ENOSPC, KILL], ids=["ENOSPC", "kill"])
def test_a_write_that_fails_while_training(whole, tmp_path, error, capsys):
    output, changes = whole
    saves = [n for n, (kind, path) in enumerate(changes) if kind == "write" and "state" in path]
    survives(output, tmp_path, saves[1], error, capsys)


@pytest.mark.long
@pytest.mark.parametrize("change", ["mkdir", "open", "write"])
def test_what_is_open_is_closed_though_the_rest_cannot_be_opened(whole, tmp_path, change, capsys):
    output, changes = whole
    at = next(n for n, (kind, path) in enumerate(changes) if kind == change and "board" in path)
    survives(output, tmp_path, at, KILL, capsys)
    gc.collect()  # a file that nobody closed is told of now, and fails the test


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("error", ERRORS, ids=[errno.errorcode.get(e, e) for e in ERRORS])
def test_every_write_that_fails_while_training(whole, tmp_path, error, capsys):
    output, changes = whole
    kinds = Counter(
        survives(output, tmp_path / str(at), at, error, capsys) for at in range(len(changes))
    )
    with capsys.disabled():
        print(f"\n{errno.errorcode.get(error, error)}: {sum(kinds.values())}, {dict(kinds)}")


# What is done with a trained model


USES = {
    "evaluate": ["precision.device=cpu", "split=test"],
    "translate": ["precision.device=cpu", "text=a b"],
    "average": ["best=1"],
}


def use(command, output):
    run = runs.find(str(output))
    extra = {"output": output / "said.txt"} if command == "translate" else {}
    return call(command, *USES[command], run=run, **extra)


def left(output):
    """All files of a folder but those of TensorBoard, by name; scores without what they took."""
    files = {path.relative_to(output): path for path in output.rglob("*") if path.is_file()}
    return {
        name: untimed(path) if name.name == results.SCORES else path.read_bytes()
        for name, path in files.items()
        if "tensorboard" not in name.parts and not path.name.endswith(".lock")
    }


def untimed(scores):
    """Scores without what differs from one evaluation to the next, and the seal over it."""
    every = json.loads(scores.read_text())
    timed = {"cost", results.SEAL}
    return {
        (split, title): {key: value for key, value in entry.items() if key not in timed}
        for split, titles in every.items()
        for title, entry in titles.items()
    }


@pytest.fixture(scope="module")
def used(whole, tmp_path_factory):
    """What each use of a run leaves, and the changes of files that it makes."""
    found = {}
    for command in USES:
        output = tmp_path_factory.mktemp(command) / "copy"
        shutil.copytree(whole[0], output)
        disk = Disk(output)
        with pytest.MonkeyPatch.context() as patch:
            disk.install(patch)
            assert use(command, output) == (0, "")
        found[command] = left(output), disk.changes
    return found


def use_survives(whole, used, output, command, at, error):
    shutil.copytree(whole, output)
    before = left(output)
    code, said, disk = faulty(output, lambda: use(command, output), at=at, error=error)
    is_whole(output)
    kept = left(output)
    assert [name for name in before if before[name] != kept[name]] == []
    if code == 1:
        assert said.startswith(f"attn {command}: {output}"), said
        assert f": cannot be written ({os.strerror(error)}); " in said
    else:
        assert error == KILL or disk.changes[at][0] in {"unlink", "rmdir", "mkdir"}
    assert use(command, output) == (0, "")
    assert {name for name in left(output) if ".part" not in name.name} == set(used)
    assert [
        name for name in used if name.suffix != ".npz" and left(output)[name] != used[name]
    ] == []


@pytest.mark.long
@pytest.mark.parametrize("command", USES)
def test_a_write_that_fails_while_a_model_is_used(whole, used, tmp_path, command, capsys):
    after, changes = used[command]
    at = max(n for n, (kind, _) in enumerate(changes) if kind == "rename")
    use_survives(whole[0], after, tmp_path / "copy", command, at, errno.ENOSPC)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("command", USES)
def test_every_write_that_fails_while_a_model_is_used(whole, used, tmp_path, command, capsys):
    after, changes = used[command]
    for error in ERRORS:
        for at in range(len(changes)):
            use_survives(whole[0], after, tmp_path / f"{error}-{at}", command, at, error)
    with capsys.disabled():
        print(f"\n{command}: {len(ERRORS)} x {len(changes)}")


@pytest.mark.long
def test_the_first_failure_is_told_though_the_status_cannot_be_written(
    tmp_path, monkeypatch, capsys
):
    real = runs.set_status

    def refuse(run, state, **details):
        if state == "failed":
            raise WriteError(f"{run / 'status.json'}: cannot be written (no reason)")
        real(run, state, **details)

    def fail(*_):
        raise RunError("the first failure")

    monkeypatch.setattr(runs, "set_status", refuse)
    monkeypatch.setattr("attn.trainer.Trainer.update", fail)
    assert train(tmp_path) == (1, "attn train: the first failure\n")
    status = runs.find(str(tmp_path)) / "status.json"
    assert capsys.readouterr().err == (
        f"{status}: cannot be written (no reason); it does not tell that the run failed\n"
    )


@pytest.mark.long
def test_a_failed_run_keeps_the_traceback(tmp_path, monkeypatch):
    def fail(*_):
        raise RunError("the first failure")

    monkeypatch.setattr("attn.trainer.Trainer.update", fail)
    assert train(tmp_path) == (1, "attn train: the first failure\n")
    status = json.loads((runs.find(str(tmp_path)) / "status.json").read_text())
    assert (status["state"], status["error"]) == ("failed", "RunError: the first failure")
    lines = status["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].endswith("RunError: the first failure")
    assert any("in fail" in line for line in lines)


@pytest.fixture
def disk(tmp_path):
    """A file system of one MiB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.long
def test_a_real_disk_that_is_full_and_then_read_only(whole, disk, capsys):
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * 480_000)
    code, said = train(disk / "runs")
    assert code == 1
    assert ": cannot be written (No space left on device); make room on that disk; " in said
    is_whole(disk / "runs")
    ballast.unlink()
    assert train(disk / "runs") == (0, "")
    one, other = outcome(whole[0]), outcome(disk / "runs")
    assert [key for key in one if not same(one[key], other[key])] == []
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refused = f"{disk / 'runs'} cannot be written to; give another path\n"
    assert train(disk / "runs") == (2, f"output={disk / 'runs'}: {refused}")
    run, elsewhere = runs.find(str(disk / "runs")), disk.parent / "elsewhere"
    assert call("evaluate", *USES["evaluate"], run=run, output=elsewhere) == (0, "")
    (scores,) = elsewhere.glob("read-only/*/scores.json")
    assert f"scores  {scores.parent}\n" in capsys.readouterr().out
    assert call("align", "precision.device=cpu", run=run) == (0, "")
    assert capsys.readouterr().out.endswith(f"\nnot kept: {run} cannot be written to\n")
