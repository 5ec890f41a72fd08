"""One file over HTTP, continued where it broke off."""

import contextlib
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from attn.corpora.download import Remote, difference, expected, record
from attn.files import write_text
from attn.registry import RunError
from attn.remarks import warn

CHUNK = 64 * 1024  # bytes; what a broken connection loses at most
PATIENCE = 30  # seconds without a byte after which a connection counts as broken


def fetch(remote: Remote, path: Path) -> None:
    """Fetch a file, from where it broke off before.

    Raises:
        RunError: no connection, a refusal, a wrong checksum.
    """
    part = path.with_name(f"{path.name}.part")
    warn(f"fetching {remote.url} into {path.parent}")
    while True:
        before = _size(part)
        try:
            _Transfer(remote, part).run()
            break
        except _Whole:
            break
        except requests.RequestException as error:
            if _size(part) > before or isinstance(error, _StartAgain):
                continue
            raise RunError(
                f"{remote.url}: cannot be fetched: {_reason(error)}; {_kept(remote, part)}"
                f"or fetch it by hand as {path}, or give dataset.root=FOLDER with the files"
            ) from error
    checksum = expected(remote, path)
    if complaint := difference(part, Remote(remote.url, checksum, remote.size)):
        _forget(part)
        raise RunError(
            f"{remote.url}: {complaint}; what came is thrown away; try again, and if it comes "
            f"again, fetch the file elsewhere and give dataset.root=FOLDER"
        )
    if checksum is None:
        digest = pooch.file_hash(str(part), alg="sha256")
        write_text(record(path), f"{digest}  {path.name}\n")
        warn(f"no checksum of {path.name} is published; compared from now on with sha256 {digest}")
    part.replace(path)
    _forget(part)


class _StartAgain(requests.RequestException):
    """The server has no use for what came before."""


class _Whole(requests.RequestException):
    """The server has nothing more than came before."""


class _Transfer:
    """One answer of a server, written behind what is there if the server goes on from there."""

    def __init__(self, remote: Remote, part: Path) -> None:
        self.remote, self.part, self.bar = remote, part, _Bar(part.stem)
        self.seal, self.start = _seal(part), _start(remote, part)

    def run(self) -> None:
        """Ask for what is missing, and write it."""
        headers = {"Accept-Encoding": "identity"}
        if self.start:
            headers["Range"] = f"bytes={self.start}-"
            if self.seal:
                headers["If-Range"] = self.seal
        with self.part.open("ab") as file, self.bar, contextlib.ExitStack() as answers:
            pooch.HTTPDownloader(
                progressbar=self.bar,
                chunk_size=CHUNK,
                timeout=PATIENCE,
                headers=headers,
                hooks={
                    "response": lambda answer, **_: self._begin(answers.enter_context(answer), file)
                },
            )(self.remote.url, file, None)

    def _begin(self, response: requests.Response, file: BinaryIO) -> None:
        """Before the first byte is written: whether it belongs behind those that are there."""
        place = response.headers.get("Content-Range", "")
        if response.status_code == 416 and place == f"bytes */{self.start}":
            raise _Whole
        if response.status_code in {206, 416} and not place.startswith(f"bytes {self.start}-"):
            file.truncate(0)
            raise _StartAgain if self.start else requests.RequestException
        if response.status_code == 200:
            file.truncate(0)
            seal = response.headers.get("ETag", "")
            if not seal or seal.startswith("W/"):
                seal = response.headers.get("Last-Modified", "")
            write_text(_sealed(self.part), seal)
        self.bar.start = self.start if response.status_code == 206 else 0


class _Bar:
    """What pooch tells of its progress, as a line on a terminal."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(stderr=True)
        self.progress = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self.task = self.progress.add_task(name, total=None)
        self.start = self.total = 0

    def __enter__(self) -> None:
        """Show it."""
        self.progress.start()

    def __exit__(self, *error: object) -> None:
        """Take it away."""
        self.progress.stop()

    def update(self, count: int) -> None:
        """So many bytes more; all of them, after ``reset``."""
        self.progress.update(self.task, total=self.start + self.total, advance=count)

    def reset(self) -> None:
        """Begin to count again."""
        self.progress.reset(self.task, completed=self.start)

    def close(self) -> None:
        """All has come."""


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {PATIENCE} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate of the server is not accepted"
    # Once the answer has begun, requests tells of no request.
    began = not isinstance(error, requests.ConnectionError) or error.request is None
    return "it broke off" if began else "no connection"


def _kept(remote: Remote, part: Path) -> str:
    """What there is to go on from; what is of no use goes."""
    if start := _start(remote, part):
        return f"{start} bytes of it are kept, and the same command goes on from there; "
    _forget(part)
    return "try again, "


def _start(remote: Remote, part: Path) -> int:
    """Where to go on; with neither seal nor checksum a file that has changed would not be seen."""
    return _size(part) if _seal(part) or remote.checksum else 0


def _seal(part: Path) -> str:
    """What the server calls the version of a file that a part is of."""
    path = _sealed(part)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _sealed(part).unlink(missing_ok=True)


def _sealed(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
