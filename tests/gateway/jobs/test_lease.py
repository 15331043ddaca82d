"""A lease is kept while its work lasts, and given up when another has it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

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
    found = await lease.state()
    assert found is not None
    assert found.left_ms > 1000
    assert await keeping


async def test_it_is_lost_when_another_has_it(each_database: Storage) -> None:
    lease = Lease(each_database, "a.job", "me")
    fence = await lease.claim(DUE)
    assert fence == 1
    await each_database.write(lambda connection: connection.execute(update(JOBS).values(fence=2)))
    work = asyncio.create_task(asyncio.sleep(60))
    assert not await lease.keep(work, fence)
    work.cancel()


async def test_without_a_database_it_lasts_until_another_can_have_it(tmp_path: Path) -> None:
    away = Storage(f"postgresql://nobody@/nothing?host={tmp_path}")
    lease = Lease(away, "a.job", "me")
    with pytest.raises(Unavailable):
        await lease.claim(DUE)
    loop, work = asyncio.get_running_loop(), asyncio.create_task(asyncio.sleep(60))
    began = loop.time()
    assert not await lease.keep(work, 1)
    assert loop.time() - began >= 1.5
    work.cancel()
    await lease.finish(1, 0.1, None)
    await lease.give_back(1)
    away.close()
