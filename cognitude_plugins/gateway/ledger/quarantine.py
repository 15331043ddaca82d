"""Corrupt lines of the journal, kept aside for whoever wants to know what they were."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = "corrupt"
MOST_BYTES: Final = 16_777_216

log: Final = logging.getLogger("cognitude.ledger")


def quarantine(segment: Path, lines: Sequence[bytes]) -> int:
    """Append lines to a file of the segment's name in ``corrupt/`` beside it; returns how many were kept.

    Call it once what was read is committed: it does not notice repetitions. The folder does not grow beyond 16 MiB, and
    an error of the disk is logged, not raised: the lines are of no use to the ledger.
    """
    if not lines:
        return 0
    folder = segment.parent / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        room = MOST_BYTES - sum(path.stat().st_size for path in folder.iterdir())
        kept = _fitting(lines, room)
        if kept:
            _append(folder / segment.name, b"\n".join([*kept, b""]))
        return len(kept)
    except OSError as error:
        log.warning("corrupt lines of %s could not be kept: %s", segment.name, error)
        return 0


def _fitting(lines: Sequence[bytes], room: int) -> list[bytes]:
    kept = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _append(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, data)
    finally:
        os.close(file)
