"""The Redis that plugins are lent: which one it is, what its clients are like, and when it is closed."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from cognitude_plugins.gateway.config import Config, load
from cognitude_plugins.gateway.health import ready, report
from cognitude_plugins.gateway.redis_service import SOCKET_VARIABLES, RedisService, for_workers, opened
from cognitude_plugins.gateway.redis_url import parse_redis
from cognitude_plugins.gateway.supervisor import SUPERVISOR_VARIABLE
from hooks import ConfigError, Redis
from tests.gateway.calls import runtime_of
from tests.redis_servers import RedisServer, wait_until


def config(folder: Path, redis: str, cache: str | None = None) -> Config:
    path = folder / "plugins.yaml"
    other = "" if cache is None else f", cache: '{cache}'"
    path.write_text(f"gateway: {{data_dir: data}}\nservices: {{redis: '{redis}'{other}}}\npipeline: []\n")
    return load(path, {})


async def test_it_lends_clients_of_bytes(redis_server: RedisServer) -> None:
    lent: Redis = RedisService(parse_redis(redis_server.url))
    client = lent.client(timeout=0.3)
    try:
        await client.set("a", "1")
        assert await client.get("a") == b"1"
        assert client is not lent.client(timeout=0.3)
    finally:
        await client.aclose()


@pytest.mark.parametrize(("timeout", "connect"), [(0.001, 0.05), (0.07, 0.07), (5.0, 0.1)])
def test_they_give_up_soon_and_try_nothing_twice(timeout: float, connect: float) -> None:
    client = RedisService(parse_redis("redis://cache")).client(timeout=timeout)
    options = client.connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (timeout, connect)
    assert options["retry"].get_retries() == 0
    assert not options.get("retry_on_error")
    assert not options.get("health_check_interval")
    assert not options.get("decode_responses")


@pytest.mark.parametrize(
    ("url", "kind", "cluster"),
    [
        ("redis://ada:hunter2@cache", "single", False),
        ("redis+sentinel://:hunter2@one,two/main", "sentinel", False),
        ("redis+cluster://:hunter2@one,two", "cluster", True),
    ],
)
def test_it_says_what_it_is_but_not_its_password(url: str, kind: str, cluster: bool) -> None:
    service = RedisService(parse_redis(url))
    assert (service.kind, service.cluster, service.status()) == (kind, cluster, {"kind": kind})
    assert "hunter2" not in repr(service) + str(vars(service))


async def test_memory_is_none(tmp_path: Path) -> None:
    assert await opened(config(tmp_path, "memory"), None) is None


async def test_a_reload_goes_on_with_the_same_one(tmp_path: Path) -> None:
    first = await opened(config(tmp_path, "redis://cache"), None)
    assert first is not None
    assert await opened(config(tmp_path, "redis://cache:6379/0"), first) is first
    assert await opened(config(tmp_path, "redis://cache/1"), first) is not first
    assert await opened(config(tmp_path, "memory"), first) is None
    await first.release()
    await first.release()
    assert await opened(config(tmp_path, "redis://cache"), first) is not first, "nobody uses it any more"


async def test_an_embedded_one_is_stopped_by_the_last_who_uses_it(tmp_path: Path) -> None:
    embedded = config(tmp_path, "embedded")
    first = await opened(embedded, None)
    assert first is not None
    pid = first.status()["pid"]
    assert await opened(embedded, first) is first
    await first.release()
    assert psutil.pid_exists(pid)
    assert first.status() == {"kind": "embedded", "status": "ok", "pid": pid}
    await first.release()
    assert not psutil.pid_exists(pid)
    assert first.status() == {"kind": "embedded", "status": "degraded", "pid": None}


async def test_workers_find_the_one_that_was_started_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = config(tmp_path, "embedded")
    with for_workers(embedded):
        monkeypatch.setenv(SUPERVISOR_VARIABLE, str(os.getppid()))
        one, other = await opened(embedded, None), await opened(embedded, None)
        assert one is not None
        assert other is not None
        assert one.status() == other.status()
        await one.release()
        assert other.status()["status"] == "ok", "it belongs to the supervisor"
        client = other.client(timeout=1.0)
        assert await client.ping()
        await client.aclose()
    assert not set(SOCKET_VARIABLES.values()) & set(os.environ)
    assert other.status()["pid"] is None
    for role, cache, where in (("redis", None, "redis"), ("cache", None, "redis"), ("cache", "embedded", "cache")):
        with pytest.raises(ConfigError, match=f"services.{where}: is embedded: .* start the gateway again"):
            await opened(config(tmp_path, "embedded", cache), None, role)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("redis", "cache", "expected"),
    [
        ("memory", None, None),
        ("redis://one", None, "<Redis redis://one:6379>"),
        ("redis://one", "redis://two", "<Redis redis://two:6379>"),
        ("memory", "redis://two", "<Redis redis://two:6379>"),
        ("redis://one", "memory", None),
    ],
)
async def test_what_may_be_forgotten_is_in_the_same_one_or_in_another(
    tmp_path: Path, redis: str, cache: str | None, expected: str | None
) -> None:
    found = await opened(config(tmp_path, redis, cache), None, "cache")
    assert (None if found is None else repr(found)) == expected
    if found is not None:
        assert await opened(config(tmp_path, redis, cache), found, "cache") is found
        assert await opened(config(tmp_path, "redis://three", "redis://four"), found, "cache") is not found


async def test_beside_an_embedded_one_there_is_another_that_forgets(tmp_path: Path) -> None:
    embedded = config(tmp_path, "embedded")
    counts, forgets = await opened(embedded, None), await opened(embedded, None, "cache")
    assert counts is not None
    assert forgets is not None
    kept = []
    for one in (counts, forgets):
        client = one.client(timeout=5.0)
        settings = await client.config_get("maxmemory*")
        kept.append((int(settings["maxmemory"]), settings["maxmemory-policy"]))
        await client.aclose()
        await one.release()
    assert kept == [(0, "noeviction"), (256 * 1024 * 1024, "allkeys-lfu")]


def test_nothing_is_started_for_workers_that_need_nothing(tmp_path: Path) -> None:
    with for_workers(config(tmp_path, "redis://cache")):
        assert not set(SOCKET_VARIABLES.values()) & set(os.environ)


async def test_health_has_a_block_where_there_is_one(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path)
    assert "redis" not in await report(runtime, draining=False)
    runtime.redis = RedisService(parse_redis("redis://cache"))
    made = await report(runtime, draining=False)
    assert (made["redis"], made["status"]) == ({"kind": "single"}, "ok")
    runtime.redis = await opened(config(tmp_path, "embedded"), None)
    assert runtime.redis is not None
    block = (await report(runtime, draining=False))["redis"]
    await runtime.redis.release()
    wait_until(lambda: not psutil.pid_exists(block["pid"]), "it was not stopped")
    assert (await report(runtime, draining=False))["status"] == "degraded"
    assert await ready(runtime, draining=False) == (True, "degraded")
