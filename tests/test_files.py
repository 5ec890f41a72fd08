"""Files that are whole or not there."""

import errno
import os
import threading
from pathlib import Path

import pytest
from messages import exactly

from attn.files import (
    Journal,
    WriteError,
    output_problems,
    read_json,
    update_json,
    whole_lines,
    write_bytes,
    write_json,
    write_text,
    writing,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path):
    write_bytes(tmp_path / "new" / "deep" / "bytes", b"\x00\xff")
    write_text(tmp_path / "text", "Grüße\r\nan\n")
    write_json(tmp_path / "value.json", {"ä": [1, None, 2.5]})
    assert (tmp_path / "new" / "deep" / "bytes").read_bytes() == b"\x00\xff"
    assert (tmp_path / "text").read_bytes() == "Grüße\r\nan\n".encode()
    assert read_json(tmp_path / "value.json") == {"ä": [1, None, 2.5]}
    assert names(tmp_path) == ["new", "text", "value.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    write_text(tmp_path / "file", "old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), fail)
    message = f"{tmp_path / 'file'}: cannot be written (disk full)"
    with pytest.raises(WriteError, match=exactly(message)):
        write_text(tmp_path / "file", "new")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_the_new_file_is_whole_before_it_takes_the_name(tmp_path, monkeypatch):
    seen = []
    replace = Path.replace

    def watched(self, target):
        seen.append((self.read_text(), target.read_text()))
        return replace(self, target)

    write_text(tmp_path / "file", "old")
    monkeypatch.setattr(Path, "replace", watched)
    write_text(tmp_path / "file", "new")
    assert seen == [("new", "old")]


def test_changes_at_once_are_all_there(tmp_path):
    path = tmp_path / "run" / "scores.json"

    def add(number):
        update_json(path, lambda value: value.update({str(number): number}))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_json(path) == {str(number): number for number in range(13)}


def test_a_change_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"kept": 1})

    def fail(value):
        value["kept"] = 2
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match=exactly("no")):
        update_json(path, fail)
    assert read_json(path) == {"kept": 1}
    update_json(path, lambda value: value.update(more=2))
    assert read_json(path) == {"kept": 1, "more": 2}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device); make room on that disk"),
        (errno.EROFS, "Read-only file system); make it writable, or choose another folder"),
        (errno.EACCES, "Permission denied); make it writable, or choose another folder"),
        (errno.EIO, "Input/output error)"),
    ],
)
def test_what_cannot_be_written_is_told_with_what_helps(tmp_path, number, said):
    with (
        pytest.raises(WriteError, match=exactly(f"{tmp_path}: cannot be written ({said}")),
        writing(tmp_path / "not told, the inner one is"),
        writing(tmp_path),
    ):
        raise OSError(number, os.strerror(number))


def test_a_line_that_cannot_be_written_whole_is_taken_back(tmp_path):
    path = tmp_path / "lines"
    journal = Journal(path)
    journal.add("first")
    file, journal._file = journal._file, Full(journal._file)
    with pytest.raises(WriteError, match="No space left on device"):
        journal.add("second")
    journal._file = file
    journal.add("third")
    journal.close()
    assert whole_lines(path) == ["first", "third"]
    path.write_bytes(path.read_bytes() + "cut in ü".encode()[:-1])
    assert whole_lines(path) == ["first", "third"]
    assert whole_lines(tmp_path / "none") == []


class Full:
    """A file on a disk with room for three bytes."""

    def __init__(self, file):
        self.file, self.room = file, 3

    def write(self, content):
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.file.write(content[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_what_nothing_can_be_written_to_is_named(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    assert output_problems("output", tmp_path / "new" / "deep", folder=True) == []
    assert output_problems("output", tmp_path / "new" / "file", folder=False) == []
    assert output_problems("output", file, folder=False) == []
    assert output_problems("output", file, folder=True) == [
        f"output={file}: is a file; give another path"
    ]
    assert output_problems("output", tmp_path, folder=False) == [
        f"output={tmp_path}: is a folder; give another path"
    ]
    assert output_problems("output", file / "deep", folder=True) == [
        f"output={file / 'deep'}: {file} is a file, nothing can be put into it"
    ]
    assert output_problems("output", Path("/proc/new"), folder=True) == [
        "output=/proc/new: /proc cannot be written to; give another path"
    ]
    assert output_problems("output", Path("/dev/null"), folder=False) == []
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert output_problems("output", tmp_path / "new", folder=True) == [
        f"output={tmp_path / 'new'}: {tmp_path} cannot be written to; give another path"
    ]
