"""Counts in Redis and, while that is away, in the process: what callers see and what is counted in the end."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from redis.crc import key_slot

from cognitude_plugins.limiter import courier
from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, Verdict
from cognitude_plugins.limiter.counters import Closed, Decision, Down
from cognitude_plugins.limiter.redis_engine import returned
from cognitude_plugins.limiter.shared import Shared
from tests.redis_servers import RedisCluster, RedisServer

from .servers import Held, counted, lease, requests, shared, started, tokens, under_way, until

LIMIT: Final = 40
BACK_WITHIN_SECONDS: Final = 5
RESERVED: Final = 100


@dataclass
class Load:
    """Calls one after the other, by some at once, until the end of the block; an exception fails it."""

    counters: Shared
    organization: str = "acme"
    admitted: int = 0
    used: int = 0
    decided: list[Decision] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(6))

    @asynccontextmanager
    async def running(self, call: Callable[[str], Awaitable[None]], at_once: int = 4) -> AsyncIterator[None]:
        going = [True]

        async def calls(number: int) -> None:
            count = 0
            while going:
                count += 1
                await call(f"{number}-{count}-{len(self.decided)}")
                await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as group:
            for number in range(at_once):
                group.create_task(calls(number))
            yield
            going.clear()

    async def simple(self, id: str) -> None:
        """One that counts a request."""
        await self._reserve(id, (requests(),))

    async def settled(self, id: str) -> None:
        """One that reserves tokens, runs for a moment and has used more of them, or fewer."""
        charges = (requests(), tokens(RESERVED), lease())
        verdict, local = await self._reserve(id, charges)
        if verdict is None or not verdict.admitted:
            return
        await asyncio.sleep(self._chance.random() * 0.05)
        used = self._chance.randrange(2 * RESERVED)
        self.used += used
        self.counters.settle(self.organization, id, settled(charges, verdict, used - RESERVED), local=local)

    async def _reserve(self, id: str, charges: tuple[Charge, ...]) -> Decision:
        decision = await self.counters.reserve(self.organization, id, charges)
        self.decided.append(decision)
        self.admitted += decision[0] is None or decision[0].admitted
        return decision


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Stopped, frozen and set in all ways."""
    with started(RedisServer) as server:
        yield server


# Redis dies, or hangs


@pytest.mark.parametrize("on_redis_error", ["local", "open"])
async def test_callers_get_nothing_but_verdicts_whatever_becomes_of_redis(
    redis_server: RedisServer, on_redis_error: str
) -> None:
    async with shared(redis_server.url, on_redis_error=on_redis_error) as counters:
        load = Load(counters)
        async with load.running(load.simple):
            await asyncio.sleep(0.2)
            assert not any(local for _, local in load.decided)
            for away, back in ((redis_server.freeze, redis_server.thaw), (redis_server.kill, redis_server.start)):
                away()
                await until(lambda: not _up(counters))
                without = len(load.decided)
                await asyncio.sleep(0.5)
                assert all(local for _, local in load.decided[without:])
                assert len(load.decided) > without + 100
                back()
                await until(lambda: _up(counters), BACK_WITHIN_SECONDS)
                again = len(load.decided)
                await until(lambda start=again: any(not local for _, local in load.decided[start:]))
    assert {type(verdict) for verdict, local in load.decided if local} == {
        Verdict if on_redis_error == "local" else type(None)
    }


async def test_where_nothing_may_pass_without_redis_nothing_does(redis_server: RedisServer) -> None:
    async with shared(redis_server.url, on_redis_error="closed") as counters:
        assert (await counters.reserve("acme", "1", (requests(),)))[0]
        redis_server.kill()
        for _ in range(3):
            with pytest.raises(Closed):
                await counters.reserve("acme", "2", (requests(),))
        assert counters.status()["counters"] == "none"
        redis_server.start()
        await until(lambda: _up(counters))
        assert (await counters.reserve("acme", "3", (requests(),)))[0]


async def test_it_starts_without_redis_and_uses_it_when_it_is_there(redis_server: RedisServer) -> None:
    redis_server.kill()
    async with shared(redis_server.url) as counters:
        assert counters.status() == {"status": "degraded", "counters": "process", "dropped_settlements": 0}
        assert (await counters.reserve("acme", "1", (requests(LIMIT),)))[1]
        with pytest.raises(Down):
            await counters.look("acme", (requests(LIMIT),))
        redis_server.start()
        await until(lambda: _up(counters))
        assert not (await counters.reserve("acme", "2", (requests(LIMIT),)))[1]
        assert counted(redis_server, "acme") == 2


