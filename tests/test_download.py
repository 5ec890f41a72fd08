"""Files are fetched once, whole and right, from a server that fails as servers do."""

import hashlib
import random
import subprocess
import sys
import threading
import time

import pytest
import requests
from serving import serving

from attn import files
from attn.corpora import download
from attn.corpora.download import fetched
from attn.registry import RunError

CONTENT = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)
BY_HAND = "or fetch it by hand as {path}, or give dataset.root=FOLDER with the files"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "corpus" / "file.tgz"


def names(path):
    """What lies in the folder of a file, hidden files left out."""
    return sorted(one.name for one in path.parent.glob("[!.]*"))


def refused(remote, path):
    """What is said when a file cannot be fetched."""
    with pytest.raises(RunError) as caught:
        fetched(remote, path)
    return str(caught.value)


def interrupted(server, path, content=CONTENT, **options):
    """The first part of a file, fetched from a server that breaks off twice."""
    remote = server.remote("file.tgz", content, **options)
    server.cuts = [200_000, 0]
    message = refused(remote, path)
    kept = path.with_name("file.tgz.part").stat().st_size
    assert 0 < kept < len(content)
    assert message == (
        f"{remote.url}: cannot be fetched: it broke off; {kept} bytes of it are kept, and the same "
        f"command goes on from there; {BY_HAND.format(path=path)}"
    )
    server.asked.clear()
    return remote, kept


def test_a_file_is_fetched_once(server, path, capsys):
    remote = server.remote("file.tgz", CONTENT, size=len(CONTENT))
    for _ in range(2):
        assert fetched(remote, path) == path
        assert path.read_bytes() == CONTENT
    assert server.places == [None]
    assert names(path) == ["file.tgz"]
    assert capsys.readouterr().err == f"fetching {remote.url} into {path.parent}\n"


def test_a_connection_that_breaks_is_taken_up_again(server, path):
    remote = server.remote("file.tgz", CONTENT)
    server.cuts = [200_000, 70_000]
    assert fetched(remote, path).read_bytes() == CONTENT
    first, *others = server.places
    assert first is None
    assert len(others) == 2
    assert all(int(place.removeprefix("bytes=").removesuffix("-")) > 0 for place in others)


def test_a_later_command_goes_on(server, path):
    remote, kept = interrupted(server, path)
    assert names(path) == ["file.tgz.part", "file.tgz.part.etag"]
    assert fetched(remote, path).read_bytes() == CONTENT
    [(_, headers)] = server.asked
    assert headers["Range"] == f"bytes={kept}-"
    assert headers["If-Range"] == '"one"'
    assert names(path) == ["file.tgz"]


def test_a_server_that_cannot_go_on_sends_all_again(server, path):
    remote, kept = interrupted(server, path)
    server.ranges = False
    assert fetched(remote, path).read_bytes() == CONTENT
    assert server.places == [f"bytes={kept}-"]


def test_a_server_that_sends_elsewhere_is_followed(server, path):
    remote, kept = interrupted(server, path)
    moved = download.Remote(f"{server.url}/old.tgz", remote.checksum)
    server.moved["/old.tgz"] = "/file.tgz"
    assert fetched(moved, path).read_bytes() == CONTENT
    assert server.places == [f"bytes={kept}-"] * 2


def test_a_file_that_changed_meanwhile_is_fetched_whole(server, path):
    interrupted(server, path)
    server.seal = '"two"'
    assert fetched(server.remote("file.tgz", OTHER), path).read_bytes() == OTHER


@pytest.mark.parametrize("seal", ["", 'W/"weak"'])
def test_without_seal_and_checksum_nothing_is_kept(server, path, seal):
    server.seal = seal
    remote = server.remote("file.tgz", CONTENT, checksum=None)
    server.cuts = [200_000, 200_000]
    assert refused(remote, path) == (
        f"{remote.url}: cannot be fetched: it broke off; try again, {BY_HAND.format(path=path)}"
    )
    assert names(path) == []
    server.files["/file.tgz"] = OTHER
    assert fetched(remote, path).read_bytes() == OTHER
    assert server.places == [None] * 3


