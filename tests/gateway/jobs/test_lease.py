"""A lease is kept while its work lasts, and given up when another has it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cognitude_plugins.gateway.jobs.lease import Lease
from cognitude_plugins.gateway.jobs.tables import JOBS
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Unavailable

DUE = datetime(2026, 11, 29, 8, tzinfo=UTC)


async def test_it_is_renewed_while_the_work_lasts(each_database: Storage) -> None:
    lease = Lease(each_database, "a.job", "me")
    fence = await lease.claim(DUE)
    assert fence == 1
    work = asyncio.create_task(asyncio.sleep(0.7))
    keeping = asyncio.create_task(lease.keep(work, fence))
    await asyncio.sleep(0.05)
    await each_database.write(lambda connection: connection.execute(update(JOBS).values(expires_ms=1)))
    await asyncio.sleep(0.6)
    found = (await lease.look()).state
    assert found is not None
    assert found.left > timedelta(seconds=1)
    await keeping
    assert work.done()


async def test_it_is_lost_when_another_has_it(each_database: Storage) -> None:
    lease = Lease(each_database, "a.job", "me")
    fence = await lease.claim(DUE)
    assert fence == 1
    await each_database.write(lambda connection: connection.execute(update(JOBS).values(fence=2)))
    work = asyncio.create_task(asyncio.sleep(60))
    await lease.keep(work, fence)
    assert not work.done()
    work.cancel()


async def test_without_a_database_it_lasts_until_another_can_have_it(tmp_path: Path) -> None:
    away = Storage(f"postgresql://nobody@/nothing?host={tmp_path}")
    lease = Lease(away, "a.job", "me")
    with pytest.raises(Unavailable):
        await lease.claim(DUE)
    loop, work = asyncio.get_running_loop(), asyncio.create_task(asyncio.sleep(60))
    began = loop.time()
    await lease.keep(work, 1)
    assert loop.time() - began >= 1.5
    assert not work.done()
    work.cancel()
    telling = asyncio.create_task(lease.finish(1, 0.1, None))
    await asyncio.sleep(0.3)
    assert not telling.done(), "it is told when the database is back"
    telling.cancel()
    away.close()


async def test_it_does_not_outlast_a_database_that_hangs() -> None:
    class Hanging(Storage):
        async def write(self, work: Any, *, patient: bool = False) -> Any:
            await asyncio.sleep(60)

    lease = Lease(Hanging("sqlite://"), "a.job", "me")
    loop, work = asyncio.get_running_loop(), asyncio.create_task(asyncio.sleep(60))
    began = loop.time()
    await lease.keep(work, 1)
    assert loop.time() - began < 2.5
    work.cancel()
