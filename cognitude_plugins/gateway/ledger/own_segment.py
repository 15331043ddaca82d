"""The segment file one process writes to: it holds an exclusive lock on it for as long as it does."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from .reserve import available
from .segments import SUFFIX

# macOS has no fdatasync.
_sync_data: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


class Segment:
    """Made by `create`. ``size`` is the number of bytes in the file, ``records`` how many were written."""

    __slots__ = ("_file", "_kept", "_torn", "path", "records", "size")

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.size = 0
        self.records = 0
        self._file = file
        self._torn = False
        self._kept = False

    @classmethod
    def create(cls, folder: Path) -> Segment:
        """A new, empty one with the folder it is in. It has its name only once it is locked, so that nobody takes it
        for one whose owner has left."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{time.time_ns() // 1000:016d}-{secrets.token_hex(8)}{SUFFIX}"
        hidden = path.with_name("." + path.name)
        file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except OSError:
            os.close(file)
            with suppress(OSError):
                hidden.unlink()
            raise
        return cls(path, file)

    def write(self, line: bytes) -> None:
        """The whole line in one ``write``, or an ``OSError``; what is left of a failed one spoils no other line."""
        if self._torn:
            line = b"\n" + line
        written = os.write(self._file, line)
        if written != len(line):
            self._write_rest(line, written)
        self._torn = False
        self.size += len(line)
        self.records += 1

    def sync(self) -> None:
        """Everything written before is on the disk when this returns, and so is the file's name."""
        _sync_data(self._file)
        if not self._kept:
            _sync_folder(self.path.parent)
            _sync_folder(self.path.parent.parent)
            self._kept = True

    def vanished(self) -> bool:
        """Whether somebody deleted the file or took its folder away."""
        return not self.path.exists()

    def available(self) -> int:
        """Bytes that its file system can still take."""
        return available(self._file)

    def close(self) -> None:
        """Leave it to the reader; if nothing was written, take it away."""
        if self.size == 0:
            with suppress(OSError):
                self.path.unlink()
        with suppress(OSError):
            os.close(self._file)

    def _write_rest(self, line: bytes, written: int) -> None:
        """A short write is how a full disk begins."""
        try:
            while written < len(line):
                more = os.write(self._file, line[written:])
                if more == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += more
        except OSError:
            self._cut_back()
            raise

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self._torn = True
            self.size = os.fstat(self._file).st_size


def _sync_folder(folder: Path) -> None:
    """A file's name is on the disk only when its folder is, and the folder's own in the one above."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
