"""What the journal of all processes takes up, and how the oldest of it is given up."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .segments import MARK, SUFFIX, consumed, delete, finished, is_segment

_LEFTOVER_SECONDS: Final = 60.0
_CHUNK_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A segment with ``waiting`` bytes that are not known to be in the database."""

    path: Path
    waiting: int


def look(folder: Path) -> list[Found]:
    """The segments, oldest first. Raises ``OSError`` when the folder cannot be read."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_segment(entry.name):
                with suppress(FileNotFoundError):
                    path = Path(entry.path)
                    found.append(Found(path=path, waiting=max(0, entry.stat().st_size - consumed(path))))
    return sorted(found, key=lambda one: one.path)


def give_up(path: Path) -> int:
    """Delete a segment; returns how many rows were in it, as far as it can be read, that are not known to be in the
    database. Raises ``OSError`` when it cannot be deleted."""
    rows = 0
    with suppress(OSError):
        for chunk in _chunks(path, consumed(path)):
            rows += chunk.count(b"\n")
    return rows if delete(path) else 0


def tidy(folder: Path) -> None:
    """Take away what processes left that were killed while they made or deleted a segment."""
    for path in folder.iterdir():
        orphan = path.suffix == MARK and not path.with_suffix("").exists()
        unborn = path.name.startswith(".") and path.suffix == SUFFIX and _is_old(path) and finished(path)
        if orphan or unborn:
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _LEFTOVER_SECONDS
    except FileNotFoundError:
        return False


def _chunks(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
