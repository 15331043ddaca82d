"""A stretch of time as the fewest pieces that the ledger keeps: whole days, hours and minutes, and calls at the edges.

Days are those of UTC. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from .rollups import DAY_MS, HOUR_MS, MINUTE_MS

Kind = Literal["day", "hour", "minute", "call", "identity"]

_WIDTHS: Final[tuple[tuple[Kind, int], ...]] = (("day", DAY_MS), ("hour", HOUR_MS), ("minute", MINUTE_MS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizons:
    """From when on each kind is complete; each at the start of a day, the finer the later."""

    calls: int = 0
    minutes: int = 0
    hours: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """``[start, end)`` to be read from the sums of this kind, or from the calls."""

    kind: Kind
    start: int
    end: int


def tiles(start: int, end: int, horizons: Horizons) -> tuple[Tile, ...]:
    """``[start, end)``, both taken to the start of what is still kept of their time; no two overlap."""
    return tuple(_split(floor(start, horizons), floor(end, horizons), _WIDTHS))


def floor(time: int, horizons: Horizons) -> int:
    """The start of the hour, say, that a time is in, if hours are the finest that is kept of then."""
    if time >= horizons.calls:
        return time
    width = MINUTE_MS if time >= horizons.minutes else HOUR_MS if time >= horizons.hours else DAY_MS
    return time - time % width


def identity_tiles(start: int, end: int, horizons: Horizons) -> tuple[Tile, ...]:
    """The same for keys and users, of which there are sums per day only."""
    days = Horizons(calls=horizons.calls, minutes=horizons.calls, hours=horizons.calls)
    found = _split(floor(start, days), floor(end, days), _WIDTHS[:1])
    return tuple(Tile(kind="identity", start=one.start, end=one.end) if one.kind == "day" else one for one in found)


def _split(start: int, end: int, widths: tuple[tuple[Kind, int], ...]) -> Iterator[Tile]:
    if start >= end:
        return
    if not widths:
        yield Tile(kind="call", start=start, end=end)
        return
    (kind, width), finer = widths[0], widths[1:]
    first, last = start + -start % width, end - end % width
    if first >= last:
        yield from _split(start, end, finer)
        return
    yield from _split(start, first, finer)
    yield Tile(kind=kind, start=first, end=last)
    yield from _split(last, end, finer)
