"""Sums of the ledger over a range that ends now: step by step, altogether, of the range before, by one dimension."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from hooks import Ledger, Sums, Unanswerable

from .stretches import FIVE_MINUTES, Range, Stretch, stretch

Sort = Literal["calls", "cost"]

QUANTILES: Final = (0.5, 0.95, 0.99)
MOST_GROUPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """``points`` has every step of the stretch. ``groups`` are the largest; there are ``left_out`` more."""

    stretch: Stretch
    zone: str
    points: Mapping[str, Sums]
    total: Sums
    before: Sums
    groups: tuple[Sums, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``latencies`` of points, total and groups take longer than all the rest: they are added up from sketches."""

    range: Range
    by: str | None = None
    sort: Sort = "calls"
    latencies: bool = False


async def series(ledger: Ledger, organization: str, wanted: Asked, *, now: datetime, zone: str) -> Series:
    """All of it from sums that the ledger keeps, where ``by`` is one of those that it keeps sums by.

    Days are those of UTC, and so the ``zone`` of what is returned, where the ledger no longer knows those of ``zone``:
    in one that is half an hour from UTC they take minutes. Raises `hooks.Unanswerable` for what the ledger has no sums
    by, `hooks.Unavailable` when the database does not answer.
    """
    try:
        return await _series(ledger, organization, wanted, now, zone)
    except Unanswerable as error:
        if error.what != "time" or zone == "UTC":
            raise
        if stretch(wanted.range, now, zone).step != "day":
            raise
    return await _series(ledger, organization, wanted, now, "UTC")


async def _series(ledger: Ledger, organization: str, wanted: Asked, now: datetime, zone: str) -> Series:
    asked, quantiles = stretch(wanted.range, now, zone), QUANTILES if wanted.latencies else ()
    points, [total], [before], groups = await asyncio.gather(
        _points(ledger, organization, asked, zone, quantiles),
        ledger.usage(organization, since=asked.since, until=asked.until, quantiles=quantiles),
        ledger.usage(organization, since=asked.before_since, until=asked.before_until),
        _groups(ledger, organization, asked, wanted.by, quantiles),
    )
    largest = sorted(groups, key=lambda one: (_size(one, wanted.sort), one.calls), reverse=True)
    return Series(
        stretch=asked,
        zone=zone,
        points=points,
        total=total,
        before=before,
        groups=tuple(largest[:MOST_GROUPS]),
        left_out=max(len(largest) - MOST_GROUPS, 0),
    )


async def _points(
    ledger: Ledger, organization: str, asked: Stretch, zone: str, quantiles: tuple[float, ...]
) -> Mapping[str, Sums]:
    if asked.step == "5min":
        each = await asyncio.gather(
            *(
                ledger.usage(organization, since=since, until=since + FIVE_MINUTES, quantiles=quantiles)
                for since in asked.steps.values()
            )
        )
        return {name: found for name, [found] in zip(asked.steps, each, strict=True)}
    found = await ledger.usage(
        organization, since=asked.since, until=asked.until, group_by=(asked.step,), zone=zone, quantiles=quantiles
    )
    known = {one.group[asked.step]: one for one in found}
    return {name: known.get(name) or Sums(group={asked.step: name}) for name in asked.steps}


async def _groups(
    ledger: Ledger, organization: str, asked: Stretch, by: str | None, quantiles: tuple[float, ...]
) -> Sequence[Sums]:
    if by is None:
        return ()
    # Of keys, users, tags and the like latencies are known of single calls only, which are many.
    known = quantiles if by in ("model", "provider") else ()
    return await ledger.usage(organization, since=asked.since, until=asked.until, group_by=(by,), quantiles=known)


def _size(sums: Sums, sort: Sort) -> int:
    return sums.cost_nano_usd if sort == "cost" else sums.calls
