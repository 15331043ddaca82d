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
from .facets import CALLS_ONLY, FACETS, IDENTITY, facet_of, facet_tiles
from .merged import BETWEEN, Counts
from .queries import Piece, Question
from .rollups import DAY_MS, QUARTER_MS, SUMS
from .tiles import LENGTHS, Horizons, Kind, Tile, identity_tiles, tiles, total_tiles
from .zone import WIDTHS, Offset, Span, cuts, named, offsets

_TOLD: Final = SUMS[:-1]
_OF_ALL_MODELS: Final = frozenset({"organization", "day", "hour"})

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


class ManyCalls(Exception):
    """To answer a question takes single calls of more than the edges of its time."""


def answer(
    connection: Connection, *, question: Question, start: int, end: int, briefly: bool = False
) -> tuple[Sums, ...]:
    """Of ``[start, end)`` in milliseconds, in a read transaction that has not asked anything yet.

    Raises `Unanswerable` for what is only known of single calls that are gone, or of sums that are gone, and
    `ManyCalls` where it is to be answered ``briefly``.
    """
    queries.snapshot(connection)
    start, end, in_force = stretch_of(connection, question, start, end)
    pieces = _tiles(connection, question, start, end, in_force)
    if briefly and any(tile.kind == "call" and tile.end - tile.start >= 2 * QUARTER_MS for tile in pieces):
        raise ManyCalls
    groups = _groups(connection, question, pieces, in_force)
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


def _groups(
    connection: Connection, question: Question, found: Iterable[Tile], in_force: Sequence[Offset]
) -> defaultdict[_Group, _Found]:
    groups: defaultdict[_Group, _Found] = defaultdict(_Found)
    everybody = queries.organizations(connection, question.among) if question.organization is None else ()
    rest = _rest_of(question)
    for piece in _pieces(found):
        ask, given = queries.totals(question, piece, in_force, connection.dialect.name, everybody)
        apart = rest if piece.kind in FACETS else None
        for row in connection.execute(ask, given).all():
            _take(groups, row, question, piece, apart)
    return groups


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
    borders = sorted({cut for span in _spans(question) for cut in cuts(span, in_force, end)})
    facet = facet_of(question.dimensions, question.filters)
    if facet is not None:
        return facet_tiles(start, end, facet, kept, borders, latencies=bool(question.quantiles))
    asked = {*question.dimensions, *question.filters}
    only = sorted(name for name in asked if name in CALLS_ONLY or name == "tag" or name.startswith(TAG))
    if not only and question.quantiles and asked & IDENTITY:
        only = ["key and user with latencies"]
    if only:
        return _calls_only(start, end, kept, only[0].partition(":")[0])
    if asked <= _OF_ALL_MODELS:
        return total_tiles(start, end, kept, borders)
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
    """Long ones as they are, the many short ones together; of tables that have other rows between, most by starts."""
    short: defaultdict[tuple[Kind, bool, bool, bool], list[int]] = defaultdict(list)
    for tile in found:
        if tile.kind == "call" or tile.end - tile.start > _most_starts(tile) * LENGTHS[tile.kind]:
            yield Piece(
                kind=tile.kind, start=tile.start, end=tile.end, moved=tile.moved, rest=tile.rest, total=tile.total
            )
        else:
            short[tile.kind, tile.moved, tile.rest, tile.total] += range(tile.start, tile.end, LENGTHS[tile.kind])
    for (kind, moved, rest, total), starts in short.items():
        for first in range(0, len(starts), _STARTS):
            some = tuple(starts[first : first + _STARTS])
            yield Piece(kind=kind, starts=some, moved=moved, rest=rest, total=total)


def _most_starts(tile: Tile) -> int:
    """That are looked up one by one: a tile of more is read from its first to its last."""
    if tile.kind in FACETS:
        return _STARTS // 2
    return _STARTS // 20 if tile.total else DAY_MS // LENGTHS[tile.kind]


def _rest_of(question: Question) -> int | None:
    """The place of the tag in a group where calls without it are a group too: their tag is the empty text."""
    facet = facet_of(question.dimensions, question.filters)
    return question.dimensions.index(f"{TAG}{facet.tag}") if facet is not None and facet.rest else None


def _take(
    groups: defaultdict[_Group, _Found], row: Sequence[Any], question: Question, piece: Piece, apart: int | None
) -> None:
    """Add it to its group, and take it away from where else it was counted."""
    values = iter(row)
    group = _group(question.dimensions, values)
    mine, other = groups[group], None
    if apart is not None:
        other = groups[(*group[:apart], "", *group[apart + 1 :])]
    elif piece.moved:
        other = groups[_group(question.dimensions, values)]
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
    pairs = zip(dimensions, group, strict=True)
    return {name: value if type(value) is str else _text(name, value) for name, value in pairs}


def _sums(question: Question, group: Mapping[str, str], found: _Found) -> Sums:
    seconds = [one / 1e6 for one in found.counted().quantiles(question.quantiles)] if question.quantiles else ()
    sums: dict[str, Any] = dict(zip(_TOLD, found.amounts, strict=False))
    return Sums(group=group, seconds=tuple(seconds), seconds_sum=found.amounts[-1] / 1e6, **sums)


def _text(name: str, value: _Value) -> str:
    if isinstance(value, tuple):
        return named("hour", *value[1:])
    return named("day", value, 0) if isinstance(value, int) and name == "day" else str(value)