def test_without_seal_the_checksum_says_whether_parts_fit(server, path):
    server.seal = ""
    remote, kept = interrupted(server, path)
    assert fetched(remote, path).read_bytes() == CONTENT
    assert server.places == [f"bytes={kept}-"]


def test_an_answer_from_another_place_is_not_put_there(server, path, monkeypatch):
    remote, _ = interrupted(server, path)
    whole = server.answer

    def elsewhere(asked, headers):
        status, said, content = whole(asked, headers)
        return status, {**said, "Content-Range": "bytes 7-299999/300000"}, content

    monkeypatch.setattr(server, "answer", elsewhere)
    assert fetched(remote, path).read_bytes() == CONTENT
    assert server.places[1:] == [None]


def test_what_is_whole_already_is_not_fetched_again(server, path):
    """A program that was ended just before the file got its name."""
    remote, _ = interrupted(server, path)
    path.with_name("file.tgz.part").write_bytes(CONTENT)
    assert fetched(remote, path).read_bytes() == CONTENT
    assert server.places == [f"bytes={len(CONTENT)}-"]


def test_more_than_there_is_is_thrown_away(server, path):
    remote, _ = interrupted(server, path)
    path.with_name("file.tgz.part").write_bytes(CONTENT + b"more")
    assert fetched(remote, path).read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_is_named_and_nothing_stays(server, path, algorithm):
    found = hashlib.new(algorithm, CONTENT).hexdigest()
    remote = server.remote("file.tgz", CONTENT, checksum=f"{algorithm}:{'0' * len(found)}")
    assert refused(remote, path) == (
        f"{remote.url}: its {algorithm} is {found}, must be {'0' * len(found)}; what came is "
        "thrown away; try again, and if it comes again, fetch the file elsewhere and give "
        "dataset.root=FOLDER"
    )
    assert names(path) == []


def test_a_wrong_size_is_named_and_nothing_stays(server, path):
    remote = server.remote("file.tgz", CONTENT, checksum=None, size=7)
    assert refused(remote, path) == (
        f"{remote.url}: has 300000 bytes, must have 7; what came is thrown away; try again, and if "
        "it comes again, fetch the file elsewhere and give dataset.root=FOLDER"
    )
    assert names(path) == []


def test_a_file_that_was_damaged_later_is_named(server, path):
    remote = server.remote("file.tgz", CONTENT)
    fetched(remote, path).write_bytes(OTHER)
    found, expected = (hashlib.sha256(one).hexdigest() for one in (OTHER, CONTENT))
    assert refused(remote, path) == (
        f"{path}: its sha256 is {found}, must be {expected}; remove it, and it is fetched again"
    )


def test_without_a_published_checksum_the_first_is_kept(server, path, capsys):
    remote = server.remote("file.tgz", CONTENT, checksum=None)
    digest = hashlib.sha256(CONTENT).hexdigest()
    fetched(remote, path)
    assert path.with_name("file.tgz.sha256").read_text() == f"{digest}  file.tgz\n"
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"no checksum of file.tgz is published; compared from now on with sha256 {digest}"
    ]
    found = hashlib.sha256(OTHER).hexdigest()
    fetched(remote, path).write_bytes(OTHER)
    assert refused(remote, path) == (
        f"{path}: its sha256 is {found}, must be {digest}; remove it, and it is fetched again"
    )
    path.unlink()
    server.files["/file.tgz"] = OTHER
    assert refused(remote, path) == (
        f"{remote.url}: its sha256 is {found}, must be {digest}; what came is thrown away; try "
        "again, and if it comes again, fetch the file elsewhere and give dataset.root=FOLDER"
    )


def test_a_file_that_is_not_there(server, path):
    remote = download.Remote(f"{server.url}/none.tgz")
    assert refused(remote, path) == (
        f"{remote.url}: cannot be fetched: the server answers 404 Not Found; try again, "
        f"{BY_HAND.format(path=path)}"
    )
    assert names(path) == []


