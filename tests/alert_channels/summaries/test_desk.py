"""Summaries by a virtual clock, over a real outbox: each channel gets each once, also after takeovers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.summaries.desk import Desk
from cognitude_plugins.alert_channels.summaries.settings import Summaries
from cognitude_plugins.alert_channels.tables import AlertOutbox
from hooks import EVERY_ORGANIZATION, Database, Part, Section, Unavailable
from hooks.testing import FakeGateway, FakeLedger
from tests.alert_channels.budgets.made import call
from tests.alert_channels.lifecycle.watched import Channels, target
from tests.borrowed import Tables

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_OUTBOX: Any = AlertOutbox.__table__  # type: ignore[attr-defined]
BOTH: Any = frozenset(("daily", "weekly"))
# Saturday noon before Berlin's clocks are set back.
START = datetime(2026, 10, 24, 12, tzinfo=UTC)
ZONES = {"acme": "Europe/Berlin", "globex": "America/New_York", "initech": "Asia/Kolkata", "idle": "UTC"}


@pytest.fixture
def database(each_database: Any, tmp_path: Path) -> Database:
    return Tables(each_database, tmp_path, plugin).lent()


class Named(Channels):
    def named(self, organization: str, name: str) -> Target | None:
        return next((one for one in self.targets(organization) if one.name == name), None)


async def nothing(organization: str) -> Sequence[Any]:
    return ()


class World:
    def __init__(self, database: Database, settings: Summaries | None = None, **changed: Any) -> None:
        self.zones = dict(ZONES)
        calls = [
            call(START - 10 * DAY + hours * HOUR, 1, organization)
            for organization in ("acme", "globex", "initech")
            for hours in range(0, 24 * 25, 6)
        ]
        self.gateway = FakeGateway(database=database, ledger=FakeLedger(*calls), time_zones=self.zones, **changed)
        wanting = [target(f"{name}-mail", organization=name, summaries=BOTH) for name in ZONES]
        wanting += [target("silent", organization="acme"), target("ops", organization="*", summaries=BOTH)]
        self.channels = Named(wanting)
        self.settings = settings or Summaries()
        self.desk = Desk(self.settings)
        self.stack = AsyncExitStack()

    @classmethod
    async def opened(cls, database: Database, settings: Summaries | None = None, **changed: Any) -> World:
        found = cls(database, settings, **changed)
        await found.take_over()
        return found

    async def take_over(self) -> None:
        """As another process does."""
        self.desk = Desk(self.settings, now=lambda: START)
        await self.stack.enter_async_context(self.desk.opened(self.gateway, self.channels, nothing))

    async def run(self, since: datetime, until: datetime, step: timedelta = MINUTE) -> None:
        while since < until:
            await self.desk.send_due(since)
            since += step

    async def sent(self) -> list[tuple[str, str, str]]:
        """Channel, time by UTC, and what."""

        def look(connection: Any) -> list[tuple[str, str, str]]:
            rows = connection.execute(_OUTBOX.select().order_by(_OUTBOX.c.created_ms, _OUTBOX.c.dedup_key))
            return [
                (
                    row.channel.removeprefix("id-"),
                    f"{datetime.fromtimestamp(row.created_ms / 1000, UTC):%dT%H:%M}",
                    json.loads(row.message)["title"].partition(":")[0],
                )
                for row in rows
            ]

        return await self.gateway.database.read(EVERY_ORGANIZATION, look)  # type: ignore[no-any-return]


async def test_over_a_change_of_clocks_each_comes_at_eight_by_its_own(database: Database) -> None:
    world = await World.opened(database)
    await world.run(START, START + 3 * DAY, 30 * MINUTE)
    sent = await world.sent()
    assert [(at, what) for channel, at, what in sent if channel == "acme-mail"] == [
        ("25T07:00", "Daily summary of acme, 2026-10-24"),
        ("26T07:00", "Daily summary of acme, 2026-10-25"),
        ("26T07:00", "Weekly summary of acme, 2026-W43"),
        ("27T07:00", "Daily summary of acme, 2026-10-26"),
    ]
    assert [at for channel, at, _ in sent if channel == "globex-mail"] == [
        "24T12:00",
        "25T12:00",
        "26T12:00",
        "26T12:00",
    ]
    assert [at for channel, at, _ in sent if channel == "initech-mail"] == [
        "25T02:30",
        "26T02:30",
        "26T02:30",
        "27T02:30",
    ]
    assert len(set(sent)) == len(sent)


async def test_the_gateways_own_channels_get_one_of_all_organizations(database: Database) -> None:
    world = await World.opened(database)
    await world.run(START, START + DAY, 30 * MINUTE)
    sent = await world.sent()
    assert [(at, what) for channel, at, what in sent if channel == "ops"] == [
        ("24T12:00", "Daily summary of all organizations, 2026-10-23"),
        ("25T08:00", "Daily summary of all organizations, 2026-10-24"),
    ]


async def test_nobody_is_told_of_nothing_unless_he_wants_to_be(database: Database) -> None:
    world = await World.opened(database)
    await world.run(START, START + DAY, HOUR)
    assert not [one for one in await world.sent() if one[0] in ("idle-mail", "silent")]
    world = await World.opened(database, Summaries(empty=True))
    await world.run(START, START + DAY, HOUR)
    assert [one for one in await world.sent() if one[0] == "idle-mail"]


async def test_takeovers_and_restarts_send_nothing_twice(database: Database) -> None:
    world = await World.opened(database)
    for minutes in range(0, 24 * 60, 30):
        await world.take_over()
        for _ in range(2):
            await world.desk.send_due(START + minutes * MINUTE)
    sent = await world.sent()
    assert len(sent) == len({(channel, what) for channel, _, what in sent}) > 3


async def test_another_zone_sends_nothing_twice(database: Database) -> None:
    world = await World.opened(database, Summaries(weekly=None))
    await world.run(START, START + DAY, 30 * MINUTE)
    world.zones["acme"] = "America/New_York"
    await world.take_over()
    await world.run(START + DAY, START + 2 * DAY + HOUR, 30 * MINUTE)
    mine = [what for channel, _, what in await world.sent() if channel == "acme-mail"]
    assert mine == ["Daily summary of acme, 2026-10-24", "Daily summary of acme, 2026-10-25"]


async def test_what_was_missed_is_made_good_for_some_hours(database: Database) -> None:
    world = await World.opened(database, Summaries(weekly=None))
    await world.desk.send_due(datetime(2026, 10, 25, 12, 59, tzinfo=UTC))
    assert "acme-mail" in {channel for channel, _, _ in await world.sent()}
    await world.desk.send_due(datetime(2026, 10, 26, 13, tzinfo=UTC))
    assert [what for channel, _, what in await world.sent() if channel == "acme-mail"] == [
        "Daily summary of acme, 2026-10-24"
    ]


async def test_a_ledger_that_is_away_is_asked_again_in_the_next_minute(database: Database) -> None:
    class Away(FakeLedger):
        async def usage(self, *args: Any, **options: Any) -> Any:
            raise Unavailable("database", "away")

    world = await World.opened(database)
    there = world.gateway
    world.gateway = FakeGateway(database=database, ledger=Away(), time_zones=ZONES)
    await world.take_over()
    eight = datetime(2026, 10, 25, 7, tzinfo=UTC)
    await world.desk.send_due(eight)
    assert await world.sent() == []
    world.gateway = there
    await world.take_over()
    await world.desk.send_due(eight + MINUTE)
    assert "acme-mail" in {channel for channel, _, _ in await world.sent()}


async def test_other_plugins_have_their_part_and_one_that_fails_is_left_out(database: Database) -> None:
    async def weather(organization: str, since: datetime, until: datetime) -> list[Part]:
        return [Part(heading="Weather", text=f"{organization} {since:%d} to {until:%d}")]

    async def away(organization: str, since: datetime, until: datetime) -> list[Part]:
        raise Unavailable("database", "away")

    sections = (Section(name="away", read=away), Section(name="weather", read=weather))
    world = await World.opened(database, sections=sections)
    found = await world.desk.made("acme", "daily", None)
    assert found.parts[-1] == Part(heading="Weather", text="acme 22 to 23")
    everybody = await world.desk.made(EVERY_ORGANIZATION, "weekly", START.date())
    assert "Weather" not in {part.heading for part in everybody.parts}


async def test_what_is_sent_by_hand_is_sent_each_time(database: Database) -> None:
    world = await World.opened(database)
    message = await world.desk.made("acme", "daily", None)
    mail = world.channels.named("acme", "acme-mail")
    assert mail is not None
    for _ in range(2):
        await world.desk.send(message, mail)
    assert [one[0] for one in await world.sent()] == ["acme-mail"] * 2
