"""What carries calls of the script to a real Redis and back: many at once, also when Redis comes and goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from cognitude_plugins.limiter import courier as module
from cognitude_plugins.limiter.courier import Courier
from cognitude_plugins.limiter.errand import Errand
from cognitude_plugins.limiter.packing import Command, reserve_command
from cognitude_plugins.limiter.redis_engine import line_to
from tests.redis_servers import RedisServer

from .servers import PREFIX, At, Held, counted, lease, requests, started, together, until

LIMIT: Final = 1000


class Sender:
    """Sends one call at a time and waits for what comes of it. ``told`` is what the courier says of itself."""

    def __init__(self, to: RedisServer | Held, timeout: float = 0.05) -> None:
        self.told: list[str] = []
        self.debts: list[Command] = []
        self.courier = Courier(line_to(At(to.url), timeout), timeout, back=self._back, told=self.told.append)

    async def send(self, organization: str, id: str = "") -> Any:
        """The reply, or None when it is lost."""
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(reply: Any) -> None:
            if not waiter.done():
                waiter.set_result(reply)

        self.courier.take(Errand(command(organization, id), done, lambda: done(None)))
        return await waiter

    def keep(self, organization: str, done: list[Any], *, again: bool) -> None:
        self.courier.take(Errand(command(organization), done.append, lambda: None, kept=True, again=again))

    def _back(self, now: int) -> Sequence[Errand]:
        debts, self.debts = self.debts, []
        return [Errand(one, lambda reply: None, lambda: None) for one in debts]


def command(organization: str, id: str = "") -> Command:
    return reserve_command(PREFIX, organization, id, (requests(LIMIT), lease()) if id else (requests(LIMIT),))


@asynccontextmanager
async def sender(to: RedisServer | Held, timeout: float = 0.05) -> AsyncIterator[Sender]:
    one = Sender(to, timeout)
    await one.courier.start()
    try:
        yield one
    finally:
        await one.courier.stop()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Stopped, frozen and set in all ways."""
    with started(RedisServer) as server:
        yield server


async def test_what_waits_is_written_together_and_each_gets_its_own_reply(redis_server: RedisServer) -> None:
    """Redis counts how often it reads: as often as there were batches, not calls."""
    async with sender(redis_server, timeout=2) as one:
        with redis_server.client() as client:
            for number in range(200):
                client.hset(f"{PREFIX}:{{o{number}}}:o", mapping={"requests:s": 2**52, "requests:c": number})
            before = client.info()["total_reads_processed"]
            replies = await together(200, lambda number: one.send(f"o{number}"))
            reads = client.info()["total_reads_processed"] - before
            calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert [LIMIT - 1 - reply[2] for reply in replies] == list(range(200))
    assert calls == 200
    # 200 commands are about 30 kB: two or three of Redis' reads of 16 kB, and one for INFO itself.
    assert reads < 20