async def test_a_redis_that_forgets_everything_under_load_hurts_nobody(redis_server: RedisServer) -> None:
    async with shared(redis_server.url) as counters:
        load = Load(counters)
        async with load.running(load.settled):
            for _ in range(5):
                await asyncio.sleep(0.05)
                with redis_server.client() as client:
                    client.script_flush()
            assert not any(local for _, local in load.decided)
            redis_server.restart()
            await until(lambda: _up(counters), BACK_WITHIN_SECONDS)
            await until(lambda: not load.decided[-1][1])
            with redis_server.client() as client:
                client.flushall()
            await asyncio.sleep(0.05)
    assert load.admitted == len(load.decided)


# Nothing is counted twice


@pytest.mark.parametrize("kind", ["simple", "settled"])
async def test_what_is_counted_is_what_was_let_through_however_often_redis_hangs(
    redis_server: RedisServer, kind: str
) -> None:
    await _hanging(redis_server, kind, times=15)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["simple", "settled"])
async def test_what_is_counted_is_what_was_let_through_when_redis_hangs_100_times(
    redis_server: RedisServer, kind: str
) -> None:
    await _hanging(redis_server, kind, times=100)


async def _hanging(redis: RedisServer, kind: str, times: int) -> None:
    async with shared(redis.url, redis_timeout=0.05) as counters:
        load = Load(counters)
        async with load.running(getattr(load, kind), at_once=8):
            for _ in range(times):
                await asyncio.sleep(0.1)
                redis.freeze()
                await asyncio.sleep(0.3)
                redis.thaw()
                await until(lambda: _up(counters), BACK_WITHIN_SECONDS)
        await _paid(counters)
        load.admitted += 1
    assert sum(local for _, local in load.decided) > times
    assert sum(not local for _, local in load.decided) > times
    assert counted(redis, "acme") == load.admitted
    assert counted(redis, "acme", "tokens") == load.used
    assert under_way(redis) == 0


@pytest.mark.parametrize("admitted_here", [True, False])
async def test_an_answer_that_comes_late_is_counted_once(redis_server: RedisServer, admitted_here: bool) -> None:
    """Redis has let the call through; nobody waits any longer, and it is decided here: let through, or refused."""
    async with Held(redis_server) as way, shared(way.url) as counters:
        charges = (requests(LIMIT if admitted_here else 1), tokens(RESERVED), lease())
        way.answers.clear()
        verdict, local = await counters.reserve("acme", "x", charges)
        assert local
        assert verdict is not None
        refused = [] if admitted_here else [await counters.reserve("acme", "y", charges)]
        way.answers.set()
        await until(lambda: _up(counters))
        if admitted_here:
            counters.settle("acme", "x", settled(charges, verdict, -30), local=True)
        await until(lambda: under_way(redis_server) == 0)
        assert counted(redis_server, "acme") == 1
        assert not any(one.admitted for one, _ in refused if one is not None)
    assert counted(redis_server, "acme", "tokens") == (RESERVED - 30 if admitted_here else RESERVED)


@pytest.mark.parametrize("on_redis_error", ["local", "closed"])
async def test_what_was_let_through_late_and_refused_to_the_caller_is_given_back(
    redis_server: RedisServer, on_redis_error: str
) -> None:
    async with Held(redis_server) as way, shared(way.url, on_redis_error=on_redis_error) as counters:
        charges = (requests(LIMIT), tokens(RESERVED), lease())
        # For the fallback nothing is left; in Redis there is.
        assert (await counters.reserve("acme", "all", (requests(1),)))[0]
        way.answers.clear()
        try:
            verdict, _ = await counters.reserve("acme", "x", charges)
        except Closed:
            assert on_redis_error == "closed"
        else:
            assert verdict is not None
            assert not verdict.admitted
        way.answers.set()
        await until(lambda: _up(counters))
        await until(lambda: under_way(redis_server) == 0)
    assert counted(redis_server, "acme") == 1
    assert counted(redis_server, "acme", "tokens") == 0


