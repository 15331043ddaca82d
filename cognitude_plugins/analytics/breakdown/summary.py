"""Spending at a glance: this day, week and month against as much of the one before, and who has spent the most."""

from __future__ import annotations

import asyncio
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from hooks import Ledger, Sums

from .breakdown import added, in_order

Range = Literal["24h", "7d", "30d"]

RANGES: Final[dict[Range, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``[since, until)`` and the same of the period before, all in UTC."""

    name: Literal["today", "this_week", "this_month"]
    since: datetime
    until: datetime
    before_since: datetime
    before_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``spans`` each with its sums and those before; ``models`` and ``keys`` of ``total``, the dearest first."""

    spans: tuple[tuple[Span, Sums, Sums], ...]
    total: Sums
    models: tuple[Sums, ...]
    keys: tuple[Sums, ...]


async def summary(
    ledger: Ledger, organization: str, *, now: datetime, zone: ZoneInfo, since: datetime, top: int
) -> Summary:
    """The ``total``, models and keys from ``since`` until now."""
    found = list(spans(now, zone))
    windows = [window for one in found for window in ((one.since, one.until), (one.before_since, one.before_until))]
    models, keys, *sums = await asyncio.gather(
        ledger.usage(organization, since=since, until=now, group_by=("model",)),
        ledger.usage(organization, since=since, until=now, group_by=("key",)),
        *(ledger.usage(organization, since=first, until=last) for first, last in windows),
    )
    pairs = zip(sums[::2], sums[1::2], strict=True)
    return Summary(
        spans=tuple((span, this, before) for span, ([this], [before]) in zip(found, pairs, strict=True)),
        total=added(models),
        models=tuple(in_order(models, "cost")[:top]),
        keys=tuple(in_order(keys, "cost")[:top]),
    )


def spans(now: datetime, zone: ZoneInfo) -> Iterator[Span]:
    """By the zone's clock. A week begins on Monday; of a month before that has no such day, all of it counts."""
    clock = now.astimezone(zone).replace(tzinfo=None)
    midnight = clock.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    first = midnight.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    days = monthrange(before.year, before.month)[1]
    same = clock.replace(year=before.year, month=before.month, day=clock.day) if clock.day <= days else first
    day, week = timedelta(days=1), timedelta(days=7)

    def moment(local: datetime) -> datetime:
        return local.replace(tzinfo=zone).astimezone(UTC)

    for name, since, before_since, before_until in (
        ("today", midnight, midnight - day, clock - day),
        ("this_week", monday, monday - week, clock - week),
        ("this_month", first, before, same),
    ):
        yield Span(
            name=name,  # type: ignore[arg-type]
            since=moment(since),
            until=now,
            before_since=moment(before_since),
            before_until=moment(before_until),
        )
