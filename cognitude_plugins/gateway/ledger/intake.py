"""What waits in the journal folder, read and parsed for one transaction; and how long the oldest of it has waited."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from .batch import Part
from .frames import unframe
from .records import TIME_MS
from .segments import Batch, consumed, read_batch, segments
from .slices import parse_all

MOST_ROWS: Final = 4000
"""Of one transaction, more or less: a segment's megabyte is about 1600 of them."""
_FRAME_BYTES: Final = 10
_PEEK_BYTES: Final = 16_384


@dataclass(slots=True, kw_only=True)
class Intake:
    """``parts`` per segment; also one without rows where it is not certain yet how far the database has the segment.
    ``unreadable`` are lines that are no rows. ``oldest_ms`` is the arrival of the oldest row in here or left behind;
    ``whole`` if nothing was left behind."""

    parts: dict[Path, Part] = field(default_factory=dict)
    unreadable: dict[Path, list[bytes]] = field(default_factory=dict)
    oldest_ms: int | None = None
    whole: bool = True

    def saw(self, time_ms: int | None) -> None:
        if time_ms is not None and (self.oldest_ms is None or time_ms < self.oldest_ms):
            self.oldest_ms = time_ms


def gather(folder: Path, offsets: Mapping[str, int], most_rows: int = MOST_ROWS) -> Intake:
    """From the segments, oldest first, beginning at ``offsets`` or where the journal's own notes say."""
    intake, left = Intake(), most_rows
    for path in segments(folder):
        start = offsets.get(path.name, -1)
        if left <= 0:
            intake.saw(oldest(path, start))
            intake.whole = False
            continue
        start = start if start >= 0 else consumed(path)
        size = _size(path)
        batch = _cut(read_batch(path, start), start, left)
        rows, refused = parse_all(batch.records)
        unreadable = [*batch.corrupt, *refused]
        if batch.end != start or path.name not in offsets:
            intake.parts[path] = Part(segment=path.name, start=start, end=batch.end, rows=rows)
        if unreadable:
            intake.unreadable[path] = unreadable
        intake.saw(min((row[TIME_MS] for row in rows), default=None))
        intake.whole = intake.whole and (size <= batch.end or not batch.records)
        left -= len(batch.records)
    return intake


def waiting_since(folder: Path, offsets: Mapping[str, int]) -> int | None:
    """When the oldest row that waits arrived, in milliseconds since 1970; None if nothing waits."""
    times = (oldest(path, offsets.get(path.name, -1)) for path in segments(folder))
    return min((time for time in times if time is not None), default=None)


def oldest(path: Path, start: int) -> int | None:
    """When the first row from ``start`` on arrived; from where the journal's notes say for a negative one."""
    try:
        with path.open("rb") as file:
            data = os.pread(file.fileno(), _PEEK_BYTES, start if start >= 0 else consumed(path))
    except FileNotFoundError:
        return None
    record = unframe(data.partition(b"\n")[0])
    if record is None:
        return None
    try:
        time = orjson.loads(record)["time_ms"]
    except (ValueError, KeyError, TypeError):
        return None
    return time if type(time) is int else None


def _cut(batch: Batch, start: int, most: int) -> Batch:
    """Only the first rows of a batch, where it is certain where the last of them ends."""
    whole = sum(len(record) + _FRAME_BYTES for record in batch.records) == batch.end - start
    if len(batch.records) <= most or batch.corrupt or not whole:
        return batch
    records = batch.records[:most]
    end = start + sum(len(record) + _FRAME_BYTES for record in records)
    return Batch(records=records, end=end, corrupt=[])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
