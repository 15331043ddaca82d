"""Many who ask the same at once: one call to the provider, and what becomes of them when it fails."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.redis_cache as package
from cognitude_plugins.redis_cache.flights import MOST_ATTEMPTS
from cognitude_plugins.redis_cache.plugin import RedisCache
from cognitude_plugins.redis_cache.settings import Config
from hooks import Call, Reply, hookimpl
from hooks.testing import Exercised, FakeGateway, chunks_of, completion, exercise, make_call
from tests.borrowed import Tables, sqlite_tables
from tests.redis_servers import RedisServer

from .servers import At

BODY: Mapping[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}


class Behind:
    """What is behind the cache: takes its time, and counts the calls that come so far."""

    def __init__(self, *statuses: int) -> None:
        self.calls = 0
        self.open = asyncio.Event()
        self._statuses = list(statuses)

    @hookimpl
    async def pre_request(self, call: Call) -> Reply | None:
        self.calls += 1
        await self.open.wait()
        return None

    def answer(self, call: Call) -> Reply:
        status = self._statuses.pop(0) if self._statuses else 200
        if status != 200:
            return Reply.error(status, f"failed with {status}", type="server_error")
        return Reply.stream(self._events()) if call.stream else Reply.json(completion("the answer"))

    async def _events(self) -> AsyncIterator[Mapping[str, Any]]:
        for event in chunks_of("the ", "answer", usage=completion()["usage"]):
            await asyncio.sleep(0.001)
            yield event


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    found.up()
    yield found
    found.close()


@asynccontextmanager
async def opened(tables: Tables, server: RedisServer | None = None, **config: Any) -> AsyncIterator[RedisCache]:
    plugin = RedisCache(Config(**config))
    cache = None if server is None else At(server.url)
    async with plugin.lifespan(FakeGateway(database=tables.lent(), cache=cache, prices={"sim": (1000, 2000)})):
        yield plugin


async def at_once(plugin: RedisCache, behind: Behind, count: int, **body: Any) -> list[Exercised]:
    """All are there before the first is answered."""
    calls = [make_call({**BODY, **body}, id=f"req-{number}") for number in range(count)]
    tasks = [asyncio.create_task(exercise(plugin, behind, call=call, answer=behind.answer)) for call in calls]
    await gathered(plugin, behind, count - 1)
    behind.open.set()
    async with asyncio.timeout(20):
        return await asyncio.gather(*tasks)


async def gathered(plugin: RedisCache, behind: Behind, others: int) -> None:
    """Until one call is behind the cache, and so many others wait for it."""
    assert plugin._cache is not None
    under_way = plugin._cache._flights._under_way
    async with asyncio.timeout(20):
        while not behind.calls or sum(flight.waiting for flight in under_way.values()) < others:
            await asyncio.sleep(0.001)


def states(done: list[Exercised]) -> Counter[tuple[int, str | None]]:
    return Counter((one.reply.status, one.reply.headers.get("x-cognitude-cache")) for one in done)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kept", [{}, {"memory_bytes": 0, "sql": False}], ids=["kept", "kept nowhere"])
async def test_a_hundred_who_ask_the_same_are_one_call(tables: Tables, stream: bool, kept: Any) -> None:
    async with opened(tables, **kept) as plugin:
        behind = Behind()
        done = await at_once(plugin, behind, 100, stream=stream)
    assert behind.calls == 1
    assert states(done) == {(200, "miss"): 1, (200, "coalesced"): 99}
    assert {one.body["choices"][0]["message"]["content"] for one in done} == {"the answer"}
    assert {one.raw for one in done} == {done[0].raw}


async def test_whole_and_streamed_are_the_same_question(tables: Tables) -> None:
    async with opened(tables) as plugin:
        for first in (False, True):
            behind = Behind()
            calls = [make_call({**BODY, "seed": int(first), "stream": stream}) for stream in (first, not first, first)]
            tasks = [asyncio.create_task(exercise(plugin, behind, call=one, answer=behind.answer)) for one in calls]
            await gathered(plugin, behind, 2)
            behind.open.set()
            done = await asyncio.gather(*tasks)
            assert behind.calls == 1
            assert {one.body["choices"][0]["message"]["content"] for one in done} == {"the answer"}
            assert [one.raw.startswith(b"data: ") for one in done] == [first, not first, first]


async def test_what_may_not_be_kept_is_shared_by_those_who_ask_at_once(tables: Tables) -> None:
    """And by nobody else."""

    class Tools(Behind):
        def answer(self, call: Call) -> Reply:
            call_ = {"id": "1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call_]}
            return Reply.json(completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))

    async with opened(tables) as plugin:
        for _ in range(2):
            behind = Tools()
            assert states(await at_once(plugin, behind, 10)) == {(200, "miss"): 1, (200, "coalesced"): 9}
            assert behind.calls == 1


async def test_when_one_fails_another_takes_over(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind(503)
        done = await at_once(plugin, behind, 100)
    assert behind.calls == 2
    found = states(done)
    assert (found.pop((503, None)), found.pop((200, "miss"))) == (1, 1)
    # Some come back for it only when it is kept already.
    assert found.keys() <= {(200, "coalesced"), (200, "hit")}
    assert sum(found.values()) == 98


async def test_a_provider_that_always_fails_is_not_asked_by_everybody(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind(*[503] * 100)
        done = await at_once(plugin, behind, 100)
    assert behind.calls == MOST_ATTEMPTS
    assert sum(states(done).values()) == 100
    assert {one.reply.status for one in done} == {503}
    assert done[-1].body["error"]["message"] == "failed with 503"


async def test_what_is_refused_to_one_is_not_refused_to_the_others(tables: Tables) -> None:
    """A limit behind the cache is everybody's own: without it each goes on by himself."""

    class Limit:
        @hookimpl
        async def pre_request(self, call: Call) -> Reply | None:
            await asyncio.sleep(0.01)
            return None if call.id != "req-0" else Reply.error(429, "Too many.", code="rate_limit_exceeded")

    async with opened(tables) as plugin:
        calls = [make_call(BODY, id=f"req-{number}") for number in range(5)]
        done = await asyncio.gather(*(exercise(plugin, Limit(), call=one) for one in calls))
    assert states(list(done)) == {(429, None): 1, (200, "miss"): 1, (200, "coalesced"): 3}


