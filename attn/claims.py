"""Who trains a run: one process, for as long as it lives and says so.

A process holds the lock of the run's ``.claim``, which the system gives back when it ends, however
it ends. Where two machines share a folder but not its locks, the heartbeat in ``status.json``
decides: it is written twice a minute, and a run without one for five minutes may be taken over. Who
finds another name in ``.claim`` has lost the run, and writes nothing more into it.
"""

import contextlib
import errno
import fcntl
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attn import runs
from attn.files import WriteError, writing
from attn.registry import ConfigError, RunError

BEAT, EXPIRES = 30.0, 300.0  # seconds between heartbeats, and without one until a run is free
CLAIM, SOMEBODY = ".claim", "another process"
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
TRIES, PAUSE = 4, 0.1  # those who only look hold the lock for a moment


class HeldError(ConfigError):
    """Another process trains the run."""


class LostError(RunError):
    """Another process has taken the run over."""


class Claim:
    """A run that this process holds, and tells so."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._lost, self._released = threading.Event(), threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def check(self) -> bool:
        """True, if the run is still this process's own.

        Raises:
            LostError: it is not.
        """
        if self._lost.is_set():
            raise LostError(
                f"{self.run}: {_said(self.run)} has taken this run over, since this process was "
                f"silent for {EXPIRES / 60:.0f} minutes; it is left to that process"
            )
        return True

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Tell that this process is alive, until the end."""
        self._heart.start()
        try:
            yield
        finally:
            self._released.set()
            self._heart.join()

    def _beat(self) -> None:
        while not self._released.wait(BEAT):
            if _said(self.run) != _name():
                self._lost.set()
                return
            with contextlib.suppress(WriteError):  # whoever trains will meet it too
                runs.beat(self.run)


@contextmanager
def claimed(run: Path) -> Iterator[Claim]:
    """Hold a run, as long as this process lives, so that no other trains it at the same time.

    Raises:
        HeldError: another process holds it; says which.
        WriteError: the run's folder cannot be written.
    """
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        file = (run / CLAIM).open("a+b", buffering=0)
    with file:
        with writing(run / CLAIM):
            if holder := _taken(run, file):
                raise HeldError([f"{run}: {holder} trains this run; wait, or end it"])
            file.truncate(0)
            file.write(_name().encode())
            _tidy(run)
        claim = Claim(run)
        with claim.beating():
            yield claim


def holder(run: Path) -> str | None:
    """The process that trains a run, if one does."""
    try:
        with (run / CLAIM).open("rb") as file:
            return _taken(run, file, looks=True)
    except OSError:
        return None


def state(run: Path) -> str | None:
    """The state of a run as it is: one that runs, though nobody trains it, is interrupted."""
    told = runs.status(run)
    return "interrupted" if told == "running" and holder(run) is None else told


def _taken(run: Path, file: IO[bytes], *, looks: bool = False) -> str | None:
    """Who holds a run, if another does; else its lock is taken, if there are locks."""
    locked = _lock(file, fcntl.LOCK_SH if looks else fcntl.LOCK_EX, tries=1 if looks else TRIES)
    said = _said(run)
    if locked is False:
        return said or SOMEBODY
    elsewhere = locked is None or not said.endswith(_here())
    return said if said and elsewhere and _heard_of(run) else None


def _lock(file: IO[bytes], kind: int, *, tries: int) -> bool | None:
    """Whether the lock was free, and is now held; None where the file system has no locks."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if tries <= 1:
            return False
        time.sleep(PAUSE)
        return _lock(file, kind, tries=tries - 1)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return True


def _heard_of(run: Path) -> bool:
    """Whether a heartbeat tells that a run is being trained."""
    known = runs.read_status(run)
    last = known.get("heartbeat")
    if known.get("state") != "running" or not isinstance(last, float):
        return False
    return time.time() - last < EXPIRES


def _said(run: Path) -> str:
    """What the claim of a run says of its holder."""
    try:
        return (run / CLAIM).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _name() -> str:
    return f"process {os.getpid()}{_here()}"


def _here() -> str:
    return f" on {platform.node()}"


def _tidy(run: Path) -> None:
    """Remove what a kill left half written of the files that training writes."""
    for name in (runs.CONFIG, runs.STATUS, "data.json", "metrics.jsonl", "log.txt"):
        for left in run.glob(f".{name}.*.part"):
            left.unlink(missing_ok=True)