async def test_it_is_there_at_once_when_redis_is(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        assert one.courier.up
        assert one.told == [""]


async def test_without_redis_it_starts_and_is_there_when_redis_is(redis_server: RedisServer) -> None:
    redis_server.kill()
    async with sender(redis_server) as one:
        assert not one.courier.up
        redis_server.start()
        await until(lambda: one.courier.up)
        assert await one.send("acme")


async def test_it_says_once_that_redis_is_gone_and_once_that_it_is_back(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        redis_server.kill()
        assert await one.send("acme") is None
        await asyncio.sleep(0.3)
        redis_server.start()
        await until(lambda: one.courier.up)
        assert [bool(why) for why in one.told] == [False, True, False]


async def test_nobody_waits_longer_than_the_timeout_for_a_frozen_redis(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        redis_server.freeze()
        first = asyncio.create_task(one.send("acme"))
        await asyncio.sleep(0.02)
        behind = await asyncio.wait_for(together(50, lambda number: one.send("acme")), 5)
        assert behind == [None] * 50
        assert await first is None
        assert not one.courier.up
        redis_server.thaw()
        await until(lambda: one.courier.up)


async def test_a_reply_that_comes_late_is_told_all_the_same(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        done: list[Any] = []
        redis_server.freeze()
        lost: list[bool] = []
        one.courier.take(Errand(command("acme"), done.append, lambda: lost.append(True)))
        await until(lambda: bool(lost))
        redis_server.thaw()
        await until(lambda: bool(done))
        await until(lambda: one.courier.up)


async def test_one_that_hangs_for_longer_is_given_up_and_found_again(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.2)
    async with sender(redis_server) as one:
        redis_server.freeze()
        assert await one.send("acme") is None
        await asyncio.sleep(0.6)
        redis_server.thaw()
        await until(lambda: one.courier.up)
        assert await one.send("acme")


async def test_a_process_that_stands_still_itself_does_not_take_redis_for_away(redis_server: RedisServer) -> None:
    """A full garbage collection takes longer than a call waits: the reply is there and has only not been read."""
    async with sender(redis_server) as one:
        for _ in range(10):
            waiting = asyncio.create_task(one.send("acme"))
            for _ in range(3):
                await asyncio.sleep(0)
            time.sleep(0.08)  # noqa: ASYNC251
            await waiting
        # Now and then it may really be late, on a busy machine; without the grace it is taken for that most times.
        assert sum(bool(why) for why in one.told) <= 2


async def test_one_that_always_answers_late_keeps_calls_waiting_once(redis_server: RedisServer) -> None:
    async with Held(redis_server) as way, sender(way) as one:
        way.delay = 0.08
        assert await one.send("acme") is None
        kept: list[Any] = []
        for number in range(4):
            await asyncio.sleep(0.2)
            assert not one.courier.up
            one.keep("acme", kept, again=True)
            await until(lambda count=number: len(kept) > count)
        way.delay = 0
        await until(lambda: one.courier.up)
        assert [bool(why) for why in one.told] == [False, True, False]
        assert await one.send("acme")


@pytest.mark.parametrize("again", [True, False])
async def test_what_is_kept_is_sent_when_redis_is_back(redis_server: RedisServer, again: bool) -> None:
    async with sender(redis_server) as one:
        redis_server.kill()
        assert await one.send("acme") is None
        done: list[Any] = []
        for _ in range(5):
            one.keep("acme", done, again=again)
        redis_server.start()
        await until(lambda: len(done) == 5)
        assert counted(redis_server, "acme") == 5


async def test_what_may_be_done_twice_is_sent_until_there_is_a_reply_and_what_may_not_is_not(
    redis_server: RedisServer,
) -> None:
    """Frozen with both on the way, then killed: nobody knows what became of them."""
    async with sender(redis_server) as one:
        twice: list[Any] = []
        once: list[Any] = []
        redis_server.freeze()
        one.keep("acme", twice, again=True)
        one.keep("acme", once, again=False)
        await until(lambda: not one.courier.up)
        redis_server.kill()
        redis_server.start()
        await until(lambda: len(twice) == 1)
        assert not once


async def test_debts_are_counted_before_it_is_up_again(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        redis_server.kill()
        assert await one.send("acme") is None
        one.debts = [command("acme")] * 3
        redis_server.start()
        await until(lambda: one.courier.up)
        assert counted(redis_server, "acme") == 3


async def test_the_queue_is_bounded_and_counts_what_it_drops(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    async with sender(redis_server) as one:
        redis_server.kill()
        assert await one.send("acme") is None
        done: list[Any] = []
        for _ in range(25):
            one.keep("acme", done, again=True)
        assert one.courier.dropped == 15
        redis_server.start()
        await until(lambda: len(done) == 10)


async def test_it_is_sent_before_it_stops(redis_server: RedisServer) -> None:
    done: list[Any] = []
    async with sender(redis_server) as one:
        for _ in range(1000):
            one.keep("acme", done, again=True)
    assert len(done) == 1000
    assert counted(redis_server, "acme") == 1000


async def test_nobody_waits_for_one_that_has_stopped(redis_server: RedisServer) -> None:
    async with sender(redis_server, timeout=5) as one:
        redis_server.freeze()
        waiting = [asyncio.create_task(one.send("acme")) for _ in range(300)]
        await asyncio.sleep(0.02)
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [None] * 300
    redis_server.thaw()


async def test_a_script_that_was_forgotten_is_loaded_and_nobody_notices(redis_server: RedisServer) -> None:
    async with sender(redis_server, timeout=2) as one:
        with redis_server.client() as client:
            for _ in range(10):
                client.script_flush()
                assert all(await together(20, lambda number: one.send("acme")))
        assert one.told == [""]
    assert counted(redis_server, "acme") == 200


async def test_a_redis_that_hangs_while_it_loads_the_script_is_noticed(redis_server: RedisServer) -> None:
    """NOSCRIPT has come, and nothing after it."""
    async with sender(redis_server) as one:
        with redis_server.client() as client:
            client.script_flush()
            client.execute_command("ACL", "SETUSER", "default", "-script")
            assert await asyncio.wait_for(one.send("acme"), 5) is None
            client.execute_command("ACL", "SETUSER", "default", "+script")
        await until(lambda: one.courier.up)


async def test_what_redis_refuses_is_lost_and_those_behind_it_get_their_own_reply(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The key of one organization is something else: nobody else's business."""
    with redis_server.client() as client:
        client.set(f"{PREFIX}:{{o3}}:o", "not a hash")
    async with sender(redis_server, timeout=2) as one:
        for _ in range(3):
            replies = await together(10, lambda number: one.send(f"o{number}"))
            assert [number for number in range(10) if replies[number] is None] == [3]
        assert one.courier.up
    assert [counted(redis_server, f"o{number}") for number in range(10) if number != 3] == [3] * 9
    assert len([record for record in caplog.records if "WRONGTYPE" in record.getMessage()]) == 1


async def test_what_is_kept_and_refused_is_tried_again_later(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_PAUSE_SECONDS", 0.05)
    with redis_server.client() as client:
        client.set(f"{PREFIX}:{{acme}}:o", "not a hash")
        async with sender(redis_server) as one:
            done: list[Any] = []
            one.keep("acme", done, again=True)
            await asyncio.sleep(0.2)
            assert not done
            client.delete(f"{PREFIX}:{{acme}}:o")
            await until(lambda: bool(done))


async def test_one_that_has_become_a_replica_is_left(redis_server: RedisServer) -> None:
    async with sender(redis_server) as one:
        with redis_server.client() as client:
            client.replicaof("127.0.0.1", "1")
            assert await one.send("acme") is None
            assert [bool(why) for why in one.told][:2] == [False, True]
            client.replicaof("NO", "ONE")
        await until(lambda: one.courier.up)
        assert await one.send("acme")


async def test_an_error_nobody_foresaw_leaves_nobody_waiting(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with sender(redis_server) as one:

        def broken(reply: Any) -> None:
            raise ZeroDivisionError

        one.courier.take(Errand(command("acme"), broken, lambda: None))
        assert await asyncio.wait_for(together(5, lambda number: one.send("acme")), 5) == [None] * 5
        assert not one.courier.up
        await until(lambda: one.courier.up)
        assert await one.send("acme")
    assert "ZeroDivisionError" in caplog.text
