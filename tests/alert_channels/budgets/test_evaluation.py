"""Budgets by a virtual clock: alerts at the right minute, each told once, and gone with their period."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.budgets.desk import SERIES
from cognitude_plugins.alert_channels.budgets.evaluation import Evaluation
from cognitude_plugins.alert_channels.budgets.owned import Owned
from cognitude_plugins.alert_channels.budgets.register import Register
from cognitude_plugins.alert_channels.budgets.settings import Budget
from cognitude_plugins.alert_channels.budgets.standings import Standings
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle
from cognitude_plugins.alert_channels.tables import AlertOutbox
from hooks import EVERY_ORGANIZATION, Database, Unavailable
from hooks.testing import FakeGateway
from tests.alert_channels.budgets.made import CountingLedger, budget, call, owned
from tests.alert_channels.lifecycle.watched import lifecycle, target
from tests.borrowed import Tables

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 11, 28, 12, tzinfo=UTC)
ZONES = {"acme": "Europe/Berlin", "globex": "America/New_York", "initech": "Asia/Kolkata"}
_OUTBOX: Any = AlertOutbox.__table__  # type: ignore[attr-defined]


@pytest.fixture
def database(each_database: Any, tmp_path: Path) -> Database:
    return Tables(each_database, tmp_path, plugin).lent()


class World:
    """A gateway with budgets, and what was told of them."""

    def __init__(self, database: Database, *declared: Owned, zones: Any = None) -> None:
        self.ledger = CountingLedger()
        self.gateway = FakeGateway(database=database, ledger=self.ledger, time_zones=zones or ZONES)
        self.register = Register(declared, database)
        everybody = [target(organization=EVERY_ORGANIZATION)]
        self.life: Lifecycle = lifecycle(database, everybody)
        self.evaluation = self.another()
        self.now = START

    def another(self) -> Evaluation:
        """As in a process that takes over."""
        return Evaluation(self.gateway, self.register, Standings(self.gateway))

    async def at(self, now: datetime) -> None:
        self.now = now
        before = await self.life.look(SERIES, now)
        found = await self.evaluation.budgets_due(now, before.standing)
        await self.life.observe(found, now, series=SERIES, seen=before)

    async def run(self, until: datetime, step: timedelta = MINUTE) -> None:
        while self.now < until:
            await self.at(self.now + step)

    def spend(self, usd: float, at: datetime | None = None, organization: str = "acme", **changed: Any) -> None:
        self.ledger.add(call(at or self.now, usd, organization, **changed))

    async def told(self) -> Sequence[tuple[str, str, str]]:
        """Organization, minute by UTC, and title of everything that was sent."""

        def look(connection: Any) -> list[tuple[str, str, str]]:
            rows = connection.execute(_OUTBOX.select().order_by(_OUTBOX.c.created_ms, _OUTBOX.c.id))
            return [
                (
                    row.organization,
                    f"{datetime.fromtimestamp(row.created_ms / 1000, UTC):%d %H:%M}",
                    json.loads(row.message)["title"],
                )
                for row in rows
            ]

        return await self.gateway.database.read(EVERY_ORGANIZATION, look)  # type: ignore[no-any-return]


def daily(amount: Any = 100, **changed: Any) -> Budget:
    return budget(amount=amount, per="day", forecast=False, **changed)


async def test_each_threshold_is_told_once_at_its_minute_and_resolved_with_the_day(database: Database) -> None:
    world = World(database, owned(daily()))
    await world.at(START)
    world.spend(55)
    await world.run(START + HOUR)
    world.spend(30)
    await world.run(START + 2 * HOUR)
    world.spend(20, START + 2 * HOUR + MINUTE)
    await world.run(START + 2 * HOUR + 3 * MINUTE)
    await world.run(datetime(2026, 11, 29, 0, 0, tzinfo=UTC), HOUR)
    told = await world.told()
    assert told[:3] == [
        ("acme", "28 13:00", "Budget all is used to 55 % in 2026-11-28: $55.00 of $100.00"),
        ("acme", "28 14:00", "Budget all is used to 85 % in 2026-11-28: $85.00 of $100.00"),
        ("acme", "28 14:01", "Budget all is exceeded in 2026-11-28: $105.00 of $100.00"),
    ]
    assert [(at, title) for _, at, title in told[3:]] == [("28 23:03", "Resolved: 3 alerts of budget all")]


async def test_several_thresholds_at_once_are_one_message(database: Database) -> None:
    world = World(database, owned(daily()))
    world.spend(300)
    await world.run(START + 10 * MINUTE)
    assert [title for _, _, title in await world.told()] == ["Budget all is exceeded in 2026-11-28: $300.00 of $100.00"]


async def test_a_budget_of_every_organization_is_each_ones_own_by_its_own_clock(database: Database) -> None:
    world = World(database, owned(daily(thresholds=[100]), EVERY_ORGANIZATION))
    for organization in ZONES:
        world.spend(150, organization=organization)
    await world.run(START + DAY, HOUR)
    told = await world.told()
    assert sorted((whose, at) for whose, at, title in told if "Resolved" not in title) == [
        ("acme", "28 13:00"),
        ("globex", "28 13:00"),
        ("initech", "28 13:00"),
    ]
    # Midnight in Kolkata is 18:30, in Berlin 23:00 and in New York 05:00.
    assert sorted((whose, at) for whose, at, title in told if "Resolved" in title) == [
        ("acme", "28 23:00"),
        ("globex", "29 05:00"),
        ("initech", "28 19:00"),
    ]


async def test_one_that_takes_over_or_looks_twice_tells_nothing_again(database: Database) -> None:
    world = World(database, owned(daily()))
    world.spend(85)
    await world.at(START)
    world.evaluation = world.another()
    await world.at(START)
    await world.run(START + 3 * MINUTE)
    assert len(await world.told()) == 1


async def test_a_raised_amount_resolves_and_tells_no_lower_threshold_again(database: Database) -> None:
    world = World(database)
    await world.register.add(owned(daily()))
    world.spend(110)
    await world.at(START)
    await world.register.change("budget_all", lambda one: owned(daily(200)))
    await world.run(START + 5 * MINUTE)
    assert [title for _, _, title in await world.told()] == [
        "Budget all is exceeded in 2026-11-28: $110.00 of $100.00",
        "Resolved: Budget all is used to 55 % in 2026-11-28: $110.00 of $200.00",
    ]
    world.spend(60)
    await world.run(START + 65 * MINUTE)
    assert [title for _, _, title in await world.told()][2:] == [
        "Budget all is used to 85 % in 2026-11-28: $170.00 of $200.00"
    ]


@pytest.mark.parametrize("gone", ["deleted", "disabled", "without the threshold"])
async def test_what_is_gone_is_resolved_in_the_next_minute(database: Database, gone: str) -> None:
    world = World(database)
    await world.register.add(owned(daily()))
    world.spend(110)
    await world.at(START)
    if gone == "deleted":
        assert await world.register.delete("budget_all")
    changed = daily(enabled=False) if gone == "disabled" else daily(thresholds=[200])
    if gone != "deleted":
        await world.register.change("budget_all", lambda one: owned(changed))
    await world.at(START + MINUTE)
    assert (await world.life.look(SERIES, world.now)).standing == {}
    assert len(await world.told()) == 2


async def test_most_are_looked_at_each_hour_and_hot_or_hard_or_new_ones_each_minute(database: Database) -> None:
    calm, hard = owned(daily()), owned(daily(name="hard", hard=True))
    world = World(database, calm)
    await world.at(START)
    asked = world.ledger.asked
    await world.run(START + 59 * MINUTE)
    assert world.ledger.asked == asked
    await world.at(START + HOUR)
    assert world.ledger.asked > asked
    asked = world.ledger.asked
    await world.evaluation.budgets_due(world.now + MINUTE, {}, everything=True)
    assert world.ledger.asked > asked
    await world.register.add(hard)
    asked = world.ledger.asked
    await world.run(START + HOUR + 3 * MINUTE)
    assert world.ledger.asked - asked >= 3


async def test_all_budgets_of_all_organizations_are_a_few_questions(database: Database) -> None:
    zones = {f"org-{number}": ("UTC", "Europe/Berlin")[number % 2] for number in range(50)}
    each = [owned(budget(name=name, per=name), EVERY_ORGANIZATION) for name in ("day", "week", "month")]
    keys = [
        owned(budget(name=f"k{number}", scope="key", value=f"k{number}"), EVERY_ORGANIZATION) for number in range(4)
    ]
    world = World(database, *each, *keys, zones=zones)
    await world.at(START)
    # Per zone a day, a week and a month of organizations and a month of keys; four looks back at either.
    assert world.ledger.asked == 2 * 4 + 2 * 4


async def test_a_forecast_is_told_with_its_day(database: Database) -> None:
    world = World(database, owned(budget(amount=90, thresholds=[100])))
    for days in range(20):
        world.spend(4, START - days * DAY)
    world.spend(2, START - 20 * DAY)
    await world.at(START)
    [(_, _, title)] = await world.told()
    assert title == "Budget all is forecast to be exceeded in 2026-11, on 2026-11-30"


async def test_alerts_of_budgets_that_could_not_be_read_yet_are_not_over(database: Database) -> None:
    class Hiccup:
        async def read(self, *asked: Any, **how: Any) -> Any:
            raise Unavailable("the database does not answer")

        write = read

    world = World(database, owned(daily()))
    world.spend(55)
    await world.at(START)
    world.register = Register((), Hiccup())
    world.evaluation = world.another()
    with pytest.raises(Unavailable, match="have not been read yet"):
        await world.at(START + MINUTE)
    assert len((await world.life.look(SERIES, START)).standing) == 1


async def test_of_a_budget_that_is_gone_nothing_stays_open_that_was_resolved_by_hand(database: Database) -> None:
    world = World(database, owned(daily()))
    world.spend(55)
    await world.at(START)
    [alert] = (await world.life.look(SERIES, START)).standing.values()
    await world.life.resolve("acme", alert.id, by="k", note=None, now=START)
    world.register = Register((), database)
    world.evaluation = world.another()
    await world.at(START + MINUTE)
    assert (await world.life.look(SERIES, START)).standing == {}
