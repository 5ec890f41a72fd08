"""Files fetched once from where their publishers put them: checked, whole or not there."""

import dataclasses
import fcntl
import importlib
from pathlib import Path

import pooch

from attn.registry import RunError
from attn.remarks import warn


@dataclasses.dataclass(frozen=True)
class Remote:
    """A file as its publisher has it: ``md5:…`` or ``sha256:…`` and bytes, where they are known."""

    url: str
    checksum: str | None = None
    size: int | None = None


def fetched(remote: Remote, path: Path) -> Path:
    """The file at a path, fetched first if it is not there.

    It comes into ``path.part``, which a later call continues, and gets its name when it is whole
    and has its checksum. Where none is published, the sha256 of what came is kept beside it, and
    later uses are compared with it. Processes that fetch the same file take turns.

    Raises:
        RunError: no connection, a refusal, a wrong checksum, a folder that cannot be written to.
    """
    if not path.is_file():
        try:
            _fetch_in_turn(remote, path)
        except OSError as error:
            raise RunError(
                f"{path.parent}: {remote.url} cannot be put there ({error.strerror or error}); "
                "name another folder, ATTN_DATA=FOLDER, or give dataset.root=FOLDER with the files"
            ) from error
    published = Remote(remote.url, expected(remote, path))
    if complaint := difference(path, published):
        raise RunError(f"{path}: {complaint}; remove it, and it is fetched again")
    return path


def _fetch_in_turn(remote: Remote, path: Path) -> None:
    """Fetch a file, unless another process does, or did before it was our turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            warn(f"waiting for another process, which fetches {path.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            # Apart, since its HTTP client comes slowly, and files that are there need none.
            importlib.import_module("attn.corpora.download.transfer").fetch(remote, path)


def difference(path: Path, remote: Remote) -> str | None:
    """How a file differs from what was published, if it does."""
    if remote.size is not None and path.stat().st_size != remote.size:
        return f"has {path.stat().st_size} bytes, must have {remote.size}"
    if remote.checksum is None:
        return None
    algorithm, _, wanted = remote.checksum.partition(":")
    found = pooch.file_hash(str(path), alg=algorithm)
    return None if found == wanted else f"its {algorithm} is {found}, must be {wanted}"


def expected(remote: Remote, path: Path) -> str | None:
    """The checksum that was published, or else the one of what came first."""
    if remote.checksum is None and record(path).is_file():
        return f"sha256:{record(path).read_text(encoding='utf-8').split()[0]}"
    return remote.checksum


def record(path: Path) -> Path:
    """Where the checksum of a file is kept that came without one."""
    return path.with_name(f"{path.name}.sha256")
