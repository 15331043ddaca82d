"""What a plugin is lent in its lifespan, and a call of its own through the whole pipeline."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from cognitude_plugins.gateway.accounts.organizations import create
from cognitude_plugins.gateway.lent import Lent
from cognitude_plugins.gateway.supervisor import SUPERVISOR_VARIABLE, WORKERS_VARIABLE
from hooks import Call, Ceiling, Metric, Reply, Sums, hookimpl, read
from hooks.testing import make_call
from tests.gateway.calls import STREAM, Upstream, Watcher, runtime_of, settled, whole

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_a_call_of_a_plugins_own_takes_the_whole_path(tmp_path: Path) -> None:
    class Change:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return reply.map(lambda body: {**body, "seen": True})

    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, Change(), upstream=Upstream())
    lent = Lent("1", lambda: runtime)
    reply = await lent.serve(make_call({"model": "up", "messages": []}))
    assert (reply.status, (await read(reply))["seen"]) == (200, True)
    assert watcher.only.cost_nano_usd == 15_000
    assert not runtime.under_way
    await settled()


async def test_a_call_made_of_another_has_an_id_and_a_scratch_dict_of_its_own(tmp_path: Path) -> None:
    seen: list[Call] = []

    class Note:
        @hookimpl
        async def pre_request(self, call: Call) -> None:
            seen.append(call)
            call.record(saved_nano_usd=5)

    runtime = runtime_of(tmp_path, Note(), upstream=Upstream())
    before = make_call({"model": "up", "messages": []})
    before.record(saved_nano_usd=5)
    reply = await Lent("1", lambda: runtime).serve(before)
    assert reply.headers["x-request-id"] == seen[0].id != before.id
    assert seen[0].caller == before.caller
    assert before.state == {"ledger": {"saved_nano_usd": 5}}


async def test_a_call_of_a_plugins_own_has_the_tags_it_is_given(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    await runtime.start()
    try:
        call = make_call({"model": "sim", "messages": [{"role": "user", "content": "Hello"}]})
        reply = await Lent("1", lambda: runtime).serve(call, tags={"why": "shadow"})
        await settled()
        assert reply.status == 200
        sums: tuple[Sums, ...] = ()
        while not sums or not sums[0].calls:
            await asyncio.sleep(0.02)
            sums = await runtime.opened.reader.usage(call.caller.organization, since=LONG_AGO, tag="why=shadow")
        assert sums[0].calls == 1
    finally:
        await runtime.stop()


async def test_a_stream_of_a_plugins_own_can_be_read(tmp_path: Path) -> None:
    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream())
    reply = await Lent("1", lambda: runtime).serve(make_call(STREAM))
    assert (await read(reply))["choices"][0]["message"]["content"] == "Hello"
    assert watcher.only.complete


async def test_a_plugin_that_is_cancelled_leaves_no_call_unaccounted(tmp_path: Path) -> None:
    async def slow(call: Call) -> Reply:
        await asyncio.sleep(0.05)
        return whole()

    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream(slow))
    task = asyncio.create_task(Lent("1", lambda: runtime).serve(make_call({"model": "up", "messages": []})))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await runtime.idle()
    assert watcher.only.complete


async def test_a_shutdown_ends_the_calls_of_plugins_too(tmp_path: Path) -> None:
    async def never(call: Call) -> Reply:
        await asyncio.sleep(60)
        return whole()

    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream(never))
    task = asyncio.create_task(Lent("1", lambda: runtime).serve(make_call({"model": "up", "messages": []})))
    await asyncio.sleep(0.01)
    runtime.abort("shutdown")
    async with asyncio.timeout(1):
        assert (await task).status == 503
        await runtime.idle()
    assert watcher.only.error == "shutdown"


async def test_what_is_lent_is_a_narrow_view(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    lent = Lent("1.2.3", lambda: runtime)
    assert lent.version == "1.2.3"
    assert lent.data_dir == runtime.config.data_dir
    assert [one.id for one in lent.models["up"]] == ["up", "up#2"]
    with pytest.raises(RuntimeError, match="not been started"):
        _ = lent.ledger
    await runtime.start()
    try:
        moment = datetime.now(UTC)
        assert await lent.ledger.spent("acme", since=moment - timedelta(hours=1)) == 0
        assert await lent.database.read("acme", lambda connection: connection.exec_driver_sql("SELECT 7").scalar()) == 7
        sealed = lent.secrets.seal("acme", "note", "between us")
        assert lent.secrets.unseal("acme", "note", sealed) == "between us"
        assert "between us" not in sealed
        with pytest.raises(ValueError, match="must begin with https://"):
            lent.outbound.url("http://hooks.example.com")
    finally:
        await runtime.stop()


async def test_an_organizations_days_begin_in_its_time_zone(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    await runtime.start()
    try:
        lent = Lent("1", lambda: runtime)
        assert lent.time_zone("acme") == "UTC"
        await lent.database.write("acme", _in_tokyo)
        await runtime.opened.directory.refresh()
        assert (lent.time_zone("acme"), lent.time_zone("globex")) == ("Asia/Tokyo", "UTC")
    finally:
        await runtime.stop()


def _in_tokyo(connection: Connection) -> None:
    create(connection, name="Acme", id="acme", time_zone="Asia/Tokyo", now_ms=0)


def test_a_prompts_tokens_are_known_without_a_provider(tmp_path: Path) -> None:
    lent = Lent("1", lambda: runtime_of(tmp_path))
    call = make_call({"model": "up", "messages": [{"role": "user", "content": "How is the weather in Berlin?"}]})
    assert 10 <= lent.prompt_tokens(call) <= 20


def test_there_is_no_redis_and_one_worker_unless_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent = Lent("1", lambda: runtime_of(tmp_path))
    assert (lent.redis, lent.cache, lent.workers) == (None, None, 1)
    monkeypatch.setenv(WORKERS_VARIABLE, "3")
    monkeypatch.setenv(SUPERVISOR_VARIABLE, str(os.getppid()))
    assert lent.workers == 3
    monkeypatch.setenv(SUPERVISOR_VARIABLE, str(os.getpid()))
    assert lent.workers == 1, "inherited from a worker further up"


async def test_what_plugins_offer_is_lent_to_all(tmp_path: Path) -> None:
    metric = Metric(name="one", description="One.", unit="count", of=lambda sums: sums.calls)

    class Offers:
        @hookimpl
        def metrics(self) -> list[Metric]:
            return [metric]

    runtime = runtime_of(tmp_path, Offers())
    lent = Lent("1", lambda: runtime)
    assert {name: (one.name, one.unit) for name, one in lent.metrics.items()} == {"one": ("one", "count")}
    assert lent.sections == ()
    ceiling = Ceiling(id="b", organization="acme", nano_usd=10, per="day")
    lent.ceilings.publish("budgets", [ceiling])
    assert lent.ceilings.all() == (ceiling,)


async def test_organizations_are_those_declared_and_those_of_the_database_that_are_not_disabled(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    await runtime.start()
    try:
        lent = Lent("1", lambda: runtime)
        declared = lent.organizations()
        await lent.database.write("acme", _in_tokyo)
        await runtime.opened.directory.refresh()
        assert lent.organizations() == tuple(sorted({*declared, "acme"}))
    finally:
        await runtime.stop()
