"""Reads of the ledger: what was spent and used, how long it took (`hooks.Ledger`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Any, Final

from sqlalchemy import Connection, Subquery, select

from hooks import EVERY_ORGANIZATION, Booked, Sums

from ..storage.database import Storage
from . import queries
from .queries import Question
from .rollups import DAY_MS, SUMS
from .sketch import Buckets, bucket, decode, merge, quantile
from .tables import CALLS
from .tiles import Horizons, Tile, identity_tiles, tiles

DIMENSIONS: Final = ("day", "model", "provider", "user", "key")
FILTERS: Final = ("key", "user", "model", "provider", "tag")
_AS_BOOKED: Final = (
    "requested_model",
    "model",
    "key",
    "user",
    "source",
    "status",
    "complexity",
    "route",
    "cost_nano_usd",
)
_IDENTITY: Final = frozenset({"user", "key"})


class Reader:
    """Implements `hooks.Ledger` for every organization; for all of them together there is `usage_across`."""

    def __init__(self, storage: Storage, *, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock

    async def spent(self, organization: str, *, since: datetime, until: datetime | None = None, **filters: str) -> int:
        [found] = await self._usage(_question(organization, (), filters), since, until)
        return found.cost_nano_usd

    async def usage(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        group_by: tuple[str, ...] = (),
        zone: str = "UTC",
        quantiles: tuple[float, ...] = (),
        **filters: str,
    ) -> tuple[Sums, ...]:
        question = _question(organization, group_by, filters)
        return await self._usage(question, since, until)

    async def usage_across(
        self,
        organization: str | None,
        *,
        since: datetime,
        until: datetime | None = None,
        group_by: tuple[str, ...] = (),
    ) -> tuple[Sums, ...]:
        """For gateway admins: None is all organizations, and ``organization`` a dimension too."""
        _known("dimension", group_by, ("organization", *DIMENSIONS))
        return await self._usage(Question(organization=organization, dimensions=group_by), since, until)

    async def latency(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        quantiles: tuple[float, ...] = (0.5, 0.95, 0.99),
        **filters: str,
    ) -> tuple[float, ...] | None:
        question = _question(organization, (), filters)
        for one in quantiles:
            if not 0 <= one <= 1:
                raise ValueError(f"a quantile is between 0 and 1, not {one}")
        start, end = _milliseconds(since), self._end(until)
        found = await self._storage.read(partial(_latency, question=question, start=start, end=end))
        values = [quantile(found, one) for one in quantiles]
        return tuple(value / 1e6 for value in values if value is not None) if found else None

    def calls(self, organization: str, *, since: datetime, until: datetime | None = None) -> Subquery:
        scope = None if organization == EVERY_ORGANIZATION else organization
        return queries.within(scope, _milliseconds(since), self._end(until)).subquery("kept_call")

    async def find(self, organization: str, id: str) -> Booked | None:
        return await self._storage.read(partial(_find, organization=organization, id=id))

    async def _usage(self, question: Question, since: datetime, until: datetime | None) -> tuple[Sums, ...]:
        start, end = _milliseconds(since), self._end(until)
        return await self._storage.read(partial(usage, question=question, start=start, end=end))

    def _end(self, until: datetime | None) -> int:
        """Without a limit it is the end of today: everything there is, and the most of it in whole tiles."""
        if until is not None:
            return _milliseconds(until)
        return (int(self._clock() * 1000) // DAY_MS + 1) * DAY_MS


def usage(connection: Connection, *, question: Question, start: int, end: int) -> tuple[Sums, ...]:
    """Of ``[start, end)`` in milliseconds, in a read transaction that has not asked anything yet."""
    queries.snapshot(connection)
    found: dict[tuple[Any, ...], list[int]] = {} if question.dimensions else {(): [0] * len(SUMS)}
    width = len(question.dimensions)
    for tile in _tiles(connection, question, start, end):
        for row in connection.execute(queries.totals(question, tile, connection.dialect.name)):
            group, amounts = tuple(row[:width]), [int(amount or 0) for amount in row[width:]]
            before = found.get(group)
            found[group] = amounts if before is None else [a + b for a, b in zip(before, amounts, strict=True)]
    return tuple(_sums(question.dimensions, group, found[group]) for group in sorted(found))


def _latency(connection: Connection, *, question: Question, start: int, end: int) -> Buckets:
    queries.snapshot(connection)
    dialect, buckets = connection.dialect.name, Buckets()
    for tile in _tiles(connection, question, start, end, sketched=True):
        if tile.kind == "call":
            for microseconds, count in connection.execute(queries.latencies(question, tile, dialect)):
                merge(buckets, {bucket(microseconds): count})
        else:
            for (sketch,) in connection.execute(queries.sketches(question, tile, dialect)):
                merge(buckets, decode(bytes(sketch)))
    return buckets


def _find(connection: Connection, *, organization: str, id: str) -> Booked | None:
    row = connection.execute(select(CALLS).where(CALLS.c.id == id, CALLS.c.organization == organization)).first()
    if row is None:
        return None
    return Booked(
        id=row.id,
        at=datetime.fromtimestamp(row.time_ms / 1000, UTC),
        **{name: getattr(row, name) for name in _AS_BOOKED},
    )


def _tiles(
    connection: Connection, question: Question, start: int, end: int, *, sketched: bool = False
) -> tuple[Tile, ...]:
    """Where to read the answer. Raises ``ValueError`` for what is only known of single calls that are gone."""
    kept = queries.horizons(connection)
    asked = {*question.dimensions, *question.filters}
    if "tag" in asked or (sketched and asked & _IDENTITY):
        return _calls_only(start, end, kept, "tag" if "tag" in asked else "key or user")
    return identity_tiles(start, end, kept) if asked & _IDENTITY else tiles(start, end, kept)


def _calls_only(start: int, end: int, kept: Horizons, what: str) -> tuple[Tile, ...]:
    if start < min(kept.calls, end):
        first = datetime.fromtimestamp(kept.calls / 1000, UTC).isoformat()
        raise ValueError(f"calls are kept since {first} only, and sums are not kept by {what}: ask for since >= that")
    return (Tile(kind="call", start=start, end=end),) if start < end else ()


def _question(organization: str, group_by: tuple[str, ...], filters: Mapping[str, str]) -> Question:
    if not isinstance(organization, str):
        raise ValueError(f"an organization is a text, not {organization!r}")
    _known("dimension", group_by, DIMENSIONS)
    _known("filter", tuple(filters), FILTERS)
    if "=" not in filters.get("tag", "="):
        raise ValueError(f"tag must be name=value, not {filters['tag']!r}")
    return Question(organization=organization, dimensions=group_by, filters=filters)


def _known(what: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}: it is one of {', '.join(known)}")
    if len(set(names)) != len(names):
        raise ValueError(f"a {what} is named twice: {', '.join(names)}")


def _milliseconds(when: datetime) -> int:
    """Rows have whole milliseconds: the first that is not before ``when``."""
    if when.utcoffset() is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return ceil((since.days * 86_400 + since.seconds) * 1000 + since.microseconds / 1000)


def _sums(dimensions: tuple[str, ...], group: tuple[Any, ...], amounts: list[int]) -> Sums:
    named = {
        name: datetime.fromtimestamp(value / 1000, UTC).date().isoformat() if name == "day" else str(value)
        for name, value in zip(dimensions, group, strict=True)
    }
    sums: dict[str, Any] = dict(zip(SUMS[:-1], amounts[:-1], strict=True))
    return Sums(group=named, **sums)
