"""A file that only takes up space: given back when the disk is full, it holds the rows of the calls in flight."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

NAME: Final = "reserve"


class Reserve:
    """One for all processes in ``folder``; of ``size`` bytes."""

    def __init__(self, folder: Path, size: int) -> None:
        self._path = folder / NAME
        self._size = size

    def release(self) -> bool:
        """False when it was used up before."""
        try:
            self._path.unlink()
            return True
        except OSError:
            return False

    def keep(self) -> None:
        """See to it that it is there. Raises ``OSError`` when there is no space for it.

        There must be space for it twice, so that making it takes the last space away from no row.
        """
        if self._held():
            return
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if available(file) < 2 * self._size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left = self._size
            while left:
                left -= os.write(file, bytes(left))
        except OSError:
            self.release()
            raise
        finally:
            os.close(file)

    def _held(self) -> bool:
        try:
            return self._path.stat().st_size >= self._size
        except FileNotFoundError:
            return False


def available(file: int) -> int:
    """Bytes that the file system of an open file can still take."""
    state = os.fstatvfs(file)
    blocks = state.f_bfree if os.geteuid() == 0 else state.f_bavail
    return blocks * state.f_frsize
