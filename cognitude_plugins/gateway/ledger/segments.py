"""The journal as its reader sees it: segment files in order, their records, and when one may be deleted.

Every function takes files that vanish meanwhile for empty ones. Other errors of the disk are raised as ``OSError``.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .frames import LONGEST_LINE, salvage, unframe

SUFFIX: Final = ".journal"
MARK: Final = ".read"

_SAMPLE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """``records`` in the order they were written; ``end`` is the offset to go on from, the same as before when there
    is nothing to read yet. ``corrupt`` are lines that are no records, each cut to 4 KiB; they are skipped."""

    records: list[bytes]
    end: int
    corrupt: list[bytes]


def segments(folder: Path) -> list[Path]:
    """The segments of every process, oldest first. A segment's file name is unique across machines."""
    with suppress(FileNotFoundError):
        return sorted(path for path in folder.iterdir() if is_segment(path.name))
    return []


def is_segment(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def read_batch(path: Path, offset: int, most_bytes: int = 1_048_576) -> Batch:
    """What was written completely from ``offset`` on; reads at most ``most_bytes``, or `LONGEST_LINE` if that is more.

    An incomplete last line is left for the next time while the owner may still be writing it; when the owner has left,
    it is corrupt. ``offset`` is 0 or the ``end`` of a batch.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Batch(records=[], end=offset, corrupt=[])
    try:
        # Asked before reading: what an owner that has left wrote is all there.
        left = _has_left(file)
        data = os.pread(file, max(most_bytes, LONGEST_LINE), offset)
        complete = data.rfind(b"\n") + 1
        if complete:
            return _batch(data[: complete - 1].split(b"\n"), offset + complete)
        if len(data) >= LONGEST_LINE:
            return _overlong(file, offset, left)
        return _batch([data], offset + len(data)) if left else Batch(records=[], end=offset, corrupt=[])
    finally:
        os.close(file)


def finished(path: Path) -> bool:
    """Whether the owner has closed the segment or died, so that nothing is added any more."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        return _has_left(file)
    finally:
        os.close(file)


def mark_consumed(path: Path, end: int) -> None:
    """Leave a note how far the segment is in the database, after that is committed.

    Only a hint, for the limit of the journal and for the count of lost rows; the offset that counts is the database's.
    """
    with suppress(OSError):
        if not path.exists():
            return
        file = os.open(_mark(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, b"%020d" % end, 0)
        finally:
            os.close(file)


def consumed(path: Path) -> int:
    """How far the segment is known to be in the database; 0 when nothing is known."""
    try:
        return int(_mark(path).read_bytes())
    except (OSError, ValueError):
        return 0


def remove(path: Path, end: int) -> bool:
    """Delete a segment that is in the database up to ``end``; True when it is gone.

    Nothing is done and False returned while its owner may still write, and when it wrote beyond ``end``.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        delete(path)
        return True
    try:
        if not _has_left(file) or os.fstat(file).st_size > end:
            return False
        delete(path)
        return True
    finally:
        os.close(file)


def delete(path: Path) -> bool:
    """Delete a segment whatever is in it, and its mark. False when somebody else has."""
    try:
        path.unlink()
        return True
    except FileNotFoundError:
        return False
    finally:
        with suppress(OSError):
            _mark(path).unlink()


def _mark(path: Path) -> Path:
    return path.with_name(path.name + MARK)


def _has_left(file: int) -> bool:
    """The owner holds the lock exclusively; any number of readers may look at the same time."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _batch(lines: list[bytes], end: int) -> Batch:
    records: list[bytes] = []
    corrupt: list[bytes] = []
    for line in lines:
        record = unframe(line)
        if record is None and line:
            corrupt.append(line[:_SAMPLE_BYTES])
            record = salvage(line)
        if record is not None:
            records.append(record)
    return Batch(records=records, end=end, corrupt=corrupt)


def _overlong(file: int, offset: int, left: bool) -> Batch:
    """A line longer than any record, read through to its end without keeping it; a record may be at its very end."""
    end = offset
    while chunk := os.pread(file, LONGEST_LINE, end):
        newline = chunk.find(b"\n")
        end += newline + 1 if newline >= 0 else len(chunk)
        if newline >= 0:
            break
    else:
        if not left:
            return Batch(records=[], end=offset, corrupt=[])
    tail = os.pread(file, min(LONGEST_LINE, end - offset), max(offset, end - LONGEST_LINE)).removesuffix(b"\n")
    record = salvage(tail)
    sample = os.pread(file, _SAMPLE_BYTES, offset)
    return Batch(records=[] if record is None else [record], end=end, corrupt=[sample])
