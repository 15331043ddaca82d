"""Hours of the day on which another price holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_EVERY_DAY: Final = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """``start`` and ``end`` are minutes since midnight UTC, ``end`` not included; ``weekdays`` start with Monday, 1.

    A window that ends before it starts goes over midnight; one that ends as it starts is the whole day.
    """

    start: int
    end: int
    weekdays: frozenset[int] = _EVERY_DAY

    def has(self, minute: int, weekday: int) -> bool:
        begun, over = minute >= self.start, minute >= self.end
        inside = begun and not over if self.start < self.end else begun or not over
        return inside and weekday in self.weekdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Several windows, their weekdays those of ``zone``. A moment is any aware ``datetime``."""

    windows: tuple[Window, ...]
    zone: tzinfo = UTC

    def __contains__(self, moment: datetime) -> bool:
        utc = moment.astimezone(UTC)
        minute, weekday = utc.hour * 60 + utc.minute, moment.astimezone(self.zone).isoweekday()
        return any(window.has(minute, weekday) for window in self.windows)

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Hours:
        """From the price map's ``windows`` and ``weekday_timezone``. Raises ``ValueError`` for anything else."""
        windows = block.get("windows")
        if not isinstance(windows, list) or not windows:
            raise ValueError("windows are a list that is not empty")
        return cls(
            windows=tuple(window for one in windows for window in _windows(one)),
            zone=_zone(block.get("weekday_timezone", "UTC")),
        )


def _zone(name: Any) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, TypeError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


def _windows(entry: Any) -> list[Window]:
    if not isinstance(entry, Mapping):
        raise ValueError(f"a window has hours_utc, not {entry!r}")
    spans = entry.get("hours_utc")
    weekdays = entry.get("weekdays", [*_EVERY_DAY])
    if not isinstance(weekdays, list) or not _EVERY_DAY.issuperset(weekdays):
        raise ValueError(f"weekdays are a list of numbers from 1 to 7, not {weekdays!r}")
    return [_window(span, frozenset(weekdays)) for span in (spans if isinstance(spans, list) else [spans])]


def _window(span: Any, weekdays: frozenset[int]) -> Window:
    found = _SPAN.fullmatch(span) if isinstance(span, str) else None
    if found is None:
        raise ValueError(f"hours are written 00:30-16:30, not {span!r}")
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    return Window(start=from_hour * 60 + from_minute, end=to_hour * 60 + to_minute, weekdays=weekdays)
