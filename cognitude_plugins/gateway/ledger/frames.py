"""A record as a line of the journal: its CRC-32 in eight hexadecimal digits, a space, the record, a newline."""

from __future__ import annotations

import re
from typing import Final
from zlib import crc32

LONGEST_RECORD: Final = 1_048_576
LONGEST_LINE: Final = LONGEST_RECORD + 10

_START: Final = re.compile(rb"(?=([0-9a-f]{8} ))")
_MOST_STARTS: Final = 16


def frame(record: bytes) -> bytes:
    """Raises ``ValueError`` for what could not be read back: more than `LONGEST_RECORD` bytes, none, or a newline."""
    if not 0 < len(record) <= LONGEST_RECORD or b"\n" in record:
        raise ValueError(f"a record is one line of 1 to {LONGEST_RECORD} bytes; this one has {len(record)}")
    return b"%08x %b\n" % (crc32(record), record)


def unframe(line: bytes) -> bytes | None:
    """The record of a line without its newline; None for anything that is not exactly what `frame` made.

    No record is empty: the sum of nothing is 0, so that zeros would be taken for one.
    """
    record = line[9:]
    return record if record and line[:9] == b"%08x " % crc32(record) else None


def salvage(line: bytes) -> bytes | None:
    """The intact frame at the end of a damaged line: what is left when the newline before it was lost.

    Only the last few places that look like the start of a frame are tried, which bounds the time.
    """
    starts = [found.start() for found in _START.finditer(line[-LONGEST_LINE:])][-_MOST_STARTS:]
    for start in starts:
        record = unframe(line[-LONGEST_LINE:][start:])
        if record is not None:
            return record
    return None
