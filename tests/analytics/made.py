"""Histories and ledgers to forecast from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cognitude_plugins.analytics.forecast.conformal import Table
from cognitude_plugins.analytics.forecast.daily import Daily
from cognitude_plugins.analytics.forecast.spending import Spending
from hooks import Sums, Unanswerable
from hooks.testing import FakeCall, FakeLedger

MONDAY = date(2026, 6, 1)
USD = 10**9
BERLIN = ZoneInfo("Europe/Berlin")
ONE_UNIT = Table(
    probabilities=(0.025, 0.5, 0.975), history=(3, 120), ahead=(1, 365), quantiles=(((-1.0, 0.0, 1.0),) * 2,) * 2
)
"""Errors of up to a yardstick to either side."""


def daily(*dollars: float, first: date = MONDAY) -> Daily:
    return Daily(first=first, spend=tuple(round(one * USD) for one in dollars))


def week(days: int, weekday: float = 10.0, weekend: float = 2.0) -> list[float]:
    """From a Monday on."""
    return [weekend if day % 7 >= 5 else weekday for day in range(days)]


def spending(dollars: Iterable[float], *, today: float = 0.0, hour: int = 12) -> Spending:
    """From `MONDAY` on, and what was spent today up to that hour; the day before `MONDAY` cost a cent."""
    spent = [round(one * USD) for one in dollars]
    now = datetime.combine(MONDAY + timedelta(days=len(spent)), datetime.min.time(), BERLIN).replace(hour=hour)
    days = {MONDAY + timedelta(days=day): cost for day, cost in enumerate(spent)}
    days |= {MONDAY - timedelta(days=1): USD // 100, now.date(): round(today * USD)}
    return Spending(now=now, since=date(2026, 1, 1), days=days, hours={})


def calls(at: datetime, dollars: float, count: int = 1, **more: object) -> list[FakeCall]:
    """So many at one moment, which cost so much together."""
    cost = round(dollars * USD)
    costs = [cost // count + (number < cost % count) for number in range(count)]
    return [FakeCall(at=at, cost_nano_usd=one, **more) for one in costs]  # type: ignore[arg-type]


class Forgetful(FakeLedger):
    """Does not keep of the time before ``since`` what is asked for with groups; without ``of_utc`` it does
    keep what is of UTC.
    """

    def __init__(self, *calls: FakeCall, since: datetime, name: str = "hours", of_utc: bool = True) -> None:
        super().__init__(*calls)
        self._since, self._name, self._of_utc = since, name, of_utc

    async def usage(self, organization: str, **asked: Any) -> tuple[Sums, ...]:
        zone = asked.get("zone", "UTC")
        if asked.get("group_by") and asked["since"] < self._since and (self._of_utc or zone != "UTC"):
            raise Unanswerable("not kept", what="time", name=self._name, since=self._since)
        return await super().usage(organization, **asked)
