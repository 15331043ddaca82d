"""A tick is claimed once, held by renewing, and whoever lost it writes nothing any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import update

from cognitude_plugins.gateway.jobs.claims import LEASE_MS, claim, finish, give_back, look, renew
from cognitude_plugins.gateway.jobs.state import Look, State
from cognitude_plugins.gateway.jobs.tables import JOBS
from cognitude_plugins.gateway.storage.database import Storage

DUE = datetime(2026, 11, 28, 8, 0, 0, 123_000, tzinfo=UTC)
LATER = DUE + timedelta(minutes=1)


def claimed(storage: Storage, due: datetime = DUE, holder: str = "one") -> int | None:
    return storage.write_now(partial(claim, name="a.job", due=due, holder=holder))


def expire(storage: Storage) -> None:
    storage.write_now(lambda connection: connection.execute(update(JOBS).values(expires_ms=1)))


def looked(storage: Storage) -> tuple[Look, State]:
    found = storage.read_now(partial(look, name="a.job"))
    assert found.state is not None
    return found, found.state


def test_nobody_has_what_was_never_claimed(each_database: Storage) -> None:
    found = each_database.read_now(partial(look, name="a.job"))
    assert found.state is None
    assert abs(found.now - datetime.now(UTC)) < timedelta(seconds=5)
    assert found.free_for(DUE)


def test_a_tick_is_had_by_one(each_database: Storage) -> None:
    assert claimed(each_database) == 1
    assert claimed(each_database, holder="other") is None
    found, state = looked(each_database)
    assert (state.due, state.fence, state.done) == (DUE, 1, False)
    assert timedelta(0) < state.left <= timedelta(milliseconds=LEASE_MS)
    assert abs(state.started - datetime.now(UTC)) < timedelta(seconds=5)
    assert not found.free_for(DUE)
    assert not found.free_for(LATER), "a run is not overlapped"


async def test_of_many_at_once_one_has_it(each_database: Storage) -> None:
    claims = [partial(claim, name="a.job", due=DUE, holder=str(number)) for number in range(16)]
    fences = await asyncio.gather(*map(each_database.write, claims))
    assert sorted(fences, key=lambda fence: fence is None) == [1] + [None] * 15


def test_a_tick_that_is_over_is_not_had_again_and_the_next_is(each_database: Storage) -> None:
    claimed(each_database)
    assert each_database.write_now(partial(finish, name="a.job", fence=1, seconds=0.5, error="ValueError" * 100))
    _, state = looked(each_database)
    assert (state.done, state.seconds, len(state.error or "")) == (True, 0.5, 500)
    assert claimed(each_database) is None
    assert claimed(each_database, DUE - timedelta(minutes=1)) is None, "nor one from before"
    assert claimed(each_database, LATER) == 2


def test_who_lost_it_writes_nothing(each_database: Storage) -> None:
    claimed(each_database)
    expire(each_database)
    assert claimed(each_database, holder="other") == 2
    for change in (renew, give_back, partial(finish, seconds=1.0, error=None)):
        assert not each_database.write_now(partial(change, name="a.job", fence=1))
    assert each_database.write_now(partial(renew, name="a.job", fence=2))
    assert each_database.write_now(partial(finish, name="a.job", fence=2, seconds=1.0, error=None))


def test_what_is_given_back_is_free_at_once(each_database: Storage) -> None:
    claimed(each_database)
    assert each_database.write_now(partial(give_back, name="a.job", fence=1))
    assert looked(each_database)[0].free_for(DUE)
    assert claimed(each_database, holder="other") == 2


def test_jobs_are_had_each_by_itself(each_database: Storage) -> None:
    assert claimed(each_database) == 1
    assert each_database.write_now(partial(claim, name="b.job", due=DUE, holder="other")) == 1


def test_what_time_has_not_come_to_holds_nobody_up(each_database: Storage) -> None:
    """A tick from before the clock was set back, and a lease."""
    assert claimed(each_database, datetime.now(UTC) + timedelta(hours=1)) == 1
    assert claimed(each_database) is None, "it may be at work"
    each_database.write_now(lambda connection: connection.execute(update(JOBS).values(expires_ms=2**50)))
    assert looked(each_database)[1].left == timedelta(0)
    assert looked(each_database)[0].free_for(DUE)
    assert claimed(each_database) == 2
