"""Whatever write fails, what was saved is there, the message says why, and the run goes on."""

import errno
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from direct import call
from injection import KILL, Disk, Killed
from leftovers import outcome, same

from attn import snapshot
from attn.checkpoint import Checkpoints

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
    assert near.parent == named.parent or near.is_relative_to(named) or named.is_relative_to(near)
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
    if code == -9:
        assert error == KILL
    elif "tensorboard" in path:
        assert code == 0 or error != errno.EACCES
        assert "warning: training goes on without TensorBoard: " in printed.out
    elif code == 0:
        assert kind in {"unlink", "rmdir"}, "a failure that nobody is told of"
    if code > 0:
        assert code == 1
        check_message(said, disk, error)
    assert train(output) == (0, "")
    one, other = outcome(whole), outcome(output)
    assert [key for key in one if not same(one[key], other[key])] == [], (kind, path, error)
    assert not list(output.rglob(".*.part")) + list(output.rglob(".*.old"))
    return kind


@pytest.mark.training
@pytest.mark.parametrize("error", ERRORS, ids=[errno.errorcode.get(e, e) for e in ERRORS])
def test_a_write_that_fails_while_training(whole, tmp_path, error, capsys):
    output, changes = whole
    saves = [n for n, (kind, path) in enumerate(changes) if kind == "write" and "state" in path]
    survives(output, tmp_path, saves[1], error, capsys)


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
