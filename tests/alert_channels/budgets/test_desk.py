"""Budgets from start-up to shutdown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.budgets.desk import SERIES, Desk
from hooks import Tick, Unavailable
from hooks.testing import FakeGateway, FakeLedger
from tests.alert_channels.budgets.made import NOW, budget, call, owned
from tests.alert_channels.lifecycle.watched import lifecycle, target
from tests.borrowed import Tables, sqlite_tables

MINUTE = timedelta(minutes=1)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


async def test_what_could_not_be_written_down_is_looked_at_again(tables: Tables) -> None:
    database = tables.lent()
    gateway = FakeGateway(database=database, ledger=FakeLedger(call(NOW, 60)), time_zones={"acme": "UTC"})
    life, desk, broken = lifecycle(database, [target(organization="*")]), Desk((), "alerts"), True

    class Brittle:
        async def look(self, *args: Any) -> Any:
            return await life.look(*args)

        async def observe(self, *args: Any, **options: Any) -> bool:
            if broken:
                raise Unavailable("database", "it is away")
            return await life.observe(*args, **options)

    brittle: Any = Brittle()
    async with desk.opened(gateway, brittle):
        await desk.register.add(owned(budget()))
        with pytest.raises(Unavailable):
            await desk.run(Tick(due=NOW))
        broken = False
        await desk.run(Tick(due=NOW + MINUTE))
        [alert] = (await life.look(SERIES, NOW)).standing.values()
        assert alert.rule == "budget:budget_all:50"


async def test_out_of_turn_it_looks_at_all_of_them(tables: Tables) -> None:
    database = tables.lent()
    ledger = FakeLedger()
    gateway = FakeGateway(database=database, ledger=ledger, time_zones={"acme": "UTC"})
    life, desk = lifecycle(database, [target(organization="*")]), Desk((), "alerts")
    async with desk.opened(gateway, life):
        await desk.register.add(owned(budget()))
        await desk.run(Tick(due=NOW))
        ledger.add(call(NOW, 60))
        await desk.run(Tick(due=NOW + MINUTE))
        assert (await life.look(SERIES, NOW)).standing == {}
        await desk.run(Tick(due=NOW + MINUTE + timedelta(seconds=7)))
        assert len((await life.look(SERIES, NOW)).standing) == 1


async def test_before_it_is_opened_nothing_is_done() -> None:
    desk = Desk((), "alerts")
    await desk.refresh()
    await desk.run(Tick(due=NOW))
    assert desk.status() == {}
    with pytest.raises(RuntimeError):
        _ = desk.register