async def test_who_leaves_while_he_waits_disturbs_nobody(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind()
        calls = [make_call(BODY, id=f"req-{number}") for number in range(10)]
        tasks = [asyncio.create_task(exercise(plugin, behind, call=one, answer=behind.answer)) for one in calls]
        await gathered(plugin, behind, 9)
        for task in tasks[3:6]:
            task.cancel()
        behind.open.set()
        done = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, Exercised)]
    assert states(done) == {(200, "miss"): 1, (200, "coalesced"): 6}


async def test_a_leader_that_is_cancelled_leaves_it_to_another(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind()
        calls = [make_call(BODY, id=f"req-{number}") for number in range(10)]
        tasks = [asyncio.create_task(exercise(plugin, behind, call=one, answer=behind.answer)) for one in calls]
        await gathered(plugin, behind, 9)
        tasks[0].cancel()
        behind.open.set()
        done = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, Exercised)]
    assert behind.calls == 2
    assert states(done) == {(200, "miss"): 1, (200, "coalesced"): 8}


async def test_a_call_is_kept_going_while_others_wait(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind()
        leader = make_call(BODY, id="req-0")
        tasks = [asyncio.create_task(exercise(plugin, behind, call=leader, answer=behind.answer))]
        await gathered(plugin, behind, 0)
        assert not leader.is_wanted()
        tasks.append(asyncio.create_task(exercise(plugin, behind, call=make_call(BODY), answer=behind.answer)))
        await gathered(plugin, behind, 1)
        assert leader.is_wanted()
        behind.open.set()
        await asyncio.gather(*tasks)
        assert not leader.is_wanted()


async def test_with_a_key_of_their_own_they_are_one_call_too_and_another_request_is_refused(tables: Tables) -> None:
    async with opened(tables) as plugin:
        behind = Behind()
        bodies = [*[{**BODY, "temperature": 2}] * 5, {**BODY, "temperature": 1.9}]
        calls = [make_call(body, headers={"Idempotency-Key": "order"}) for body in bodies]
        tasks = [asyncio.create_task(exercise(plugin, behind, call=one, answer=behind.answer)) for one in calls]
        await gathered(plugin, behind, 4)
        behind.open.set()
        done = await asyncio.gather(*tasks)
    assert behind.calls == 1
    assert [one.reply.status for one in done] == [200] * 5 + [422]


async def test_of_what_can_be_given_again_nothing_is_paid_twice(tables: Tables) -> None:
    """A trace whose prompts recur as in real traffic: the k-th most frequent 1/k as often as the first (Zipf)."""
    chance = random.Random(20261128)
    prompts = chance.choices(range(500), weights=[1 / rank for rank in range(1, 501)], k=3000)
    most = len(prompts) - len(set(prompts))
    async with opened(tables) as plugin:
        hits = 0
        for prompt in prompts:
            body = {**BODY, "messages": [{"role": "user", "content": f"Prompt {prompt}"}], "user": str(chance.random())}
            done = await exercise(plugin, call=make_call(body))
            hits += done.reply.headers["x-cognitude-cache"] == "hit"
    print(f"hit rate {hits / len(prompts):.4f}, at most {most / len(prompts):.4f} on this trace")
    assert hits >= 0.99 * most


@asynccontextmanager
async def two_workers(tables: Tables, server: RedisServer) -> AsyncIterator[tuple[RedisCache, RedisCache]]:
    async with opened(tables, server) as one, opened(tables, server) as other:
        yield one, other


class Slow(Behind):
    """Its stream is as long as the test lets it be."""

    def __init__(self) -> None:
        super().__init__()
        self.open.set()
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue()

    async def _events(self) -> AsyncIterator[Mapping[str, Any]]:
        words = []
        while (word := await self.pieces.get()) is not None:
            words.append(word)
            yield {"id": "1", "model": "sim", "choices": [{"index": 0, "delta": {"content": word}}]}
        for event in list(chunks_of("", usage=completion()["usage"]))[-2:]:
            yield event


async def begun(plugin: RedisCache, behind: Slow) -> asyncio.Task[Exercised]:
    """A call whose stream has begun."""
    call = make_call({**BODY, "stream": True})
    leader = asyncio.create_task(exercise(plugin, behind, call=call, answer=behind.answer))
    behind.pieces.put_nowait("the ")
    await asyncio.sleep(0.05)
    return leader


async def followed(plugin: RedisCache) -> None:
    """Until something has come of the one stream that is under way."""
    assert plugin._cache is not None
    while not any(flight.chunks for flight in plugin._cache._flights._under_way.values()):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_on_another_worker_a_stream_is_followed_while_it_comes(
    tables: Tables, redis_server: RedisServer, stream: bool
) -> None:
    async with two_workers(tables, redis_server) as (one, other):
        behind, there = Slow(), Behind()
        there.open.set()
        leader = await begun(one, behind)
        calls = [make_call({**BODY, "stream": wish}, id=f"req-{wish}") for wish in (True, stream)]
        followers = [asyncio.create_task(exercise(other, there, call=call, answer=there.answer)) for call in calls]
        async with asyncio.timeout(10):
            await followed(other)
            behind.pieces.put_nowait("answer")
            behind.pieces.put_nowait(None)
            done = await asyncio.gather(leader, *followers)
        assert there.calls == 0
        assert states(list(done)) == {(200, "miss"): 1, (200, "coalesced"): 2}
        assert {found.body["choices"][0]["message"]["content"] for found in done} == {"the answer"}
        assert done[1].raw == done[0].raw
        notes: list[Any] = [call.state["ledger"] for call in calls]
        assert len({note["cache_key"] for note in notes}) == 1
        assert {note["reasons"] for note in notes} == {("coalesced",)}


async def test_when_the_other_worker_breaks_off_so_does_the_stream(tables: Tables, redis_server: RedisServer) -> None:
    async with two_workers(tables, redis_server) as (one, other):
        behind, there = Slow(), Behind()
        there.open.set()
        leader = await begun(one, behind)
        follower = asyncio.create_task(
            exercise(other, there, call=make_call({**BODY, "stream": True}, id="req-2"), answer=there.answer)
        )
        async with asyncio.timeout(10):
            await followed(other)
            leader.cancel()
            done = await follower
        assert b"the " in done.raw
        assert b"stream_broken" in done.raw
        async with asyncio.timeout(10):
            again = await exercise(other, there, call=make_call({**BODY, "stream": True}), answer=there.answer)
        assert states([again]) == {(200, "miss"): 1}
