"""A file system that fails: at the n-th change below a folder, and from then on as a real one."""

import builtins
import errno
import io
import os
from pathlib import Path

EVERYTHING = {"open", "write", "fsync", "mkdir", "rename", "unlink", "rmdir"}
KILL = "kill"
LASTING = {
    KILL: EVERYTHING,
    errno.ENOSPC: {"open", "write", "fsync", "mkdir"},
    errno.EROFS: EVERYTHING,
    errno.EACCES: set(),
}


class Killed(BaseException):
    """Stands for the end of the process: nothing is changed any more."""


class File:
    """A file whose writes are counted."""

    def __init__(self, file, path, disk):
        self.__dict__.update(file=file, path=path, disk=disk)

    def write(self, content):
        self.disk.change("write", self.path)
        return self.file.write(content)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


class Disk:
    """Counts what is changed below a folder: ``changes`` has the kind and the path of each."""

    def __init__(self, folder, *, at=None, error=errno.ENOSPC):
        self.folder, self.at, self.error = str(folder), at, error
        self.changes, self.failed = [], False

    def change(self, kind, path):
        if not str(path).startswith(self.folder):
            return
        self.changes.append((kind, str(path)))
        number = len(self.changes) - 1
        if number == self.at or (self.failed and kind in LASTING[self.error]):
            self.failed = True
            if self.error == KILL:
                raise Killed
            raise OSError(self.error, os.strerror(self.error), str(path))

    def counted(self, kind, call):
        def changed(path, *more, **named):
            self.change(kind, _place(path, named.get("dir_fd")))
            return call(path, *more, **named)

        return changed

    def opened(self, call):
        def opening(path, mode="r", *more, **named):
            if isinstance(path, int) or not set(mode) & set("wax+"):
                return call(path, mode, *more, **named)
            self.change("open", path)
            file = call(path, mode, *more, **named)
            return File(file, path, self) if str(path).startswith(self.folder) else file

        return opening

    def install(self, patch):
        for place in (builtins, io):
            patch.setattr(place, "open", self.opened(io.open))
        for name in ("fsync", "mkdir", "unlink", "remove", "rmdir"):
            kind = {"remove": "unlink"}.get(name, name)
            patch.setattr(os, name, self.counted(kind, getattr(os, name)))
        for name in ("rename", "replace"):
            patch.setattr(os, name, self.counted("rename", getattr(os, name)))


def _place(path, folder):
    if isinstance(path, int):
        return Path(f"/proc/self/fd/{path}").readlink()
    return Path(f"/proc/self/fd/{folder}").readlink() / path if folder is not None else path
