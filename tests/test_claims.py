"""A run belongs to one process: by its lock, and where locks do not reach by its heartbeat."""

import errno
import fcntl
import os
import time

import pytest
from messages import exactly

from attn import claims, runs
from attn.files import read_json, write_json

THERE = "process 7 on another-machine"


def elsewhere(run, *, silent=0.0):
    """Leave what a process on another machine has left, whose locks do not reach here."""
    run.mkdir(exist_ok=True)
    (run / ".claim").write_text(THERE)
    write_json(run / "status.json", {"state": "running", "heartbeat": time.time() - silent})


def test_another_machine_holds_a_run_as_long_as_its_heart_beats(tmp_path):
    run = tmp_path / "run"
    assert (claims.holder(run), claims.state(run)) == (None, None)
    elsewhere(run, silent=claims.EXPIRES - 10)
    assert (claims.holder(run), claims.state(run)) == (THERE, "running")
    message = f"{run}: {THERE} trains this run; wait, or end it"
    with pytest.raises(claims.HeldError, match=exactly(message)), claims.claimed(run):
        pass
    elsewhere(run, silent=claims.EXPIRES + 10)
    assert (claims.holder(run), claims.state(run)) == (None, "interrupted")
    with claims.claimed(run):
        assert claims.holder(run) != THERE
    elsewhere(run)
    runs.set_status(run, "finished")
    assert claims.holder(run) is None
    write_json(run / "status.json", {"state": "running", "heartbeat": "soon"})
    assert claims.holder(run) is None


def test_a_process_that_was_killed_here_holds_nothing(tmp_path):
    (tmp_path / ".claim").write_text(f"process 7{claims._here()}")
    runs.set_status(tmp_path, "running")
    assert claims.state(tmp_path) == "interrupted"
    with claims.claimed(tmp_path):
        assert claims.state(tmp_path) == "running"


@pytest.mark.parametrize("error", sorted(claims.NO_LOCKS))
def test_without_locks_the_heartbeat_decides_here_too(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".claim").write_text(f"process 7{claims._here()}")
    runs.set_status(tmp_path, "running")
    assert claims.holder(tmp_path) == f"process 7{claims._here()}"
    runs.set_status(tmp_path, "interrupted")
    with claims.claimed(tmp_path) as claim:
        assert claim.check()


def test_other_errors_of_locks_are_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "no luck")

    monkeypatch.setattr(fcntl, "flock", refuse)
    message = f"{tmp_path}/.claim: cannot be written (no luck)"
    with pytest.raises(OSError, match=exactly(message)), claims.claimed(tmp_path):
        pass


def test_a_heart_beats_and_tells_when_the_run_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.01)
    with claims.claimed(tmp_path) as claim:
        runs.set_status(tmp_path, "running", why="x")
        first = read_json(tmp_path / "status.json")
        while (now := read_json(tmp_path / "status.json"))["heartbeat"] == first["heartbeat"]:
            claim.check()
        assert {**first, "heartbeat": now["heartbeat"]} == now
        (tmp_path / ".claim").write_text(THERE)
        message = (
            f"{tmp_path}: {THERE} has taken this run over, since this process was silent for 5 "
            "minutes; it is left to that process"
        )
        claim._heart.join()
        with pytest.raises(claims.LostError, match=exactly(message)):
            claim.check()


def test_only_what_runs_has_a_heartbeat(tmp_path):
    runs.set_status(tmp_path, "finished")
    before = read_json(tmp_path / "status.json")
    runs.beat(tmp_path)
    assert read_json(tmp_path / "status.json") == before
    assert "heartbeat" not in before


def test_who_only_looks_bars_nobody(tmp_path):
    with claims.claimed(tmp_path):
        pass
    with (tmp_path / ".claim").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert claims.holder(tmp_path) is None
        with pytest.raises(claims.HeldError), claims.claimed(tmp_path):
            pass
