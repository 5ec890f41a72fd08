"""Files that are whole or not there."""

import os
import threading
from pathlib import Path

import pytest
from messages import exactly

from attn.files import (
    output_problems,
    read_json,
    update_json,
    write_bytes,
    write_json,
    write_text,
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
    with pytest.raises(OSError, match=exactly("disk full")):
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
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert output_problems("output", tmp_path / "new", folder=True) == [
        f"output={tmp_path / 'new'}: {tmp_path} must not be written to; give another path"
    ]
