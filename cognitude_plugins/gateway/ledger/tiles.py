"""A stretch of time as the fewest pieces that the ledger keeps: whole days, hours and minutes, and calls at the edges.

Days are those of UTC. Times are milliseconds since 1970. What is to be split at other times than the borders of these
(``cuts``, rising: days of another zone) is put together of finer ones there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from hooks import Unanswerable

from .rollups import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS

Kind = Literal["day", "hour", "quarter", "minute", "call", "identity", "facet_minute", "facet_quarter", "facet_day"]

LENGTHS: Final[Mapping[Kind, int]] = {
    "day": DAY_MS,
    "identity": DAY_MS,
    "hour": HOUR_MS,
    "quarter": QUARTER_MS,
    "minute": MINUTE_MS,
    "call": 1,
    "facet_minute": MINUTE_MS,
    "facet_quarter": QUARTER_MS,
    "facet_day": DAY_MS,
}


class Width(NamedTuple):
    """``since`` is the start of the first day that is read from it."""

    kind: Kind
    width: int
    since: int = 0


_WIDTHS: Final = (Width("day", DAY_MS), Width("hour", HOUR_MS), Width("minute", MINUTE_MS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizons:
    """From when on each kind is complete; each at the start of a day, the finer the later.

    Calls may be complete for longer than sums by facet, of which a database from before has none; of those of all
    models together there are none before ``totals``, and later the same as by model.
    """

    calls: int = 0
    minutes: int = 0
    hours: int = 0
    facet_minutes: int = 0
    quarters: int = 0
    totals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """``[start, end)`` to be read from the sums of this kind, or from the calls.

    A day that is cut once is read whole and counts with its noon. Its part on the other side of the cut is ``moved``:
    to be taken from where the noon counts, and added to where it belongs. That is less to read than all its hours.
    ``rest`` is of all calls, from which those by one tag are set apart; ``total`` of all models together.
    """

    kind: Kind
    start: int
    end: int
    moved: bool = False
    rest: bool = False
    total: bool = False


def total_tiles(start: int, end: int, horizons: Horizons, cuts: Sequence[int] = ()) -> tuple[Tile, ...]:
    """The same as `tiles` where models need not be told apart: fewer to read, and quarters of an hour among them."""
    start, end = floor(start, horizons), floor(end, horizons)
    possible(start, end, cuts, horizons)
    since = max(horizons.totals, horizons.minutes)
    widths = (*_WIDTHS[:2], Width("quarter", QUARTER_MS, since), *_WIDTHS[2:])
    return tuple(one for tile in split(start, end, widths, cuts) for one in _totalled(tile, horizons.totals))


def _totalled(tile: Tile, since: int) -> Iterator[Tile]:
    if tile.kind == "call" or tile.end <= since:
        yield tile
        return
    if tile.start < since:
        yield replace(tile, end=since)
    yield replace(tile, start=max(tile.start, since), total=True)


def tiles(start: int, end: int, horizons: Horizons, cuts: Sequence[int] = ()) -> tuple[Tile, ...]:
    """``[start, end)``, both taken to the start of what is still kept of their time; no two overlap but moved ones.

    Raises ``ValueError`` for a cut where what is kept of its time is too coarse for it.
    """
    start, end = floor(start, horizons), floor(end, horizons)
    possible(start, end, cuts, horizons)
    return tuple(split(start, end, _WIDTHS, cuts))


def floor(time: int, horizons: Horizons) -> int:
    """The start of the hour, say, that a time is in, if hours are the finest that is kept of then."""
    return time - time % _finest(time, horizons)


def _finest(time: int, horizons: Horizons) -> int:
    if time >= horizons.calls:
        return 1
    return MINUTE_MS if time >= horizons.minutes else HOUR_MS if time >= horizons.hours else DAY_MS


def identity_tiles(start: int, end: int, horizons: Horizons, cuts: Sequence[int] = ()) -> tuple[Tile, ...]:
    """The same for keys and users together, of which there are sums per day only."""
    days = Horizons(calls=horizons.calls, minutes=horizons.calls, hours=horizons.calls)
    start, end = floor(start, days), floor(end, days)
    possible(start, end, cuts, days)
    return tuple(split(start, end, (Width("identity", DAY_MS),), cuts))


def possible(
    start: int, end: int, cuts: Sequence[int], horizons: Horizons, finest: Callable[[int], int] | None = None
) -> None:
    """Raises `Unanswerable` for a cut at which nothing begins that is kept of its time."""
    for cut in cuts[bisect_right(cuts, start) : bisect_left(cuts, min(end, horizons.calls))]:
        if cut % (width := finest(cut) if finest else _finest(cut, horizons)):
            when = datetime.fromtimestamp(cut / 1000, UTC).isoformat()
            name, since = _fine_enough(cut, horizons) if finest is None else _finer_facet(cut, horizons)
            raise Unanswerable(
                f"sums of {when} are kept by {_KEPT[width]} of UTC only, and cannot be split there: ask for a later "
                "since, or without hours and days of a zone",
                what="time",
                name=name,
                since=datetime.fromtimestamp(since / 1000, UTC),
            )


_KEPT: Final = {MINUTE_MS: "minute", QUARTER_MS: "quarter of an hour", HOUR_MS: "hour", DAY_MS: "day"}


def _finer_facet(cut: int, horizons: Horizons) -> tuple[str, int]:
    """A zone's offset is a number of quarters of an hour, but for some of long ago."""
    first = min(horizons.calls, horizons.quarters)
    return ("calls", horizons.calls) if cut % QUARTER_MS or first == horizons.calls else ("quarters", first)


