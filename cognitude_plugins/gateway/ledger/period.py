"""Whole days of UTC as somebody asks for them: two dates, both included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_DAYS: Final = 30
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class WrongQuery(ValueError):
    """What was asked for cannot be answered. ``param`` is what is wrong with it."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param: Final = param


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    start: date
    end: date

    @classmethod
    def of(cls, start: str | None, end: str | None, today: date, *, names: tuple[str, str]) -> Period:
        """The last 30 days by default. ``names`` are what start and end are called; raises `WrongQuery`."""
        last = today if end is None else _date(names[1], end)
        first = _days_before(last) if start is None else _date(names[0], start)
        if first > last:
            raise WrongQuery(names[0], f"{names[0]} {first} is after {names[1]} {last}.")
        return cls(start=first, end=last)

    @property
    def since(self) -> datetime:
        return datetime.combine(self.start, time.min, UTC)

    @property
    def until(self) -> datetime:
        """The last microsecond: the ledger has milliseconds, and there is no day after the last of year 9999."""
        return datetime.combine(self.end, time.max, UTC)


def _date(name: str, text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WrongQuery(name, f"{name} must be a date as in 2026-11-30, not {text[:80]!r}.")


def _days_before(last: date) -> date:
    return last - min(timedelta(days=_DAYS - 1), last - date.min)
