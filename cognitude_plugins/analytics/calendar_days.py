"""Days of a time zone as milliseconds of UTC, and the day of a row in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field
from sqlalchemy import ColumnElement, case, literal

from .midnights import begun, ended, zone_of

_DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = date(1970, 1, 2)
_LAST: Final = date(9998, 12, 30)
"""Days that any zone has, and that have ones before and after them."""
_WRITTEN: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written(value: object) -> object:
    """pydantic would take seconds since 1970, too."""
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise ValueError("must be a date as in 2026-11-30")
    return value


Day = Annotated[date, BeforeValidator(_written), Field(ge=_FIRST, le=_LAST)]
"""Of a query."""


@dataclass(frozen=True, slots=True)
class Days:
    """``dates`` in their order; ``starts`` has where each begins, and at the end where the last one ends."""

    dates: tuple[date, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, first: date, last: date, zone: str) -> Days:
        """Both included. A day begins at its midnight, or at the first time after it that there is."""
        count = (last - first).days + 1
        dates = tuple(first + timedelta(days=number) for number in range(count))
        found = zone_of(zone)
        starts = [*(begun(one, found) for one in dates), ended(last, found)]
        return cls(dates, tuple(round((one - _EPOCH).total_seconds() * 1000) for one in starts))

    @property
    def begun(self) -> tuple[datetime, ...]:
        """When each of them begins."""
        return tuple(_EPOCH + timedelta(milliseconds=one) for one in self.starts[:-1])

    @property
    def since(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.starts[0])

    @property
    def until(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.starts[-1])

    def number(self, time_ms: ColumnElement[Any]) -> ColumnElement[Any]:
        """Which of them, from 0, a time of these days is in. Days of 24 hours one after the other are one division."""
        runs = list(self._runs())
        branches = [(time_ms < after[0], _within(time_ms, run)) for run, after in pairwise(runs)]
        last = _within(time_ms, runs[-1])
        return case(*branches, else_=last) if branches else last

    def _runs(self) -> Iterator[tuple[int, int, bool]]:
        """Where days of the same length begin: milliseconds, number, and whether they have 24 hours."""
        lengths = [end - start for start, end in pairwise(self.starts)]
        for number, length in enumerate(lengths):
            if number == 0 or length != _DAY_MS or lengths[number - 1] != _DAY_MS:
                yield self.starts[number], number, length == _DAY_MS


def _within(time_ms: ColumnElement[Any], run: tuple[int, int, bool]) -> ColumnElement[Any]:
    start, number, regular = run
    return (time_ms - start) // literal(_DAY_MS) + number if regular else literal(number)
