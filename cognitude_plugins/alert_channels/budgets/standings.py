"""Asks how budgets stand: all of them in a few questions, whether they are one organization's or everybody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from hooks import Gateway, Metric, Sums, Unavailable
from hooks.errors import Unanswerable

from ..dollars import nano_usd
from .owned import Share
from .period import Period, period_of
from .projection import LOOKS, looks, own_pace, pace_of, pace_to, projected
from .spending import Ask, Unknown, sums_of
from .standing import Standing

FORECASTS: Final = "forecast_cost_"
"""How the metrics of a plugin that forecasts a day's, week's or month's cost of an organization begin."""


class Standings:
    """What it has found out of the days before it remembers for the hour: that changes once a day."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._hour: datetime | None = None
        self._paces: dict[tuple[str, str, str], float | None] = {}
        self._forecasts: dict[tuple[str, str], int | None] = {}

    async def of(self, shares: Sequence[Share], now: datetime) -> list[Standing]:
        """In the order of ``shares``. Raises `hooks.Unavailable`."""
        if not shares:
            return []
        self._forget(now)
        zones = [self._gateway.time_zone(one.organization) for one in shares]
        periods = [
            period_of(one.budget.per, zone, now, one.budget.since) for one, zone in zip(shares, zones, strict=True)
        ]
        asks = [_ask(one, period.start) for one, period in zip(shares, periods, strict=True)]
        found = await sums_of(self._gateway.ledger, asks)
        await self._learn(shares, now)
        return [await self._standing(*one, now) for one in zip(shares, zones, periods, found, strict=True)]

    async def _standing(self, share: Share, zone: str, period: Period, sums: Sums | Unknown, now: datetime) -> Standing:
        if isinstance(sums, Unknown):
            return Standing(share=share, zone=zone, period=period, spent=None, why=sums.why)
        spent = sums.cost_nano_usd
        pace = await self._pace(share, spent, period, now)
        ahead = projected(spent, share.budget.nano_usd, pace, period, now, zone)
        return Standing(
            share=share,
            zone=zone,
            period=period,
            spent=spent,
            forecast=None if ahead is None else ahead.nano_usd,
            exhausted_on=None if ahead is None else ahead.exhausted_on,
        )

    async def _pace(self, share: Share, spent: int, period: Period, now: datetime) -> float | None:
        """That of another plugin's forecast, where there is one of the whole organization; else that of the past."""
        if period.end is None:
            return None
        forecast = await self._forecast(share, now) if share.budget.scope == "organization" else None
        if forecast is not None:
            return pace_to(forecast, spent, period, now)
        past = self._paces.get(_whose(share))
        return own_pace(spent, period, now) if past is None else past

    async def _forecast(self, share: Share, now: datetime) -> int | None:
        metric = self._gateway.metrics.get(f"{FORECASTS}{share.budget.per}")
        if metric is None:
            return None
        key = (share.organization, share.budget.per)
        if key not in self._forecasts:
            self._forecasts[key] = await _read(metric, share.organization, now)
        return self._forecasts[key]

    async def _learn(self, shares: Sequence[Share], now: datetime) -> None:
        """The paces of those that are not known yet."""
        new = {_whose(one): one for one in shares if one.budget.per != "total" and _whose(one) not in self._paces}
        asks = [_ask(one, since, until) for one in new.values() for since, until in looks(now)]
        found = await sums_of(self._gateway.ledger, asks)
        for place, whose in enumerate(new):
            sums = found[place * len(LOOKS) : (place + 1) * len(LOOKS)]
            known: Mapping[int, Sums] = {
                days: one for days, one in zip(LOOKS, sums, strict=True) if not isinstance(one, Unknown)
            }
            self._paces[whose] = pace_of(known) if len(known) == len(LOOKS) else None

    def _forget(self, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._paces, self._forecasts = hour, {}, {}


async def _read(metric: Metric, organization: str, now: datetime) -> int | None:
    if metric.read is None:
        return None
    try:
        dollars = await metric.read(organization, now)
    except (Unavailable, Unanswerable):
        return None
    return None if dollars is None else nano_usd(dollars)


def _ask(share: Share, since: datetime, until: datetime | None = None) -> Ask:
    budget = share.budget
    return Ask(organization=share.organization, scope=budget.scope, value=budget.value, since=since, until=until)


def _whose(share: Share) -> tuple[str, str, str]:
    return share.organization, share.budget.scope, share.budget.value
