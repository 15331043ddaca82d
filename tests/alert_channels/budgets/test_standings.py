"""How budgets stand: forecasts of others and of its own, and what is not asked again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cognitude_plugins.alert_channels.budgets.standings import Standings
from hooks import Metric, Unanswerable, Unavailable
from hooks.testing import FakeGateway
from tests.alert_channels.budgets.made import NOW, USD, CountingLedger, budget, call, share

DAY = timedelta(days=1)


def gateway(*calls: Any, metrics: Any = None, zone: str = "UTC") -> FakeGateway:
    return FakeGateway(ledger=CountingLedger(*calls), time_zones={"acme": zone, "globex": "UTC"}, metrics=metrics or {})


def offered(value: float | Exception | None) -> dict[str, Metric]:
    asked: list[datetime] = []

    async def read(organization: str, at: datetime) -> float | None:
        asked.append(at)
        assert len(asked) == 1, "it is asked once an hour"
        if isinstance(value, Exception):
            raise value
        return value

    return {"forecast_cost_month": Metric(name="forecast_cost_month", description="", unit="usd", read=read)}


PAST = [call(NOW - days * DAY, 2, key="k1") for days in range(28)]


async def test_periods_are_those_of_the_organizations_zone() -> None:
    late = call(datetime.fromisoformat("2026-11-28T23:30Z"), 5)
    [found] = await Standings(gateway(late, zone="Europe/Berlin")).of([share(budget(per="day"))], NOW)
    assert (found.spent, found.period.name, found.zone) == (5 * USD, "2026-11-29", "Europe/Berlin")
    [found] = await Standings(gateway(late)).of([share(budget(per="day"))], NOW)
    assert found.spent == 0


async def test_the_forecast_of_another_plugin_is_that_of_the_whole_organization_only() -> None:
    standings = Standings(gateway(*PAST, metrics=offered(200.5)))
    whole, key = share(budget()), share(budget(scope="key", value="k1"))
    for _ in range(2):
        first, second = await standings.of([whole, key], NOW)
        assert (first.spent, first.forecast) == (56 * USD, 200_500_000_000)
        assert second.forecast == 59 * USD


async def test_where_that_plugin_has_none_it_is_its_own() -> None:
    for missing in (None, Unavailable("database", "away"), Unanswerable("no", what="filter")):
        [found] = await Standings(gateway(*PAST, metrics=offered(missing))).of([share()], NOW)
        assert found.forecast == 59 * USD


async def test_a_forecast_that_the_spending_has_passed_is_the_spending() -> None:
    [found] = await Standings(gateway(*PAST, metrics=offered(10.0))).of([share()], NOW)
    assert found.forecast == found.spent


async def test_the_past_is_asked_for_once_an_hour() -> None:
    lent = gateway(*PAST)
    standings, asked = Standings(lent), []
    for minutes in (0, 1, 59, 60):
        before = lent.ledger.asked  # type: ignore[attr-defined]
        await standings.of([share()], NOW + minutes * timedelta(minutes=1))
        asked.append(lent.ledger.asked - before)  # type: ignore[attr-defined]
    assert asked == [5, 1, 1, 5]


async def test_a_total_has_no_forecast() -> None:
    [found] = await Standings(gateway(*PAST)).of([share(budget(per="total", since="2026-11-20"))], NOW)
    assert (found.spent, found.forecast, found.period.end) == (20 * USD, None, None)


async def test_what_the_ledger_cannot_say_is_said_and_the_rest_answered() -> None:
    class Forgetful(CountingLedger):
        async def usage(self, *args: Any, **options: Any) -> Any:
            if options.get("key"):
                raise Unanswerable("that is too long ago", what="filter")
            return await super().usage(*args, **options)

    lent = FakeGateway(ledger=Forgetful(*PAST))
    key, whole = await Standings(lent).of([share(budget(scope="key", value="k1")), share()], NOW)
    assert (key.spent, key.why, key.state) == (None, "that is too long ago", "unknown")
    assert (whole.spent, whole.why) == (56 * USD, "")