def test_offline(path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        remote = server.remote("file.tgz", CONTENT)
    assert refused(remote, path) == (
        f"{remote.url}: cannot be fetched: no connection; try again, {BY_HAND.format(path=path)}"
    )
    assert names(path) == []


def test_a_server_that_is_not_who_it_says(path, monkeypatch):
    def refuse(*_, **__):
        raise requests.exceptions.SSLError

    monkeypatch.setattr(requests, "get", refuse)
    assert refused(download.Remote("https://elsewhere/file.tgz"), path) == (
        "https://elsewhere/file.tgz: cannot be fetched: the certificate of the server is not "
        f"accepted; try again, {BY_HAND.format(path=path)}"
    )


def test_a_server_that_does_not_answer(server, path, monkeypatch):
    monkeypatch.setattr("attn.corpora.download.transfer.PATIENCE", 0.1)
    server.wait.clear()
    remote = server.remote("file.tgz", CONTENT)
    assert refused(remote, path) == (
        f"{remote.url}: cannot be fetched: no answer within 0.1 seconds; try again, "
        f"{BY_HAND.format(path=path)}"
    )


def test_a_server_that_falls_silent(server, path, monkeypatch):
    monkeypatch.setattr("attn.corpora.download.transfer.PATIENCE", 0.1)
    server.pause = 0.3
    remote = server.remote("file.tgz", CONTENT)
    assert refused(remote, path) == (
        f"{remote.url}: cannot be fetched: it broke off; try again, {BY_HAND.format(path=path)}"
    )


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    remote = server.remote("file.tgz", CONTENT)
    folder = tmp_path / "file" / "corpus"
    assert refused(remote, folder / "file.tgz") == (
        f"{folder}: {remote.url} cannot be put there (Not a directory); name another folder, "
        "ATTN_DATA=FOLDER, or give dataset.root=FOLDER with the files"
    )
    assert server.asked == []


def test_a_file_that_is_there_needs_a_folder_for_reading_alone(server, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    path.parent.chmod(0o555)
    fetched(server.remote("file.tgz", CONTENT), path)
    assert [one.name for one in path.parent.iterdir()] == ["file.tgz"]


def test_of_two_programs_at_once_one_waits_for_the_other(server, path, monkeypatch):
    said = []  # in threads, what goes to a captured stream may be lost while it is read
    for place in ("attn.corpora.download", "attn.corpora.download.transfer"):
        monkeypatch.setattr(f"{place}.warn", said.append)
    remote = server.remote("file.tgz", CONTENT)
    server.wait.clear()
    threads = [threading.Thread(target=fetched, args=(remote, path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(said) < 2:
        time.sleep(0.005)
    server.wait.set()
    for thread in threads:
        thread.join()
    assert sorted(said) == [
        f"fetching {remote.url} into {path.parent}",
        "waiting for another process, which fetches file.tgz",
    ]
    assert server.places == [None]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("kills", [1, pytest.param(24, marks=pytest.mark.slow)])
def test_a_program_that_is_killed_is_gone_on_from(server, path, kills):
    """Killed at any byte; what stays is a part, and its file comes whole."""
    remote = server.remote("file.tgz", CONTENT)
    call = f"fetched(Remote({remote.url!r}, {remote.checksum!r}), Path({str(path)!r}))"
    imports = "from pathlib import Path; from attn.corpora.download import Remote, fetched"
    server.pause = 0.01
    for number in range(kills):
        with subprocess.Popen([sys.executable, "-c", f"{imports}; {call}"]) as program:
            while len(server.asked) <= number and program.poll() is None:
                time.sleep(0.005)
            time.sleep(0.02 + 0.003 * number)
            program.kill()
        assert not path.exists()
        server.pause += 0.002
    server.pause = 0
    assert fetched(remote, path).read_bytes() == CONTENT
    assert names(path) == ["file.tgz"]


def test_progress_is_shown_on_a_terminal(server, path, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    fetched(server.remote("file.tgz", CONTENT), path)
    assert "300.0/300.0 kB" in capsys.readouterr().err


def test_where_corpora_are_put(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTN_CACHE", str(tmp_path))
    monkeypatch.delenv("ATTN_DATA", raising=False)
    assert files.data_folder() == tmp_path / "data"
    monkeypatch.setenv("ATTN_DATA", "here")
    monkeypatch.chdir(tmp_path)
    assert files.data_folder() == tmp_path / "here"