async def test_what_redis_gets_to_only_when_nobody_waits_it_leaves_alone(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen for longer than the connection is kept: no late answer can tell, and the calls are in its socket still."""
    monkeypatch.setattr(courier, "_PATIENCE_SECONDS", 0.2)
    async with shared(redis_server.url) as counters:
        await counters.reserve("acme", "first", (requests(),))
        redis_server.freeze()
        decisions = await asyncio.gather(
            *(counters.reserve("acme", str(number), (requests(),)) for number in range(20))
        )
        assert all(local and verdict and verdict.admitted for verdict, local in decisions)
        await asyncio.sleep(0.5)
        redis_server.thaw()
        await until(lambda: _up(counters))
        await counters.reserve("acme", "last", (requests(),))
    assert counted(redis_server, "acme") == 22


async def test_what_is_decided_here_when_redis_is_back_already_is_paid_with_the_next_call(
    redis_server: RedisServer,
) -> None:
    """Its debt came too late to be paid with the others."""
    async with shared(redis_server.url) as counters:
        counters._degraded.reserve("acme", "x", (requests(),))
        await counters.look("acme", (requests(),))
        await until(lambda: counted(redis_server, "acme") == 1)
        counters._degraded.reserve("acme", "y", (requests(),))
        await counters.reserve("acme", "z", (requests(),))
        await until(lambda: counted(redis_server, "acme") == 3)


async def test_what_is_owed_is_paid_though_nobody_calls_again(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with shared(redis_server.url) as counters:
        counters._degraded.reserve("acme", "x", (requests(), lease()))
        await counters.sweep()
        await until(lambda: counted(redis_server, "acme") == 1)
        assert under_way(redis_server) == 0
        redis_server.freeze()
        await counters.reserve("acme", "y", (requests(),))
        assert counters._degraded.owes("acme")
        await counters.sweep()
        assert counters._degraded.owes("acme")
        with caplog.at_level("INFO"):
            redis_server.thaw()
            await until(lambda: counted(redis_server, "acme") == 2)
    assert "counted there now (organizations: 1)" in caplog.text


async def test_what_was_used_elsewhere_stays_counted_when_redis_says_so_late(redis_server: RedisServer) -> None:
    """It was not asked whether it may."""
    async with Held(redis_server) as way, shared(way.url) as counters:
        way.answers.clear()
        await counters.add("acme", "x", (requests(),))
        way.answers.set()
        await until(lambda: _up(counters))
        await counters.look("acme", (requests(),))
    assert counted(redis_server, "acme") == 1


async def test_while_redis_is_away_a_share_of_what_was_left_is_let_through(redis_server: RedisServer) -> None:
    async with shared(redis_server.url, machines=2) as counters:
        charges = (requests(LIMIT),)
        for number in range(20):
            await counters.reserve("acme", str(number), charges)
        redis_server.freeze()
        here = [await counters.reserve("acme", f"here {number}", charges) for number in range(30)]
        assert all(local for _, local in here)
        assert sum(verdict.admitted for verdict, _ in here if verdict) == 10
        redis_server.thaw()
        await until(lambda: _up(counters))
        after = [await counters.reserve("acme", f"after {number}", charges) for number in range(20)]
        assert sum(verdict.admitted for verdict, _ in after if verdict) == 10


async def test_a_call_that_began_in_redis_is_settled_there_when_it_is_back(redis_server: RedisServer) -> None:
    async with shared(redis_server.url) as counters:
        charges = (tokens(RESERVED), lease())
        verdict, local = await counters.reserve("acme", "x", charges)
        assert verdict is not None
        redis_server.freeze()
        assert (await counters.reserve("acme", "y", (requests(),)))[1]
        for _ in range(2):
            counters.settle("acme", "x", settled(charges, verdict, 50), local=local)
        redis_server.thaw()
        await until(lambda: under_way(redis_server) == 0)
    assert counted(redis_server, "acme", "tokens") == RESERVED + 50


async def test_a_reset_is_of_what_is_kept_here_too(redis_server: RedisServer) -> None:
    async with shared(redis_server.url) as counters:
        charges = (requests(3),)
        for number in range(3):
            await counters.reserve("acme", str(number), charges)
        await counters.reset("acme", "")
        redis_server.kill()
        verdict, local = await counters.reserve("acme", "x", charges)
        assert local
        assert verdict is not None
        assert verdict.admitted
        with pytest.raises(Down):
            await counters.reset("acme", "")


# A cluster


@pytest.fixture(scope="module")
def three() -> Iterator[RedisCluster]:
    with started(RedisCluster) as cluster:
        yield cluster


@pytest.fixture
async def nodes(three: RedisCluster) -> RedisCluster:
    """Whole, empty and awake."""
    await until(lambda: all(_whole(node) for node in three.nodes), 20)
    for node in three.nodes:
        with node.client() as client:
            client.flushall()
    return three


async def test_a_cluster_serves_each_organization_from_one_of_its_nodes(nodes: RedisCluster) -> None:
    organizations = [f"o{number}" for number in range(30)]
    async with shared(nodes.url, redis_timeout=1) as counters:
        charges = (requests(LIMIT), replace(requests(LIMIT), subject="k:1"), tokens(5), lease())
        for organization in organizations:
            decisions = await asyncio.gather(
                *(counters.reserve(organization, str(number), charges) for number in range(2 * LIMIT))
            )
            assert not any(local for _, local in decisions)
            assert sum(verdict.admitted for verdict, _ in decisions if verdict) == LIMIT
        await counters.reset("o1", "k:")
        keys = [_keys(node) for node in nodes.nodes]
    assert all(keys)
    slots: dict[str, set[int]] = {}
    for key in sorted(set().union(*keys)):
        slots.setdefault(key.split("{")[1].split("}")[0], set()).add(key_slot(key.encode()))
    assert sorted(slots) == sorted(organizations)
    assert all(len(of_one) == 1 for of_one in slots.values())
    assert "cognitude:limiter:{o2}:k:1" in set().union(*keys)
    assert "cognitude:limiter:{o1}:k:1" not in set().union(*keys)


async def test_a_node_that_dies_harms_only_its_organizations_until_it_is_back(nodes: RedisCluster) -> None:
    """They are limited in the process; what that let through is counted when their node has answered again.

    It is the first, of which redis-py's own client needs to hear the commands there are.
    """
    organizations = [f"o{number}" for number in range(12)]

    async with shared(nodes.url, redis_timeout=1) as counters:
        assert not any((await _each(counters, organizations)).values())
        lost = {one for one in organizations if nodes.holding(_tagged(one)) is nodes.nodes[0]}
        assert 0 < len(lost) < 12
        nodes.nodes[0].kill()
        for _ in range(3):
            assert {one for one, local in (await _each(counters, organizations)).items() if local} == lost
        more = [await counters.reserve(min(lost), f"more {number}", (requests(LIMIT),)) for number in range(2 * LIMIT)]
        assert sum(verdict.admitted for verdict, _ in more if verdict) == LIMIT - 4
        nodes.nodes[0].start()
        await _until_none(lambda: _each(counters, organizations))
        (one,) = {min(lost)}
        await until(lambda: counted(nodes.nodes[0], one) >= LIMIT - 1)


async def test_a_cluster_of_which_a_node_is_away_can_be_started_with(nodes: RedisCluster) -> None:
    nodes_of = {one: nodes.holding(_tagged(one)) for one in map(str, range(12))}
    nodes.nodes[0].kill()
    async with shared(nodes.url, redis_timeout=1) as counters:
        await until(lambda: _up(counters))
        decisions = {one: (await counters.reserve(one, "1", (requests(),)))[1] for one in nodes_of}
    nodes.nodes[0].start()
    lost = {one for one, node in nodes_of.items() if node is nodes.nodes[0]}
    assert {one for one, local in decisions.items() if local} == lost


async def test_a_node_that_hangs_harms_only_its_organizations_until_it_is_back(nodes: RedisCluster) -> None:
    """What was to be counted there meanwhile is, also what may be sent only once."""
    async with shared(nodes.url) as counters:
        load = [Load(counters, f"o{number}") for number in range(12)]
        lost = [one for one in load if nodes.holding(_tagged(one.organization)) is nodes.nodes[1]]
        assert 0 < len(lost) < 12
        await asyncio.gather(*(one.simple("first") for one in load))
        (first, _) = lost[0].decided[0]
        assert first is not None
        nodes.nodes[1].freeze()
        for number in range(20):
            await asyncio.wait_for(asyncio.gather(*(one.simple(str(number)) for one in load)), 2)
        assert all([local for _, local in one.decided] == [False] + [one in lost] * 20 for one in load)
        for one in lost:
            counters.settle(one.organization, "first", _more(first, 7), local=False)
        await asyncio.sleep(0.1)
        nodes.nodes[1].thaw()
        for one in lost:
            while one.decided[-1][1]:
                await one.simple("again")
                await asyncio.sleep(0.05)
        for one in load:
            node, expected = nodes.holding(_tagged(one.organization)), one.admitted + 7 * (one in lost)
            await until(lambda at=node, of=one.organization, all_=expected: counted(at, of) == all_)


async def test_slots_that_move_to_another_node_are_followed(nodes: RedisCluster) -> None:
    async with shared(nodes.url, redis_timeout=1) as counters:
        one = next(name for name in map(str, range(99)) if nodes.holding(_tagged(name)) is nodes.nodes[0])
        _move(nodes, key_slot(one.encode()), 0, 2)
        try:
            await _until_none(lambda: _each(counters, [one]))
            assert counted(nodes.nodes[2], one) >= 1
        finally:
            _move(nodes, key_slot(one.encode()), 2, 0)


# Its start


async def test_a_redis_that_may_drop_counters_is_warned_of(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    async with shared(redis_server.url):
        await until(lambda: "allkeys-lru" in caplog.text)


@pytest.mark.parametrize(("policy", "memory"), [("noeviction", "100mb"), ("allkeys-lru", "0")])
async def test_one_that_drops_nothing_is_not_warned_of(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture, policy: str, memory: str
) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", memory)
        client.config_set("maxmemory-policy", policy)
        async with shared(redis_server.url):
            await until(lambda: client.info("commandstats").get("cmdstat_config", {"calls": 0})["calls"] >= 3)
            await asyncio.sleep(0.05)
    assert "maxmemory" not in caplog.text


async def test_a_redis_that_is_full_is_done_without(redis_server: RedisServer) -> None:
    """It answers, but takes nothing: the process' own counters hold, and are not begun anew with each refusal."""
    async with shared(redis_server.url) as counters:
        charges = (requests(LIMIT),)
        await counters.reserve("acme", "first", charges)
        with redis_server.client() as client:
            client.config_set("maxmemory", "1")
            decisions = [await counters.reserve("acme", str(number), charges) for number in range(2 * LIMIT)]
            assert all(local for _, local in decisions)
            assert sum(verdict.admitted for verdict, _ in decisions if verdict) == LIMIT - 1
            client.config_set("maxmemory", "0")
        assert not (await counters.reserve("acme", "last", charges))[1]
        await until(lambda: counted(redis_server, "acme") >= LIMIT)


def settled(charges: tuple[Charge, ...], verdict: Verdict, delta: int) -> tuple[Correction, ...]:
    """The lease ends, and so much is added to the tokens."""
    return tuple(
        one if one.charge.kind is Kind.LEASE else replace(one, delta=delta)
        for one in returned(charges, verdict)
        if one.charge.field != "requests"
    )


def _more(verdict: Verdict, delta: int) -> tuple[Correction, ...]:
    """Without a lease: to be made once."""
    return tuple(replace(one, delta=delta) for one in returned((requests(),), verdict))


def _up(counters: Shared) -> bool:
    return counters.status()["status"] == "ok"


async def _paid(counters: Shared) -> None:
    """With a call what was decided here last is paid."""
    verdict, local = await counters.reserve("acme", "the last", (requests(),))
    assert verdict is not None
    assert not local


def _keys(node: RedisServer) -> set[str]:
    with node.client() as client:
        return set(client.keys("*"))


async def _each(counters: Shared, organizations: list[str]) -> dict[str, bool]:
    """Whether it was decided without Redis, by organization."""
    decisions = [await counters.reserve(one, f"{time.monotonic()}", (requests(LIMIT),)) for one in organizations]
    assert all(verdict for verdict, _ in decisions)
    return {one: local for one, (_, local) in zip(organizations, decisions, strict=True)}


def _whole(node: RedisServer) -> bool:
    with node.client() as client:
        info: Any = client.cluster("INFO")
        nodes: Any = client.cluster("NODES")
    return info["cluster_state"] == "ok" and info["cluster_slots_ok"] == "16384" and "fail" not in str(nodes)


def _move(nodes: RedisCluster, slot: int, source: int, target: int) -> None:
    with nodes.nodes[target].client() as client:
        name = client.cluster("MYID")
        client.flushall()
    with nodes.nodes[source].client() as client:
        client.flushall()
    for place in (target, source):
        with nodes.nodes[place].client() as client:
            client.cluster("SETSLOT", slot, "NODE", name)


def _tagged(organization: str) -> str:
    return f"{{{organization}}}"


async def _until_none(each: Callable[[], Awaitable[dict[str, bool]]], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while any((await each()).values()):
        assert time.monotonic() < end, "some are still decided without Redis"
        await asyncio.sleep(0.1)


async def test_what_the_ledger_says_counts_while_redis_is_away(redis_server: RedisServer) -> None:
    start = 1_760_000_000_000
    times = {"start": start, "end": 3 * start, "after": 4 * start}
    day = Charge(subject="b:x", field="day", kind=Kind.CALENDAR, limit=1000, amount=100, **times)
    spent = replace(day, field="day/spent", limit=UNLIMITED, amount=0)
    async with shared(redis_server.url) as counters:
        redis_server.kill()
        with pytest.raises(Down):
            await counters.raise_to("acme", "b:x", (replace(spent, amount=850), replace(day, amount=0), lease()))
        decided = [await counters.reserve("acme", f"c{number}", (day, spent)) for number in range(2)]
        assert [verdict.admitted for verdict, _ in decided if verdict is not None] == [True, False]
