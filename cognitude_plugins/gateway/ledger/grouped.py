"""An answer of the ledger: read from the fewest sums there are, added up by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection

from hooks import Sums, Unanswerable

from . import queries
from .columns import TAG
from .merged import BETWEEN, Counts
from .queries import Piece, Question
from .rollups import DAY_MS, SUMS
from .tiles import LENGTHS, Horizons, Kind, Tile, identity_tiles, tiles
from .zone import WIDTHS, Offset, Span, cuts, named, offsets

CALLS_ONLY: Final = frozenset({"tag", "source", "complexity"})
"""By these there are no sums, nor by ``tag:NAME``."""
IDENTITY: Final = frozenset({"user", "key"})
"""By these there are sums per day of UTC, without latencies."""

_STARTS: Final = 20_000
"""The most of one statement."""

_Value = int | str | tuple[int, int, int]
"""Of one dimension: a day's start on the zone's clock; an hour's, in UTC and on the clock, and the offset; a text."""
_Group = tuple[_Value, ...]


@dataclass(slots=True)
class _Found:
    """``sketches`` are encoded, and joined; ``counts`` at first those of calls and of what was moved."""

    amounts: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    sketches: list[bytes] = field(default_factory=list)
    counts: Counts | None = None

    def counted(self) -> Counts:
        if self.counts is None:
            self.counts = Counts()
        return self.counts


def answer(connection: Connection, *, question: Question, start: int, end: int) -> tuple[Sums, ...]:
    """Of ``[start, end)`` in milliseconds, in a read transaction that has not asked anything yet.

    Raises `Unanswerable` for what is only known of single calls that are gone, or of sums that are gone.
    """
    queries.snapshot(connection)
    start, end, in_force = stretch_of(connection, question, start, end)
    groups: defaultdict[_Group, _Found] = defaultdict(_Found)
    for piece in _pieces(_tiles(connection, question, start, end, in_force)):
        ask, given = queries.totals(question, piece, in_force, connection.dialect.name)
        for row in connection.execute(ask, given).all():
            _take(groups, row, question, piece)
    for found in groups.values():
        if found.sketches:
            found.counted().add(BETWEEN.join(found.sketches))
    if not question.dimensions:
        return (_sums(question, {}, groups[()]),)
    kept = [group for group in sorted(groups) if groups[group].amounts[0]]
    sums = [_sums(question, _texts(question.dimensions, group), groups[group]) for group in kept]
    if question.total:
        sums.append(_sums(question, {}, _together(groups.values())))
    return tuple(sums)


def stretch_of(connection: Connection, question: Question, start: int, end: int) -> tuple[int, int, tuple[Offset, ...]]:
    """The time, and the zone's offsets in it; where it is to be split by hours or days, no more than there are days."""
    if not any(_spans(question)):
        return start, end, ((0, 0),)
    first, last = connection.execute(queries.days_there_are(question.organization)).one()
    if first is None or max(start, first) >= min(end, last + DAY_MS):
        return start, start, ((start, 0),)
    start, end = max(start, first), min(end, last + DAY_MS)
    # A time may be taken to the start of its day.
    return start, end, offsets(question.zone, start - DAY_MS, end)


def _together(groups: Iterable[_Found]) -> _Found:
    found = list(groups)
    amounts = list(map(sum, zip(*(one.amounts for one in found), strict=True))) or [0] * len(SUMS)
    return _Found(amounts=amounts, counts=Counts.together(one.counts for one in found if one.counts))


def _tiles(
    connection: Connection, question: Question, start: int, end: int, in_force: Sequence[Offset]
) -> tuple[Tile, ...]:
    """Where to read the answer."""
    kept = queries.horizons(connection)
    asked = {*question.dimensions, *question.filters}
    only = sorted(name for name in asked if name in CALLS_ONLY or name.startswith(TAG))
    if not only and question.quantiles and asked & IDENTITY:
        only = ["key or user with latencies"]
    if only:
        return _calls_only(start, end, kept, only[0].partition(":")[0])
    borders = sorted({cut for span in _spans(question) for cut in cuts(span, in_force, end)})
    return (identity_tiles if asked & IDENTITY else tiles)(start, end, kept, borders)


def _spans(question: Question) -> Iterator[Span]:
    for span in WIDTHS:
        if span in question.dimensions and (question.zone, span) != ("UTC", "day"):
            yield span


def _calls_only(start: int, end: int, kept: Horizons, what: str) -> tuple[Tile, ...]:
    if start < min(kept.calls, end):
        first = datetime.fromtimestamp(kept.calls / 1000, UTC)
        raise Unanswerable(
            f"calls are kept since {first.isoformat()} only, and sums are not kept by {what}: ask for since >= that",
            what="time",
            name="calls",
            since=first,
        )
    return (Tile(kind="call", start=start, end=end),) if start < end else ()


def _pieces(found: Iterable[Tile]) -> Iterator[Piece]:
    """Long ones as they are, the many short ones together."""
    short: defaultdict[tuple[Kind, bool], list[int]] = defaultdict(list)
    for tile in found:
        if tile.kind == "call" or tile.end - tile.start > DAY_MS:
            yield Piece(kind=tile.kind, start=tile.start, end=tile.end, moved=tile.moved)
        else:
            short[tile.kind, tile.moved] += range(tile.start, tile.end, LENGTHS[tile.kind])
    for (kind, moved), starts in short.items():
        for first in range(0, len(starts), _STARTS):
            yield Piece(kind=kind, starts=tuple(starts[first : first + _STARTS]), moved=moved)


def _take(groups: defaultdict[_Group, _Found], row: Sequence[Any], question: Question, piece: Piece) -> None:
    values = iter(row)
    mine = groups[_group(question.dimensions, values)]
    other = groups[_group(question.dimensions, values)] if piece.moved else None
    amounts = [amount or 0 for amount in islice(values, len(SUMS))]
    mine.amounts = list(map(int.__add__, mine.amounts, amounts))
    if other is not None:
        other.amounts = list(map(int.__sub__, other.amounts, amounts))
    told = next(values, None)
    if told is None:
        return
    if piece.kind == "call":
        mine.counted().count(told, amounts[0])
        if other is not None:
            other.counted().count(told, -amounts[0])
        return
    sketches = bytes.fromhex(told) if isinstance(told, str) else bytes(told)
    if other is None:
        mine.sketches.append(sketches)
    else:
        mine.counted().add(sketches, out_of=other.counted())


def _group(dimensions: Sequence[str], values: Iterator[Any]) -> _Group:
    return tuple([_hour(next(values), next(values)) if name == "hour" else next(values) for name in dimensions])


def _hour(local: int, offset: int) -> tuple[int, int, int]:
    return local - offset, local, offset


def _texts(dimensions: Sequence[str], group: _Group) -> dict[str, str]:
    return {name: _text(name, value) for name, value in zip(dimensions, group, strict=True)}


def _sums(question: Question, group: Mapping[str, str], found: _Found) -> Sums:
    seconds = [one / 1e6 for one in found.counted().quantiles(question.quantiles)] if question.quantiles else ()
    sums: dict[str, Any] = dict(zip(SUMS[:-1], found.amounts[:-1], strict=True))
    return Sums(group=group, seconds=tuple(seconds), **sums)


def _text(name: str, value: _Value) -> str:
    if isinstance(value, tuple):
        return named("hour", *value[1:])
    return named("day", value, 0) if isinstance(value, int) and name == "day" else str(value)
