"""A stretch of time as the fewest pieces that the ledger keeps: whole days, hours and minutes, and calls at the edges.

Days are those of UTC. Times are milliseconds since 1970. What is to be split at other times than the borders of these
(``cuts``, rising: days of another zone) is put together of finer ones there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from hooks import Unanswerable

from .rollups import DAY_MS, HOUR_MS, MINUTE_MS

Kind = Literal["day", "hour", "minute", "call", "identity"]

LENGTHS: Final[Mapping[Kind, int]] = {
    "day": DAY_MS,
    "identity": DAY_MS,
    "hour": HOUR_MS,
    "minute": MINUTE_MS,
    "call": 1,
}
_WIDTHS: Final[tuple[tuple[Kind, int], ...]] = (("day", DAY_MS), ("hour", HOUR_MS), ("minute", MINUTE_MS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizons:
    """From when on each kind is complete; each at the start of a day, the finer the later."""

    calls: int = 0
    minutes: int = 0
    hours: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """``[start, end)`` to be read from the sums of this kind, or from the calls.

    A day that is cut once is read whole and counts with its noon. Its part on the other side of the cut is ``moved``:
    to be taken from where the noon counts, and added to where it belongs. That is less to read than all its hours.
    """

    kind: Kind
    start: int
    end: int
    moved: bool = False


def tiles(start: int, end: int, horizons: Horizons, cuts: Sequence[int] = ()) -> tuple[Tile, ...]:
    """``[start, end)``, both taken to the start of what is still kept of their time; no two overlap but moved ones.

    Raises ``ValueError`` for a cut where what is kept of its time is too coarse for it.
    """
    start, end = floor(start, horizons), floor(end, horizons)
    _possible(start, end, cuts, horizons)
    return tuple(_split(start, end, _WIDTHS, cuts))


def floor(time: int, horizons: Horizons) -> int:
    """The start of the hour, say, that a time is in, if hours are the finest that is kept of then."""
    return time - time % _finest(time, horizons)


def identity_tiles(start: int, end: int, horizons: Horizons, cuts: Sequence[int] = ()) -> tuple[Tile, ...]:
    """The same for keys and users, of which there are sums per day only."""
    days = Horizons(calls=horizons.calls, minutes=horizons.calls, hours=horizons.calls)
    start, end = floor(start, days), floor(end, days)
    _possible(start, end, cuts, days)
    found = _split(start, end, _WIDTHS[:1], cuts, moving=False)
    return tuple(Tile(kind="identity", start=one.start, end=one.end) if one.kind == "day" else one for one in found)


def _finest(time: int, horizons: Horizons) -> int:
    if time >= horizons.calls:
        return 1
    return MINUTE_MS if time >= horizons.minutes else HOUR_MS if time >= horizons.hours else DAY_MS


def _possible(start: int, end: int, cuts: Sequence[int], horizons: Horizons) -> None:
    for cut in cuts[bisect_right(cuts, start) : bisect_left(cuts, min(end, horizons.calls))]:
        if cut % (width := _finest(cut, horizons)):
            kept = {MINUTE_MS: "minute", HOUR_MS: "hour", DAY_MS: "day"}[width]
            when = datetime.fromtimestamp(cut / 1000, UTC).isoformat()
            name, since = _fine_enough(cut, horizons)
            raise Unanswerable(
                f"sums of {when} are kept by {kept} of UTC only, and cannot be split there: ask for a later since, "
                "or without hours and days of a zone",
                what="time",
                name=name,
                since=datetime.fromtimestamp(since / 1000, UTC),
            )


def _fine_enough(cut: int, horizons: Horizons) -> tuple[str, int]:
    """What can be split at such a time, and since when it is kept."""
    if cut % HOUR_MS:
        name, since = ("calls", horizons.calls) if cut % MINUTE_MS else ("minutes", horizons.minutes)
    else:
        name, since = "hours", horizons.hours
    return "calls" if since == horizons.calls else name, since


def _split(
    start: int, end: int, widths: tuple[tuple[Kind, int], ...], cuts: Sequence[int], *, moving: bool = True
) -> Iterator[Tile]:
    if start >= end:
        return
    if not widths:
        yield Tile(kind="call", start=start, end=end)
        return
    (kind, width), finer = widths[0], widths[1:]
    first, last = start + -start % width, end - end % width
    if first >= last:
        yield from _split(start, end, finer, cuts)
        return
    yield from _split(start, first, finer, cuts)
    inner = [cut for cut in cuts[bisect_right(cuts, first) : bisect_left(cuts, last)] if cut % width]
    pieces = Counter(cut - cut % width for cut in inner)
    once = {piece for piece, count in pieces.items() if moving and kind == "day" and count == 1}
    yield from _moved([cut for cut in inner if cut - cut % width in once], finer)
    place = first
    for low, high in _joined(sorted(pieces.keys() - once), width):
        if place < low:
            yield Tile(kind=kind, start=place, end=low)
        yield from _split(low, high, finer, cuts)
        place = high
    if place < last:
        yield Tile(kind=kind, start=place, end=last)
    yield from _split(last, end, finer, cuts)


def _moved(cuts: Iterable[int], finer: tuple[tuple[Kind, int], ...]) -> Iterator[Tile]:
    """What is on the other side of the cut than noon."""
    for cut in cuts:
        day = cut - cut % DAY_MS
        low, high = (day, cut) if cut <= noon_of(cut) else (cut, day + DAY_MS)
        yield from (replace(tile, moved=True) for tile in _split(low, high, finer, ()))


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
