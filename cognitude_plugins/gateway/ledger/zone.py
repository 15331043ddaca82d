"""Days and hours of a time zone: its offsets from UTC over a stretch of time, and where one day or hour ends.

Times are milliseconds since 1970; an offset is what is added to a time of UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hooks import Unanswerable

from .rollups import DAY_MS, HOUR_MS

Span = Literal["day", "hour"]
WIDTHS: Final[dict[Span, int]] = {"day": DAY_MS, "hour": HOUR_MS}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998
_MOST_YEARS: Final = 200

Offset = tuple[int, int]
"""From when on, and how much."""


def known_zone(name: str) -> ZoneInfo:
    """Raises ``ValueError`` for what is no name of IANA's."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unanswerable(f"there is no time zone {name!r}", what="zone") from None


def offsets(zone: str, start: int, end: int) -> tuple[Offset, ...]:
    """Of ``[start, end)``, the first from ``start`` on. Raises ``ValueError`` for more than 200 years of a zone."""
    if zone == "UTC":
        return ((start, 0),)
    first, last = _year(start), _year(max(start, end - 1))
    if last - first > _MOST_YEARS:
        raise Unanswerable(
            f"days of {zone} are known of {_MOST_YEARS} years at once: ask for less than {first} to {last}", what="time"
        )
    found = [one for year in range(first, last + 1) for one in _of_year(zone, year)]
    place = max(0, bisect_right(found, start, key=lambda one: one[0]) - 1)
    kept = [(start, found[place][1])]
    kept += (one for one in found[place + 1 :] if one[0] < end)
    return (kept[0], *(one for before, one in pairwise(kept) if one[1] != before[1]))


def cuts(span: Span, found: Iterable[Offset], end: int) -> Iterator[int]:
    """Where a day or hour of the zone ends and the next begins, after the start of these offsets, up to ``end``."""
    width = WIDTHS[span]
    segments = list(found)
    before: int | None = None
    for (start, offset), (stop, _) in pairwise([*segments, (end, 0)]):
        # An hour that the clock goes through twice is two; a day is one whatever the clock does.
        if before is not None and (span == "hour" or (start - 1 + before) // width != (start + offset) // width):
            yield start
        first = start + 1 + -(start + 1 + offset) % width
        yield from range(first, stop, width)
        before = offset


@lru_cache(maxsize=4096)
def named(span: Span, local: int, offset: int) -> str:
    """``2026-11-30`` or ``2026-11-30T14:00+01:00`` for a time on the zone's clock and its offset."""
    when = _EPOCH + timedelta(milliseconds=local)
    if span == "day":
        return when.date().isoformat()
    return when.replace(tzinfo=timezone(timedelta(milliseconds=offset))).isoformat(timespec="minutes")


@lru_cache(maxsize=4096)
def _of_year(zone: str, year: int) -> tuple[Offset, ...]:
    """Those of a year of UTC, the first at its start. No zone has changed its offset twice within a day."""
    where = known_zone(zone)
    start, end = _new_year(year), _new_year(year + 1)
    found = [(start, _offset(where, start))]
    for midnight in range(start + DAY_MS, end + 1, DAY_MS):
        offset = _offset(where, midnight)
        if offset != found[-1][1]:
            found.append((_changed(where, midnight - DAY_MS, midnight), offset))
    return tuple(one for one in found if one[0] < end)


def _changed(where: ZoneInfo, low: int, high: int) -> int:
    """The first time of ``(low, high]`` with the offset of ``high``, in whole seconds."""
    offset = _offset(where, high)
    while high - low > 1000:
        middle = (low + high) // 2000 * 1000
        if _offset(where, middle) == offset:
            high = middle
        else:
            low = middle
    return high


def _offset(where: ZoneInfo, time: int) -> int:
    offset = (_EPOCH + timedelta(milliseconds=time)).astimezone(where).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)


def _year(time: int) -> int:
    return min(max(_FIRST_YEAR, (_EPOCH + timedelta(milliseconds=time)).year), _LAST_YEAR)


def _new_year(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
