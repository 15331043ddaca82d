"""The cache as a pipeline has it: what a call finds, what is kept of an answer, and for whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

import cognitude_plugins.redis_cache as package
from cognitude_plugins.redis_cache import cold
from cognitude_plugins.redis_cache.plugin import RedisCache
from cognitude_plugins.redis_cache.settings import Config
from hooks import Call, Payload, Reply, hookimpl
from hooks.testing import Exercised, FakeGateway, check_plugin, completion, exercise, make_call, streamed
from tests.borrowed import Tables, sqlite_tables
from tests.redis_servers import RedisServer

from .servers import At

BODY: Mapping[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
PRICES = {"sim": (1000, 2000)}


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    found.up()
    yield found
    found.close()


@asynccontextmanager
async def opened(tables: Tables, server: RedisServer | None = None, **config: Any) -> AsyncIterator[RedisCache]:
    plugin = RedisCache(Config(**config))
    redis = None if server is None else At(server.url)
    async with plugin.lifespan(FakeGateway(database=tables.lent(), cache=redis, prices=PRICES)):
        yield plugin


def said(text: str, **fields: Any) -> Any:
    """A provider that says so, whole or streamed as it is asked."""

    def answer(call: Call) -> Reply:
        if call.stream:
            return streamed(text, usage=completion()["usage"])
        return Reply.json(completion(text, **fields))

    return answer


async def ask(
    plugin: RedisCache, text: str = "first", *, body: Mapping[str, Any] = BODY, answer: Any = None, **who: Any
) -> Exercised:
    return await exercise(plugin, call=make_call(body, **who), answer=answer or said(text))


def text_of(done: Exercised) -> str:
    text: str = done.body["choices"][0]["message"]["content"]
    return text


def state(done: Exercised) -> str | None:
    return done.reply.headers.get("x-cognitude-cache")


def test_it_keeps_the_contract() -> None:
    check_plugin(RedisCache(Config()))


async def test_the_same_question_is_asked_once(tables: Tables) -> None:
    async with opened(tables) as plugin:
        first = await ask(plugin, "first")
        again = await ask(plugin, "second")
    assert (state(first), state(again)) == ("miss", "hit")
    assert first.reply.headers["cache-status"] == "cognitude; fwd=miss; stored"
    assert again.reply.headers["cache-status"] == "cognitude; hit"
    assert again.reply.headers["age"] == "0"
    assert (text_of(again), again.call) == ("first", None)
    assert again.body == first.body


@pytest.mark.parametrize("kept", [False, True], ids=["kept whole", "kept as a stream"])
@pytest.mark.parametrize("given", [False, True], ids=["given whole", "given as a stream"])
async def test_it_is_given_as_it_is_asked_for_however_it_was_kept(tables: Tables, kept: bool, given: bool) -> None:
    async with opened(tables) as plugin:
        await ask(plugin, "first", body={**BODY, "stream": kept})
        again = await ask(plugin, "second", body={**BODY, "stream": given})
    assert state(again) == "hit"
    assert again.raw.startswith(b"data: ") is given
    assert text_of(again) == "first"
    assert again.body["usage"] == completion()["usage"]
    assert again.body["choices"][0]["finish_reason"] == "stop"


async def test_what_a_hit_saved_is_written_down(tables: Tables) -> None:
    async with opened(tables) as plugin:
        first = await ask(plugin)
        call = make_call(BODY)
        again = await exercise(plugin, call=call, answer=said("second"))
    note = call.state["ledger"]
    assert again.outcome.source == "redis_cache"
    assert len(note["cache_key"]) == 64
    assert note.get("saved_nano_usd") == first.outcome.cost_nano_usd
    assert "reasons" not in note


async def test_under_which_key_a_miss_was_looked_for_is_written_down(tables: Tables) -> None:
    async with opened(tables) as plugin:
        miss, hit, forced = make_call(BODY), make_call(BODY), make_call(BODY, headers={"cache-control": "no-cache"})
        for call in (miss, hit, forced):
            await exercise(plugin, call=call, answer=said("first"))
    assert miss.state["ledger"]["cache_key"] == hit.state["ledger"]["cache_key"]
    assert "ledger" not in forced.state


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"cache-control": "no-cache"}, {}, ("bypass", "second", "second")),
        ({"cache-control": "no-store"}, {}, ("hit", "first", "first")),
        ({"cache-control": "max-age=60"}, {}, ("hit", "first", "first")),
        ({"cache-control": "only-if-cached"}, {}, ("hit", "first", "first")),
        ({}, {"cache": {"no-cache": True, "no-store": True}}, ("bypass", "second", "first")),
        ({}, {"cache": {"namespace": "other"}}, ("miss", "second", "first")),
        ({}, {"temperature": 1.5}, ("bypass", "second", "first")),
        ({}, {"user": "somebody", "metadata": {"a": "b"}}, ("hit", "first", "first")),
        ({}, {"seed": 1}, ("miss", "second", "first")),
    ],
)
async def test_a_client_has_a_say(tables: Tables, headers: Any, body: Any, expected: tuple[str, str, str]) -> None:
    """What this call gets, and what the next one gets."""
    async with opened(tables) as plugin:
        await ask(plugin, "first")
        done = await ask(plugin, "second", body={**BODY, **body}, headers=headers)
        after = await ask(plugin, "third")
    assert (state(done), text_of(done), text_of(after)) == expected


async def test_an_object_for_the_cache_is_not_for_the_provider(tables: Tables) -> None:
    async with opened(tables) as plugin:
        for cache in ({"ttl": 5}, {"no-cache": True}):
            done = await ask(plugin, body={**BODY, "cache": cache})
            assert done.call is not None
            assert "cache" not in done.call.body


async def test_only_if_cached_asks_no_provider(tables: Tables) -> None:
    async with opened(tables) as plugin:
        done = await ask(plugin, headers={"cache-control": "only-if-cached"})
    assert (done.reply.status, done.body["error"]["code"], done.call) == (504, "not_cached", None)
    assert done.reply.headers["x-should-retry"] == "false", "an SDK would try a 504 again"


async def test_a_wish_that_makes_no_sense_is_refused(tables: Tables) -> None:
    async with opened(tables) as plugin:
        done = await ask(plugin, body={**BODY, "cache": {"ttl": "soon"}})
    assert (done.reply.status, done.body["error"]["param"], done.call) == (400, "cache.ttl", None)


@pytest.mark.parametrize("seconds", [{"max_age": 0.001}, {}], ids=["as configured", "as asked"])
async def test_an_answer_that_is_too_old_is_fetched_anew(tables: Tables, seconds: Any) -> None:
    body = BODY if seconds else {**BODY, "cache": {"ttl": 0}}
    async with opened(tables, **seconds) as plugin:
        await ask(plugin, "first", body=body)
        await ask(plugin, "first", body=body)
        cache = plugin._cache
        assert cache is not None
        later = cache._now() + 5000
        cache._now = lambda: later
        assert text_of(await ask(plugin, "second", body=body)) == "second"
        assert text_of(await ask(plugin, "third", body=body)) == "second"


FAILING: Any = lambda call: Reply.error(503, "No.", type="server_error")  # noqa: E731


@pytest.mark.parametrize(("later", "state_", "status"), [(50, "hit", 200), (90, "stale", 200), (200, None, 503)])
async def test_a_stale_answer_is_better_than_none(tables: Tables, later: int, state_: str | None, status: int) -> None:
    async with opened(tables, max_age=60, stale_if_error=60) as plugin:
        await ask(plugin, "first")
        cache = plugin._cache
        assert cache is not None
        then = cache._now() + later * 1000
        cache._now = lambda: then
        done = await ask(plugin, answer=FAILING)
        assert (state(done), done.reply.status) == (state_, status)
        if state_ == "stale":
            assert text_of(done) == "first"
            assert done.reply.headers["cache-status"] == f"cognitude; hit; ttl={60 - later}"
            assert done.reply.headers["age"] == str(later)
            assert text_of(await ask(plugin, "second")) == "second"


async def test_without_being_told_so_nothing_stale_is_given(tables: Tables) -> None:
    async with opened(tables, max_age=0.001) as plugin:
        await ask(plugin, "first")
        await asyncio.sleep(1.1)
        assert (await ask(plugin, answer=FAILING)).reply.status == 503


ONCE = {"Idempotency-Key": "order-1"}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_with_a_key_of_its_own_is_answered_once(tables: Tables, stream: bool) -> None:
    """Whatever it asks: also what would not be kept otherwise. Also by the gateway that comes after this one."""
    body = {**BODY, "temperature": 2, "stream": stream}
    for expected in ("miss", "hit"):
        async with opened(tables) as plugin:
            done = await ask(plugin, expected, body=body, headers=ONCE)
            assert (state(done), text_of(done)) == (expected, "miss")
    assert done.reply.headers["idempotency-replayed"] == "true"
    async with opened(tables) as plugin:
        other = await ask(plugin, "other", body={**body, "stream": not stream}, headers=ONCE)
        assert text_of(other) == "miss"


async def test_the_same_key_with_another_request_is_refused(tables: Tables) -> None:
    async with opened(tables) as plugin:
        await ask(plugin, headers=ONCE)
        done = await ask(plugin, body={**BODY, "seed": 1}, headers=ONCE)
        assert (done.reply.status, done.body["error"]["code"]) == (422, "idempotency_key_reused")
        assert state(await ask(plugin, headers=ONCE, organization="other")) == "miss"
        assert state(await ask(plugin, headers={"Idempotency-Key": "order-2"})) == "miss"
        assert state(await ask(plugin, body={**BODY, "seed": 1})) == "miss"


async def test_what_failed_may_be_tried_again_with_the_same_key(tables: Tables) -> None:
    async with opened(tables) as plugin:
        assert (await ask(plugin, answer=FAILING, headers=ONCE)).reply.status == 503
        assert text_of(await ask(plugin, "second", headers=ONCE)) == "second"


async def test_a_key_is_forgotten_after_a_day(tables: Tables) -> None:
    async with opened(tables, max_age=1) as plugin:
        cache = plugin._cache
        assert cache is not None
        begun = cache._now()
        await ask(plugin, "first", headers=ONCE)
        cache._now = lambda: begun + 86_390_000
        assert text_of(await ask(plugin, "second", headers=ONCE)) == "first"
        cache._now = lambda: begun + 86_402_000
        assert text_of(await ask(plugin, "second", headers=ONCE)) == "second"


@pytest.mark.parametrize("name", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_refused(tables: Tables, name: str) -> None:
    async with opened(tables) as plugin:
        done = await ask(plugin, headers={"Idempotency-Key": name})
    assert (done.reply.status, done.body["error"]["param"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    "answer",
    [
        lambda call: Reply.error(500, "No."),
        lambda call: Reply.json(completion("x", choices=[])),
        lambda call: Reply.json({"error": {"message": "no"}}),
        lambda call: replace(Reply.json(completion()), status=201),
    ],
    ids=["an error", "no choices", "an error that says it is none", "another status"],
)
async def test_what_is_no_good_answer_is_not_kept(tables: Tables, answer: Any) -> None:
    async with opened(tables) as plugin:
        await ask(plugin, answer=answer)
        again = await ask(plugin, "second")
    assert (state(again), text_of(again)) == ("miss", "second")


@pytest.mark.parametrize("stream", [False, True])
async def test_what_did_not_reach_its_end_is_not_kept(tables: Tables, stream: bool) -> None:
    def broken(call: Call) -> Reply:
        async def chunks() -> AsyncIterator[bytes]:
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": null}]}\n\n'
            raise OSError("cut")

        return Reply(chunks=chunks())

    async with opened(tables) as plugin:
        done = await ask(plugin, body={**BODY, "stream": True}, answer=broken)
        assert not done.outcome.complete
        again = await ask(plugin, "second", body={**BODY, "stream": stream})
    assert (state(again), text_of(again)) == ("miss", "second")


async def test_what_is_too_large_is_not_kept(tables: Tables) -> None:
    async with opened(tables, max_answer_bytes=1000) as plugin:
        await ask(plugin, "x" * 2000)
        assert text_of(await ask(plugin, "second")) == "second"
        assert text_of(await ask(plugin, "third")) == "second"


async def test_embeddings_are_kept_too(tables: Tables) -> None:
    body = {"model": "sim", "input": ["a"]}
    answer = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "sim"}
    async with opened(tables) as plugin:
        for expected in ("miss", "hit"):
            call = make_call(body, api="embeddings")
            done = await exercise(plugin, call=call, answer=Reply.json(answer))
            assert (state(done), done.body) == (expected, answer)


@pytest.mark.parametrize(
    ("config", "who", "shared"),
    [
        ({}, {"key": "other"}, True),
        ({}, {"organization": "other"}, False),
        ({}, {"user": "other"}, True),
        ({"scope": "key"}, {"key": "other"}, False),
        ({"scope": "key"}, {"user": "other"}, True),
        ({"scope": "user"}, {"user": "other"}, False),
        ({"scope": "user"}, {"key": "other", "user": "ann"}, True),
        ({"shared": ["s*"]}, {"organization": "other"}, True),
        ({"shared": ["other"]}, {"organization": "other"}, False),
    ],
)
async def test_who_has_answers_in_common(tables: Tables, config: Any, who: dict[str, Any], shared: bool) -> None:
    async with opened(tables, **config) as plugin:
        await ask(plugin, "first", user="ann")
        done = await ask(plugin, "second", **{"user": "ann", **who})
    assert (state(done) == "hit") is shared


@pytest.mark.parametrize(
    ("one", "other"), [(("a|n:x", ""), ("a", "x|")), (("a", "x"), ("a|x", "")), (('a","x', ""), ("a", "x"))]
)
async def test_no_name_and_namespace_can_be_taken_for_others(
    tables: Tables, one: tuple[str, str], other: tuple[str, str]
) -> None:
    async with opened(tables, scope="user") as plugin:
        for user, namespace in (one, other):
            done = await ask(plugin, body={**BODY, "cache": {"namespace": namespace}}, user=user)
            assert state(done) == "miss"


async def test_a_whole_answer_is_given_as_it_came(tables: Tables) -> None:
    """Byte for byte, with numbers as they were spelled."""
    choice = b'{"index":0, "message":{"content":"a"},"finish_reason":"stop", "p": 1.00}'
    raw = b'{ "choices":[ ' + choice + b' ], "id": 123456789012345678901}'
    async with opened(tables, memory_bytes=0) as plugin:
        for expected in ("miss", "hit"):
            done = await ask(plugin, answer=lambda call: Reply(payload=Payload(raw)))
            assert (state(done), done.raw) == (expected, raw)


async def test_what_a_plugin_behind_it_changes_is_kept_as_changed(tables: Tables) -> None:
    class Behind:
        @hookimpl
        async def post_response(self, call: Call, reply: Reply) -> Reply:
            return reply.map(lambda body: {**body, "model": "changed"})

    async with opened(tables) as plugin:
        for expected in ("miss", "hit"):
            done = await exercise(plugin, Behind(), call=make_call(BODY), answer=said("first"))
            assert (state(done), done.body["model"]) == (expected, "changed")


async def test_models_answer_for_each_other_only_where_that_is_said(tables: Tables) -> None:
    for groups, expected in (([], "miss"), ([["sim", "other"]], "hit")):
        async with opened(tables, interchangeable=groups, sql=False) as plugin:
            await ask(plugin, "first")
            assert state(await ask(plugin, "second", body={**BODY, "model": "other"})) == expected


@pytest.mark.parametrize("layer", ["memory", "redis", "sql"])
async def test_no_answer_crosses_organizations(
    tables: Tables, redis_server: RedisServer, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S10: a thousand pairs of organizations over every layer."""
    # A database that a busy machine keeps waiting is no answer's fault.
    monkeypatch.setattr(cold, "_READ_SECONDS", 20.0)
    configs: dict[str, dict[str, Any]] = {
        "memory": {"sql": False, "memory_seconds": 60},
        "redis": {"memory_bytes": 0, "sql": False},
        "sql": {"memory_bytes": 0},
    }
    config = configs[layer]
    server = redis_server if layer == "redis" else None
    async with opened(tables, server, **config) as plugin:
        for number in range(1000):
            organization = f"org-{number}"
            done = await ask(plugin, organization, organization=organization)
            assert text_of(done) == organization
        for number in range(0, 1000, 7):
            done = await ask(plugin, "?", organization=f"org-{number}")
            assert (state(done), text_of(done)) == ("hit", f"org-{number}")


