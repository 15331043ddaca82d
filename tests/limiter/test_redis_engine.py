"""The limits in a real Redis: reserved by many at once, settled behind their backs, by the server's clock."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any, Final

import pytest

from cognitude_plugins.limiter import line
from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, Verdict
from cognitude_plugins.limiter.counters import Down
from cognitude_plugins.limiter.redis_engine import RedisEngine, returned
from tests.redis_servers import RedisServer

from .servers import PREFIX, At, Held, counted, lease, requests, started, together, tokens, under_way, until

LIMIT: Final = 100


@asynccontextmanager
async def engine(
    to: RedisServer | Held, late: list[str] | None = None, timeout: float = 2
) -> AsyncIterator[RedisEngine]:
    """It waits long: these tests are not about what is late."""
    told: list[str] = [] if late is None else late

    def on_late(tag: str, id: str, charges: Sequence[Charge], verdict: Verdict) -> None:
        told.append(id)

    one = RedisEngine(At(to.url), prefix=PREFIX, timeout=timeout, debts=lambda now: (), on_late=on_late,
                      told=lambda why: None)  # fmt: skip
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Stopped, frozen and set in all ways."""
    with started(RedisServer) as server:
        yield server


async def test_two_processes_let_through_exactly_the_limit(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one, engine(redis_server) as other:
        verdicts = await together(
            640, lambda number: (one, other)[number % 2].reserve("acme", str(number), (requests(LIMIT),))
        )
    assert sum(verdict.admitted for verdict in verdicts) == LIMIT
    assert counted(redis_server, "acme") == LIMIT


async def test_to_look_takes_nothing_and_what_was_used_is_counted_beyond_the_limit(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        charges = (requests(1),)
        assert (await one.reserve("acme", "1", charges, dry=True)).states[0].remaining == 1
        assert (await one.reserve("acme", "2", charges)).admitted
        assert not (await one.reserve("acme", "3", charges)).admitted
        assert (await one.reserve("acme", "4", charges, force=True)).admitted
        assert counted(redis_server, "acme") == 2


async def test_the_time_is_the_servers(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        verdict = await one.reserve("acme", "1", (requests(),))
        assert 0 <= one.now() - verdict.now < 10_000


async def test_without_redis_it_is_said_at_once(redis_server: RedisServer) -> None:
    redis_server.kill()
    async with engine(redis_server) as one:
        with pytest.raises(Down):
            await one.reserve("acme", "1", (requests(),))
        one.renew("acme", ["1"], (lease(),))
        with pytest.raises(Down):
            await one.reset("acme", "")
        with pytest.raises(Down):
            await one.policy()


@pytest.mark.parametrize("timeout", [2, 0.05])
async def test_an_answer_that_was_long_on_its_way_does_not_set_the_time_back(
    redis_server: RedisServer, timeout: float
) -> None:
    """Whether somebody still waits for it or not."""
    async with Held(redis_server) as way, engine(way, timeout=timeout) as one:
        await one.reserve("acme", "1", (requests(),))
        off = one.now() - monotonic() * 1000
        way.answers.clear()
        call = asyncio.create_task(one.reserve("acme", "2", (requests(),)))
        await asyncio.sleep(0.4)
        way.answers.set()
        await asyncio.gather(call, return_exceptions=True)
        await until(lambda: one.up)
        assert abs(one.now() - monotonic() * 1000 - off) < 200


# Settled


async def test_a_call_is_settled_once_however_often_it_is_said(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        charges = (tokens(1000), lease())
        verdict = await one.reserve("acme", "x", charges)
        for _ in range(3):
            one.settle("acme", "x", settled(charges, verdict, -400))
        await until(lambda: counted(redis_server, "acme", "tokens") == 600)
        assert under_way(redis_server) == 0
    assert counted(redis_server, "acme", "tokens") == 600


async def test_what_was_to_be_settled_while_redis_hung_is_settled_once(redis_server: RedisServer) -> None:
    """It was on its way when the connection was given up: sent again, and carried out once."""
    async with engine(redis_server, timeout=0.05) as one:
        charges = (tokens(1000), lease())
        verdicts = await together(20, lambda number: one.reserve("acme", str(number), charges))
        redis_server.freeze()
        for number, verdict in enumerate(verdicts):
            one.settle("acme", str(number), settled(charges, verdict, -400))
        await asyncio.sleep(2.3)
        redis_server.thaw()
        await until(lambda: under_way(redis_server) == 0)
    assert counted(redis_server, "acme", "tokens") == 20 * 600


async def test_a_call_that_is_renewed_stays_under_way(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        short = replace(lease(), window=400)
        for id in ("kept", "left"):
            await one.reserve("acme", id, (short,))
        for _ in range(8):
            await asyncio.sleep(0.1)
            one.renew("acme", ["kept", "never there"], (short,))
        verdict = await one.reserve("acme", "", (replace(short, limit=10, amount=0),), dry=True)
    assert verdict.states[0].remaining == 9


# Those who leave


async def test_of_3000_a_tenth_leave_and_nobody_gets_what_was_anothers(redis_server: RedisServer) -> None:
    """Whose verdict it is can be told from what remains; what was taken for those who left is given back."""
    chance = random.Random(12)
    received: Counter[int] = Counter()

    async def call(one: RedisEngine, organization: int) -> None:
        await asyncio.sleep(chance.random() * 0.3)
        charges = (requests((organization + 1) * 10_000), tokens(7), lease())
        verdict = await one.reserve(f"o{organization}", f"{chance.random()}", charges)
        assert organization * 10_000 < verdict.states[0].remaining < (organization + 1) * 10_000
        received[organization] += 1

    async with engine(redis_server) as one:
        loop = asyncio.get_running_loop()
        calls = [asyncio.create_task(call(one, number % 50)) for number in range(3000)]
        for leaving in chance.sample(calls, 300):
            loop.call_later(chance.random() * 0.5, leaving.cancel)
        results = await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0.6)
    assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
    for number in range(50):
        assert counted(redis_server, f"o{number}") == received[number]
        assert counted(redis_server, f"o{number}", "tokens") == received[number] * 7
        assert under_way(redis_server, f"o{number}") == received[number]


async def test_who_leaves_between_the_verdict_and_hearing_it_has_taken_nothing(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        leaving: list[asyncio.Task[Any]] = []

        async def first() -> None:
            await one.reserve("acme", "1", (requests(),))
            for task in leaving:
                assert not task.done()
                task.cancel()

        async def second(number: int) -> None:
            await one.reserve("acme", f"left {number}", (requests(),))

        # In one batch: when the first is woken the others have their verdicts, and have not been woken yet.
        staying = asyncio.create_task(first())
        leaving += [asyncio.create_task(second(number)) for number in range(20)]
        await asyncio.gather(staying, *leaving, return_exceptions=True)
        assert sum(task.cancelled() for task in leaving) == 20
        await until(lambda: counted(redis_server, "acme") == 1)


async def test_who_leaves_while_redis_hangs_has_taken_nothing(redis_server: RedisServer) -> None:
    late: list[str] = []
    async with engine(redis_server, late) as one:
        await one.reserve("acme", "stays", (requests(),))
        redis_server.freeze()
        leaving = [asyncio.create_task(one.reserve("acme", str(number), (requests(),))) for number in range(20)]
        await asyncio.sleep(0.05)
        for task in leaving:
            task.cancel()
        redis_server.thaw()
        await asyncio.gather(*leaving, return_exceptions=True)
        await one.reserve("acme", "stays", (requests(),))
        await until(lambda: counted(redis_server, "acme") == 2)
    assert not late


# Clocks that are set


@pytest.fixture
def clock(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets by how many milliseconds the script's clock is off."""
    reads = "redis.call('TIME')"
    assert line.SCRIPT.count(reads) == 1
    off = "(function() local t = redis.call('TIME') return {t[1] + redis.call('GET', 'off') / 1000, t[2]} end)()"
    monkeypatch.setattr(line, "SCRIPT", line.SCRIPT.replace(reads, off))

    def set_off(milliseconds: int) -> None:
        with redis_server.client() as client:
            client.set("off", milliseconds)

    set_off(0)
    return set_off


@pytest.mark.parametrize("jump", [3_600_000, -3_600_000])
async def test_a_server_whose_clock_is_set_is_followed(redis_server: RedisServer, clock: Any, jump: int) -> None:
    async with engine(redis_server) as one:
        await one.reserve("acme", "1", (requests(),))
        before = one.now()
        clock(jump)
        for number in range(5):
            assert (await one.reserve("acme", str(number), (requests(),))).admitted
        assert abs(one.now() - before - jump) < 60_000


async def test_the_limit_holds_when_the_servers_clock_is_set_back(redis_server: RedisServer, clock: Any) -> None:
    async with engine(redis_server) as one:
        admitted = 0
        for jump in (0, -3_600_000, -1_800_000, 0):
            clock(jump)
            verdicts = await together(60, lambda number: one.reserve("acme", str(number), (requests(LIMIT),)))
            admitted += sum(verdict.admitted for verdict in verdicts)
        assert admitted == LIMIT


# What an operator does


async def test_a_reset_forgets_what_was_counted_and_nothing_else(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        own, other = replace(requests(), subject="own:k:1"), replace(requests(), subject="k:1")
        concurrency = Charge(subject="own:o", field="running", kind=Kind.LEASE, limit=9, amount=1, window=30_000)
        for organization in ("acme", "globex"):
            await one.reserve(organization, "x", (own, other, concurrency))
        await one.reset("acme", "own:")
        assert counted(redis_server, "acme", subject="own:k:1") == 0
        assert counted(redis_server, "acme", subject="k:1") == 1
        assert counted(redis_server, "globex", subject="own:k:1") == 1
        await one.reset("acme", "")
        assert counted(redis_server, "acme", subject="k:1") == 0
        with redis_server.client() as client:
            assert client.zcard(f"{PREFIX}:{{acme}}:own:o:running") == 1


async def test_a_reset_takes_names_by_the_letter(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        for organization in ("*", "acme"):
            await one.reserve(organization, "x", (requests(),))
        await one.reset("*", "")
        assert (counted(redis_server, "*"), counted(redis_server, "acme")) == (0, 1)


async def test_the_servers_policy_can_be_asked(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        assert await one.policy() == ("noeviction", 0)


def settled(charges: tuple[Charge, ...], verdict: Verdict, delta: int) -> tuple[Correction, ...]:
    """The lease ends, and so much is added to each other limit."""
    return tuple(
        one if one.charge.kind is Kind.LEASE else replace(one, delta=delta) for one in returned(charges, verdict)
    )


async def test_a_reset_may_spare_some_subjects(redis_server: RedisServer) -> None:
    async with engine(redis_server) as one:
        for subject in ("o", "b:x"):
            await one.reserve("acme", "1", (replace(requests(), subject=subject),))
        await one.reset("acme", "", but="b:")
        assert (counted(redis_server, "acme"), counted(redis_server, "acme", subject="b:x")) == (0, 1)


async def test_what_was_spent_at_least_is_counted_once_whoever_says_it(redis_server: RedisServer) -> None:
    start = 1_760_000_000_000
    times = {"start": start, "end": 3 * start, "after": 4 * start}
    day = Charge(subject="b:x", field="day", kind=Kind.CALENDAR, limit=1000, amount=0, **times)
    spent = replace(day, field="day/spent", limit=UNLIMITED, amount=300)
    async with engine(redis_server) as one, engine(redis_server) as other:
        await asyncio.gather(*(each.raise_to("acme", "b:x", (spent, day, lease())) for each in (one, other)))
        verdict = await one.reserve("acme", "1", (day, spent), dry=True)
        assert [state.remaining for state in verdict.states] == [700, UNLIMITED - 300]
        redis_server.kill()
        with pytest.raises(Down):
            await one.raise_to("acme", "b:x", (spent, day, lease()))
