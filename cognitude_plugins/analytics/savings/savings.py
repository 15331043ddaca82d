"""What caches, coalescing and routing have saved: sums of ledger rows, and what a baseline model would have cost."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, and_, case, cast, func, or_, select

from hooks import Gateway

from ..calendar_days import Days
from ..recommendations.paid_calls import NO_PLUGIN, is_hit
from ..recommendations.pricing import Prices, Tokens
from ..recommendations.sizes import long_prompt

WRITING: Final = ("chat", "completions", "responses", "messages")
"""The APIs whose answers a model of language gives: what a baseline is for."""
COALESCED: Final = "coalesced"
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Saved:
    """Nano-dollars. ``cache``, ``coalescing`` and ``routing`` are what was noted in the rows; routing may be negative.

    ``baseline`` is what all ``counted`` answers would have cost there, ``paid`` what those did cost; ``uncounted``
    answers have no tokens, no known cost or no price there.
    """

    calls: int = 0
    cost: int = 0
    cache: int = 0
    cache_calls: int = 0
    coalescing: int = 0
    coalescing_calls: int = 0
    routing: int = 0
    routing_calls: int = 0
    baseline: int = 0
    paid: int = 0
    counted: int = 0
    uncounted: int = 0

    def add(self, other: Saved) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Savings:
    """``days`` are those of which every call is kept, and ``total`` is of these.

    ``rows_since`` is from when on calls are kept, None if that is not after the beginning of the days asked for.
    """

    total: Saved = field(default_factory=Saved)
    days: dict[date, Saved] = field(default_factory=dict)
    rows_since: datetime | None = None


async def savings(gateway: Gateway, organization: str, days: Days, baseline: str | None) -> Savings:
    """Of those of these days whose calls are all kept, also if there are none. Raises `hooks.Unavailable`."""
    calls = gateway.ledger.calls(organization, since=days.since, until=days.until)
    work = partial(_rows, statement=statement(calls, days))
    rows = await gateway.database.read(organization, work, patient=True)
    # Asked last: that calls are no longer kept is written down before the first of them goes.
    kept = await gateway.ledger.calls_since()
    return await asyncio.to_thread(summed, rows, days, Prices.at(gateway), baseline, kept)


def statement(calls: Any, days: Days) -> Any:
    """Rows by day, way, whether their tokens count, and tier of the prompt's length; the columns are `_COLUMNS`."""
    c = calls.c
    way = case(
        (and_(is_hit(calls), c.route == COALESCED), "coalescing"),
        (is_hit(calls), "cache"),
        (and_(c.source.in_(NO_PLUGIN), c.saved_nano_usd != 0), "routing"),
        else_="none",
    ).label("way")
    known = and_(c.prompt_tokens.is_not(None), c.cost_nano_usd.is_not(None))
    counted = case((or_(c.status >= 400, c.api.not_in(WRITING)), 0), (known, 1), else_=2).label("counted")
    tokens = (c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.cache_write_tokens, c.reasoning_tokens)
    keys = (
        days.number(c.time_ms).label("day"),
        way,
        counted,
        long_prompt(func.coalesce(c.prompt_tokens, 0)).label("tier"),
    )
    return select(
        *keys, func.count(), _sum(c.cost_nano_usd), _sum(c.saved_nano_usd), *(_sum(one) for one in tokens)
    ).group_by(*keys)


def summed(rows: Sequence[Any], days: Days, prices: Prices, baseline: str | None, kept: datetime = _EVER) -> Savings:
    """Rows as of `statement`. Days that began before ``kept`` are left out."""
    gone = bisect_left(days.begun, kept)
    found = Savings(days={day: Saved() for day in days.dates[gone:]}, rows_since=kept if gone else None)
    by_day: dict[int, Saved] = defaultdict(Saved)
    for day, way, counted, _, calls, cost, saved, *tokens in rows:
        one = Saved(calls=calls, cost=cost)
        if way != "none":
            setattr(one, way, saved)
            setattr(one, f"{way}_calls", calls)
        if baseline is not None and counted:
            there = prices.cost(baseline, Tokens(calls, *tokens)) if counted == 1 else None
            if there is None:
                one.uncounted = calls
            else:
                one.baseline, one.paid, one.counted = there, cost, calls
        by_day[day].add(one)
    for number, one in by_day.items():
        if number < gone:
            continue
        found.days[days.dates[number]].add(one)
        found.total.add(one)
    return found


def _rows(connection: Connection, *, statement: Any) -> list[Any]:
    return [tuple(row) for row in connection.execute(statement)]


def _sum(column: Any) -> Any:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