async def test_a_dry_run_has_nothing_to_do_with_it(tables: Tables) -> None:
    async with opened(tables) as plugin:
        call = make_call(BODY, dry_run=True)
        done = await exercise(plugin, call=call)
        assert "redis_cache" not in call.state
        assert "x-cognitude-cache" not in done.reply.headers
        assert text_of(await ask(plugin, "second")) == "second"


async def test_prompts_are_not_at_rest(tables: Tables, redis_server: RedisServer, tmp_path: Path) -> None:
    """S20: what was asked is nowhere; what was answered only where answers are kept, and there compressed."""
    body = {**BODY, "messages": [{"role": "user", "content": "canary-prompt-4711"}]}
    async with opened(tables, redis_server) as plugin:
        await ask(plugin, "first", body=body)
    with redis.Redis.from_url(redis_server.url) as client:
        (name,) = client.scan_iter()
        assert b"canary" not in name + client.get(name)
    assert b"canary" not in at_rest(tmp_path)


def at_rest(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("cognitude.db*"))


async def test_without_its_database_it_is_not_begun(tables: Tables) -> None:
    """The secret would be another one each time."""
    plugin = RedisCache(Config())
    done = await exercise(plugin, call=make_call(BODY), answer=said("first"))
    assert state(done) == "bypass"


async def test_it_tells_how_its_layers_are(tables: Tables, redis_server: RedisServer) -> None:
    async with opened(tables, redis_server) as plugin:
        health: Any = await plugin.health()
        assert health["status"] == "ok"
        assert set(health["redis"]) == {"status", "connected_clients", "used_memory_human", "uptime_in_seconds"}
        assert health["sql"] == {"status": "ok", "dropped": 0}
        assert json.dumps(health)
