"""Times as the database has them, milliseconds since 1970, and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def moment(ms: int | None) -> str | None:
    """``2026-11-21T07:15:23.123Z``."""
    if ms is None:
        return None
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(time: datetime | None) -> int | None:
    """Of a time with its zone."""
    return None if time is None else (time - _EPOCH) // _MS
