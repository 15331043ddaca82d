"""Which one of key, user and tag a question is about, and the pieces of time that the sums by it tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from hooks import Unanswerable

from .columns import TAG
from .rollups import DAY_MS, HOUR_MS, MINUTE_MS, OF_DAY, QUARTER_MS
from .tiles import Horizons, Tile, Width, possible, split, tiles, total_tiles

CALLS_ONLY: Final = frozenset({"source", "complexity"})
"""By these there are no sums."""
IDENTITY: Final = frozenset({"user", "key"})
"""By these there are sums per day of UTC, too, without latencies."""
MODELS: Final = frozenset({"model", "provider"})
FACETS: Final = frozenset({"facet_minute", "facet_quarter", "facet_day"})

Name = Literal["key", "user", "tag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """``tag`` is the name of the one that is asked for, None for every tag.

    ``rest``: calls without the tag are a group, too, which is what the sums of all calls have more than those by tag.
    ``models``: whether these need to be told apart.
    """

    name: Name
    tag: str | None = None
    rest: bool = False
    models: bool = False


def facet_of(dimensions: Sequence[str], filters: Mapping[str, str]) -> Facet | None:
    """None for a question of none of them, of two at once, or of something else that only single calls tell."""
    if CALLS_ONLY.intersection(dimensions):
        return None
    asked = [_named(name) for name in dimensions]
    asked += [_named(TAG + value.partition("=")[0] if name == "tag" else name) for name, value in filters.items()]
    found = {one for one in asked if one is not None}
    if len(found) != 1:
        return None
    [facet] = found
    models = not MODELS.isdisjoint((*dimensions, *filters))
    return replace(facet, rest=facet.tag is not None and "tag" not in filters, models=models)


def facet_tiles(
    start: int, end: int, facet: Facet, kept: Horizons, cuts: Sequence[int] = (), *, latencies: bool = False
) -> tuple[Tile, ...]:
    """``[start, end)``, both taken to the start of what is still kept of their time.

    Whole days of UTC by key and user are known for longest, without ``latencies``. Raises `Unanswerable` for a time of
    which there is nothing by this facet, and for a cut where it is too coarse.
    """
    days = facet.name in IDENTITY and not latencies

    def finest(time: int) -> int:
        return _finest(time, facet, kept, days)

    if start >= end:
        return ()
    first = min(kept.calls, kept.quarters)
    if start < first and not days:
        raise Unanswerable(*_too_early(facet, first), what="time", name=_KEPT[first == kept.calls], since=_when(first))
    start, end = start - start % finest(start), end - end % finest(end)
    possible(start, end, cuts, kept, finest)
    found = tuple(split(start, end, tuple(_widths(facet, kept, days)), cuts))
    return (*found, *_rest(found, tiles if facet.models else total_tiles, kept, cuts)) if facet.rest else found


def _named(name: str) -> Facet | None:
    if name in IDENTITY:
        return Facet(name="key" if name == "key" else "user")
    if name == "tag":
        return Facet(name="tag")
    return Facet(name="tag", tag=name.removeprefix(TAG)) if name.startswith(TAG) else None


_KEPT: Final = {True: "calls", False: "quarters"}


def _too_early(facet: Facet, first: int) -> tuple[str]:
    since = _when(first).isoformat()
    what = facet.name if facet.name == "tag" else f"{facet.name} with latencies"
    return (f"sums by {what} are kept since {since} only: ask for since >= that",)


def _when(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, UTC)


def _widths(facet: Facet, kept: Horizons, days: bool) -> Iterator[Width]:
    if days:
        yield Width("identity", DAY_MS, 0)
    elif facet.name in OF_DAY:
        yield Width("facet_day", DAY_MS, kept.quarters)
    yield Width("facet_quarter", QUARTER_MS, kept.quarters)
    if facet.name != "user":
        yield Width("facet_minute", MINUTE_MS, kept.facet_minutes)


def _finest(time: int, facet: Facet, kept: Horizons, days: bool) -> int:
    """How long the shortest is that is kept of a time."""
    if time >= kept.calls:
        return 1
    if time < kept.quarters:
        return DAY_MS
    if facet.rest and time < kept.minutes:
        return HOUR_MS
    return QUARTER_MS if facet.name == "user" or time < kept.facet_minutes else MINUTE_MS


def _rest(
    found: Sequence[Tile], of_all: Callable[..., tuple[Tile, ...]], kept: Horizons, cuts: Sequence[int]
) -> Iterator[Tile]:
    """All calls of the time of which there are sums by facet."""
    low = high = None
    for tile in (*(one for one in found if one.kind in FACETS), None):
        if low is not None and high is not None and (tile is None or tile.start != high):
            yield from (replace(one, rest=True) for one in of_all(low, high, kept, cuts))
            low = None
        if tile is not None:
            low, high = tile.start if low is None else low, tile.end
