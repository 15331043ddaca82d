"""Reads of the ledger: what was spent and used, how long it took (`hooks.Ledger`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil
from typing import Final, Literal

from sqlalchemy import Connection, Subquery, select

from hooks import EVERY_ORGANIZATION, Booked, Sums, Unanswerable

from ..storage.database import Storage
from . import queries
from .columns import TAG
from .facets import CALLS_ONLY, IDENTITY
from .grouped import ManyCalls, answer
from .queries import Question
from .rollups import DAY_MS
from .tables import CALLS
from .zone import known_zone

DIMENSIONS: Final = ("day", "hour", "model", "provider", "user", "key", "source", "complexity", "tag")
_ACROSS: Final = ("organization", *DIMENSIONS)
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
# Of an answer that is added up from single calls, for people and reports. What calls may wait for is asked without
# groups, and bounded as every read is.
_SECONDS: Final = 60.0
_AT_ONCE: Final = 2
_NO_NUL: Final = "a name in the ledger has no NUL character"


class Reader:
    """Implements `hooks.Ledger`: of one organization, or of `EVERY_ORGANIZATION` together."""

    def __init__(self, storage: Storage, *, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock
        self._long = asyncio.Semaphore(_AT_ONCE)
        self._across = asyncio.Semaphore(_AT_ONCE)

    async def spent(self, organization: str, *, since: datetime, until: datetime | None = None, **filters: str) -> int:
        [found] = await self._answer(_question(organization, filters), since, until)
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
        total: bool = False,
        among: Collection[str] | None = None,
        **filters: str,
    ) -> tuple[Sums, ...]:
        if total and "tag" in group_by:
            raise ValueError("groups by tag have no total: calls with two tags count twice")
        question = replace(_question(organization, filters, group_by, zone, quantiles), total=total)
        if among is not None:
            if question.organization is not None:
                raise ValueError("among is for EVERY_ORGANIZATION: one organization is meant already")
            question = replace(question, among=frozenset(among))
        return await self._answer(question, since, until)

    async def usage_across(
        self,
        organization: str | None,
        *,
        since: datetime,
        until: datetime | None = None,
        group_by: tuple[str, ...] = (),
    ) -> tuple[Sums, ...]:
        """For gateway admins: None is all organizations, and ``organization`` a dimension too."""
        _known("dimension", group_by, _ACROSS)
        return await self._answer(Question(organization=organization, dimensions=group_by), since, until)

    async def latency(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        quantiles: tuple[float, ...] = (0.5, 0.95, 0.99),
        **filters: str,
    ) -> tuple[float, ...] | None:
        question = _question(organization, filters, quantiles=quantiles)
        [found] = await self._answer(question, since, until)
        return found.seconds if found.calls else None

    def calls(self, organization: str, *, since: datetime, until: datetime | None = None) -> Subquery:
        return queries.within(_scope(organization), _milliseconds(since), self._end(until)).subquery("kept_call")

    async def calls_since(self) -> datetime:
        kept = await self._storage.read(queries.horizons)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=kept.calls)

    async def find(self, organization: str, id: str) -> Booked | None:
        return await self._storage.read(partial(_find, organization=organization, id=id))

    async def _answer(self, question: Question, since: datetime, until: datetime | None) -> tuple[Sums, ...]:
        start, end = _milliseconds(since), self._end(until)
        work = partial(answer, question=question, start=start, end=end)
        if not _may_take_long(question):
            return await self._storage.read(work)
        if question.organization is not None:
            with suppress(ManyCalls):
                return await self._storage.read(partial(work, briefly=True))
        async with self._long if question.organization is not None else self._across:
            return await self._storage.read(work, seconds=_SECONDS)

    def _end(self, until: datetime | None) -> int:
        """Without a limit it is the end of today: everything there is, and the most of it in whole tiles."""
        if until is not None:
            return _milliseconds(until)
        return (int(self._clock() * 1000) // DAY_MS + 1) * DAY_MS


def _find(connection: Connection, *, organization: str, id: str) -> Booked | None:
    row = connection.execute(select(CALLS).where(CALLS.c.id == id, CALLS.c.organization == organization)).first()
    if row is None:
        return None
    return Booked(
        id=row.id,
        at=datetime.fromtimestamp(row.time_ms / 1000, UTC),
        **{name: getattr(row, name) for name in _AS_BOOKED},
    )


def _question(
    organization: str,
    filters: Mapping[str, str],
    group_by: tuple[str, ...] = (),
    zone: str = "UTC",
    quantiles: tuple[float, ...] = (),
) -> Question:
    if not isinstance(organization, str):
        raise ValueError(f"an organization is a text, not {organization!r}")
    scope = _scope(organization)
    _known("dimension", group_by, _ACROSS if scope is None else DIMENSIONS)
    _known("filter", tuple(filters), FILTERS)
    if "=" not in filters.get("tag", "="):
        raise Unanswerable(f"tag must be name=value, not {filters['tag']!r}", what="filter", name="tag")
    for name in group_by:
        if "\0" in name:
            raise Unanswerable(_NO_NUL, what="dimension", name=name)
    for name, value in filters.items():
        if "\0" in value:
            raise Unanswerable(_NO_NUL, what="filter", name=name)
    if zone != "UTC":
        known_zone(zone)
    for one in quantiles:
        if not 0 <= one <= 1:
            raise Unanswerable(f"a quantile is between 0 and 1, not {one}", what="quantile")
    return Question(organization=scope, dimensions=group_by, filters=filters, zone=zone, quantiles=quantiles)


def _scope(organization: str) -> str | None:
    return None if organization == EVERY_ORGANIZATION else organization


def _may_take_long(question: Question) -> bool:
    """Whether it may be put together of many single calls, or is of many organizations: that is no caller's."""
    asked = {*question.dimensions}
    if question.organization is None:
        return True
    of_identities = asked & IDENTITY and (question.quantiles or asked & {"day", "hour"})
    return bool(asked & {*CALLS_ONLY, "tag"} or of_identities) or any(name.startswith(TAG) for name in asked)


def _known(what: Literal["dimension", "filter"], names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known and not (what == "dimension" and name.startswith(TAG)):
            raise Unanswerable(f"unknown {what} {name!r}: it is one of {', '.join(known)}", what=what, name=name)
    if len(set(names)) != len(names):
        raise Unanswerable(f"a {what} is named twice: {', '.join(names)}", what=what)


def _milliseconds(when: datetime) -> int:
    """Rows have whole milliseconds: the first that is not before ``when``."""
    if when.utcoffset() is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return ceil((since.days * 86_400 + since.seconds) * 1000 + since.microseconds / 1000)