def _fine_enough(cut: int, horizons: Horizons) -> tuple[str, int]:
    """What can be split at such a time, and since when it is kept."""
    if cut % HOUR_MS:
        name, since = ("calls", horizons.calls) if cut % MINUTE_MS else ("minutes", horizons.minutes)
    else:
        name, since = "hours", horizons.hours
    return "calls" if since == horizons.calls else name, since


def split(start: int, end: int, widths: tuple[Width, ...], cuts: Sequence[int]) -> Iterator[Tile]:
    """The widest that fit first, and at their edges and where they are cut the finer ones; in the end calls."""
    if start >= end:
        return
    if not widths:
        yield Tile(kind="call", start=start, end=end)
        return
    (kind, width, since), finer = widths[0], widths[1:]
    first, last = max(start, since), end - end % width
    first += -first % width
    if first >= last:
        yield from split(start, end, finer, cuts)
        return
    yield from split(start, first, finer, cuts)
    inner = [cut for cut in cuts[bisect_right(cuts, first) : bisect_left(cuts, last)] if cut % width]
    pieces = Counter(cut - cut % width for cut in inner)
    once = {piece for piece, count in pieces.items() if kind == "day" and count == 1}
    yield from _moved([cut for cut in inner if cut - cut % width in once], finer)
    place = first
    for low, high in _joined(sorted(pieces.keys() - once), width):
        if place < low:
            yield Tile(kind=kind, start=place, end=low)
        yield from split(low, high, finer, cuts)
        place = high
    if place < last:
        yield Tile(kind=kind, start=place, end=last)
    yield from split(last, end, finer, cuts)


def _moved(cuts: Iterable[int], finer: tuple[Width, ...]) -> Iterator[Tile]:
    """What is on the other side of the cut than noon."""
    for cut in cuts:
        day = cut - cut % DAY_MS
        low, high = (day, cut) if cut <= noon_of(cut) else (cut, day + DAY_MS)
        yield from (replace(tile, moved=True) for tile in split(low, high, finer, ()))


def noon_of(time: Any) -> Any:
    """Of the day of UTC that a time is in; also in SQL."""
    return time - time % DAY_MS + DAY_MS // 2


def _joined(starts: Iterable[int], width: int) -> Iterator[tuple[int, int]]:
    """Pieces of one width, those that follow one another together."""
    low = high = None
    for start in starts:
        if high is not None and low is not None and start > high:
            yield low, high
            low = start
        low, high = start if low is None else low, start + width
    if low is not None and high is not None:
        yield low, high
