"""The stage guard: whatever a plugin does, the call goes on as its policy says, and the failure has its name."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hooks import Call, Deployment, Payload, Plan, Reply, hookimpl
from tests.gateway.calls import CHAT, STREAM, Chunks, Upstream, Watcher, asked, events, runtime_of, settled, whole

POLICIES = pytest.mark.parametrize("on_error", ["skip", "reject"])


def plugin(stage: str, function: Callable[..., Any]) -> Any:
    """A plugin whose ``stage`` is ``function(value)``."""

    @hookimpl
    async def pre_request(self: Any, call: Call) -> Any:
        return function(call)

    @hookimpl
    async def route(self: Any, plan: Plan) -> Any:
        return function(plan)

    @hookimpl
    async def post_response(self: Any, reply: Reply) -> Any:
        return function(reply)

    return type("Mine", (), {stage: locals()[stage]})()


def fails(value: Any) -> Any:
    raise ValueError("it cannot be")


FOREIGN = Deployment(id="mine", model="up", provider="x", upstream_model="x", transport="simulated")

WRONG = [
    ("pre_request", lambda call: "text", "pre_request returned str; a Call or Reply, or None for no change"),
    ("pre_request", lambda call: True, "pre_request returned bool"),
    ("route", lambda plan: list(plan.deployments), "route returned list; a Plan or Reply, or None"),
    ("post_response", lambda reply: {"x": 1}, "post_response returned dict; a Reply, or None"),
    ("pre_request", fails, "ValueError: it cannot be"),
    ("route", fails, "ValueError: it cannot be"),
    ("post_response", fails, "ValueError: it cannot be"),
    ("pre_request", lambda call: call.body.update(x=1), "this object is read-only"),
    ("pre_request", lambda call: call.body["messages"].append({}), "this array is read-only"),
    ("pre_request", lambda call: call.body["messages"][0].pop("role"), "this object is read-only"),
    ("post_response", lambda reply: reply.body["choices"].clear(), "this array is read-only"),
    ("pre_request", lambda call: setattr(call, "id", "x"), "cannot assign to field 'id'"),
    ("route", lambda plan: Plan(deployments=(*plan.deployments, FOREIGN)), "it added mine"),
    ("route", lambda plan: Plan(deployments=plan.deployments * 2), "it repeated a deployment"),
    ("route", lambda plan: plan.keep(lambda one: True, why=None), "a reason that is not a string"),
    ("pre_request", lambda call: call.set(x={1, 2}), "the body it returned cannot be encoded"),
    ("pre_request", lambda call: call.set(seed=2**64), "the body it returned cannot be encoded"),
    ("pre_request", lambda call: replace(call, payload=Payload(b"[1]")), "is not a JSON object"),
    ("pre_request", lambda call: replace(call, payload=Payload(b"{not json")), "is not a JSON object"),
    ("pre_request", lambda call: Reply.json({"x": object()}), "the body it returned cannot be encoded"),
    ("post_response", lambda reply: Reply.json({"x": {1}}), "the body it returned cannot be encoded"),
    ("pre_request", lambda call: Reply.error(429, "No.", headers={"retry-after": 1}), "the header 'retry-after'"),
    ("post_response", lambda reply: replace(reply, headers={"x": None}), "the header 'x' of the reply is NoneType"),
    ("post_response", lambda reply: replace(reply, status="200"), "a number from 200 to 599, not '200'"),
    ("post_response", lambda reply: replace(reply, status=99), "a number from 200 to 599, not 99"),
    ("post_response", lambda reply: replace(reply, chunks=[b"x"]), "the chunks of the reply are list"),
]


@POLICIES
@pytest.mark.parametrize(("stage", "function", "said"), WRONG)
async def test_a_failing_plugin_is_named_and_its_policy_decides(
    tmp_path: Path, stage: str, function: Any, said: str, on_error: Any
) -> None:
    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, plugin(stage, function), upstream=Upstream(), on_error=on_error)
    client = await asked(runtime)
    faults = runtime.pipeline.faults["mine"]
    assert faults.errors == 1
    assert faults.last_error is not None
    assert faults.last_error.startswith(f"{stage}: ")
    assert said in faults.last_error
    if on_error == "skip":
        assert client.status == 200
        assert client.json["choices"][0]["message"]["content"] == "Hello"
    else:
        assert client.status == 500
        assert client.json["error"]["code"] == "plugin_failed"
        assert "'mine'" in client.json["error"]["message"]
        assert said not in client.raw.decode(), "what a plugin tripped over may quote a prompt"
        assert client.headers["x-cognitude-source"] == "error"
    assert watcher.only.status == client.status
    await settled()


@POLICIES
@pytest.mark.parametrize(("stage", "function", "said"), WRONG)
async def test_a_failing_plugin_in_shadow_never_matters(
    tmp_path: Path, stage: str, function: Any, said: str, on_error: Any
) -> None:
    runtime = runtime_of(tmp_path, plugin(stage, function), upstream=Upstream(), on_error=on_error, mode="shadow")
    client = await asked(runtime)
    assert client.status == 200
    assert runtime.pipeline.faults["mine"].errors == 1


async def test_fewer_parameters_another_order_and_plain_functions_are_all_the_same(tmp_path: Path) -> None:
    seen: list[str] = []

    class Plain:
        @hookimpl
        def pre_request(self) -> None:
            seen.append("pre_request")

        @hookimpl
        def route(self, plan: Plan) -> Plan:
            seen.append("route")
            return plan.rank(lambda one: one.id, why="plain")

        @hookimpl
        async def post_response(self, reply: Reply, call: Call) -> None:
            assert isinstance(call, Call)
            assert isinstance(reply, Reply)
            seen.append("post_response")

    runtime = runtime_of(tmp_path, Plain(), upstream=Upstream())
    client = await asked(runtime)
    assert client.headers["x-cognitude-route"] == "plain"
    assert seen == ["pre_request", "route", "post_response"]
    assert runtime.pipeline.faults["plain"].errors == 0


async def test_a_plain_function_that_returns_an_awaitable_is_awaited(tmp_path: Path) -> None:
    def decorated(function: Any) -> Any:
        @functools.wraps(function)
        def call(*values: Any) -> Any:
            return function(*values)

        return call

    class Wrapped:
        @hookimpl
        @decorated
        async def pre_request(self, call: Call) -> Call:
            await asyncio.sleep(0)
            return call.set(temperature=0.25)

    upstream = Upstream()
    runtime = runtime_of(tmp_path, Wrapped(), upstream=upstream)
    await asked(runtime)
    assert runtime.pipeline.faults["wrapped"].last_error is None
    assert b'"temperature":0.25' in upstream.asked[0][1]


@POLICIES
@pytest.mark.parametrize("stage", ["pre_request", "route", "post_response"])
async def test_a_plugin_that_hangs_is_cut_off_after_its_timeout(tmp_path: Path, stage: str, on_error: Any) -> None:
    async def hang(value: Any) -> None:
        await asyncio.sleep(60)

    runtime = runtime_of(tmp_path, plugin_async(stage, hang), upstream=Upstream(), on_error=on_error, timeout=0.03)
    async with asyncio.timeout(2):
        client = await asked(runtime)
    assert client.status == (200 if on_error == "skip" else 500)
    last = runtime.pipeline.faults["mine"].last_error
    assert last == f"{stage}: TimeoutError: no answer within its timeout of 0.03 s"


async def test_a_timeout_of_the_plugins_own_is_not_called_the_entrys(tmp_path: Path) -> None:
    async def redis(value: Any) -> None:
        raise TimeoutError("redis did not answer")

    runtime = runtime_of(tmp_path, plugin_async("pre_request", redis), upstream=Upstream(), timeout=5)
    await asked(runtime)
    assert runtime.pipeline.faults["mine"].last_error == "pre_request: TimeoutError: redis did not answer"


def plugin_async(stage: str, function: Any) -> Any:
    @hookimpl
    async def hook(self: Any, call: Call) -> Any:
        return await function(call)

    return type("Mine", (), {stage: hook})()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_change_that_fails_is_left_out(tmp_path: Path, stream: bool) -> None:
    def odd(value: Any) -> Any:
        if not stream or "Hel" in str(value):
            raise KeyError("content")
        return None

    runtime = runtime_of(tmp_path, plugin("post_response", lambda reply: reply.map(odd)), upstream=Upstream())
    client = await asked(runtime, STREAM if stream else CHAT)
    assert (client.text if stream else client.json["choices"][0]["message"]["content"]) == "Hello"
    assert runtime.pipeline.faults["mine"].last_error == "map: KeyError: 'content'"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("value", [{"x": {1}}, {"x": 2**70}, object()])
async def test_a_change_into_what_is_not_json_is_left_out(tmp_path: Path, stream: bool, value: Any) -> None:
    watcher = Watcher()
    runtime = runtime_of(
        tmp_path, watcher, plugin("post_response", lambda reply: reply.map(lambda body: value)), upstream=Upstream()
    )
    client = await asked(runtime, STREAM if stream else CHAT)
    assert (client.text if stream else client.json["choices"][0]["message"]["content"]) == "Hello"
    assert runtime.pipeline.faults["mine"].errors
    assert watcher.only.complete


async def test_a_change_cannot_mutate_what_it_is_given(tmp_path: Path) -> None:
    runtime = runtime_of(
        tmp_path, plugin("post_response", lambda reply: reply.map(lambda body: body.pop("id"))), upstream=Upstream()
    )
    assert (await asked(runtime)).json["id"]
    assert "read-only" in str(runtime.pipeline.faults["mine"].last_error)


@POLICIES
async def test_an_end_that_fails_follows_the_policy(tmp_path: Path, on_error: Any) -> None:
    def end() -> Any:
        yield {"choices": []}
        raise KeyError("end")

    runtime = runtime_of(
        tmp_path,
        plugin("post_response", lambda reply: reply.map(lambda event: None, end=end)),
        upstream=Upstream(),
        on_error=on_error,
    )
    client = await asked(runtime, STREAM)
    assert client.text == "Hello"
    assert ("error" in client.events[-1]) is (on_error == "reject")
    assert client.raw.endswith(b"[DONE]\n\n") is (on_error == "skip")


async def breaks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if b"lo" in chunk:
            raise KeyError("broken")
        yield chunk


async def no_bytes(chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for chunk in chunks:
        yield chunk.decode()


async def strays(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for _ in chunks:
        raise asyncio.CancelledError
    yield b""


@POLICIES
@pytest.mark.parametrize("wrap", [breaks, no_bytes, strays])
async def test_a_generator_that_fails_in_the_middle_ends_the_answer_whatever_the_policy(
    tmp_path: Path, on_error: Any, wrap: Any
) -> None:
    source = Chunks(events("Hel", "lo"))
    watcher = Watcher()
    runtime = runtime_of(
        tmp_path,
        watcher,
        plugin("post_response", lambda reply: reply.through(wrap)),
        upstream=Upstream(lambda call: Reply(chunks=source)),
        on_error=on_error,
    )
    client = await asked(runtime, STREAM)
    assert client.ended
    assert client.events[-1]["error"]["code"] == "plugin_failed"
    assert watcher.only.error == "plugin_error"
    assert source.closed
    assert runtime.pipeline.faults["mine"].errors == 1
    await settled()


@pytest.mark.parametrize("wrap", [lambda chunks: 1 / 0, lambda chunks: None, lambda chunks: [b"x"]])
async def test_a_wrap_that_cannot_be_made_is_left_out(tmp_path: Path, wrap: Any) -> None:
    runtime = runtime_of(tmp_path, plugin("post_response", lambda reply: reply.through(wrap)), upstream=Upstream())
    assert (await asked(runtime, STREAM)).text == "Hello"
    assert runtime.pipeline.faults["mine"].errors == 1


async def test_a_generator_that_fails_when_it_is_closed_keeps_no_watcher_from_being_told(tmp_path: Path) -> None:
    async def fussy(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                yield chunk
                raise KeyError("first")
        finally:
            raise ValueError("while closing")

    source = Chunks(events("Hel"))
    watcher = Watcher()
    runtime = runtime_of(
        tmp_path,
        watcher,
        plugin("post_response", lambda reply: reply.through(fussy)),
        upstream=Upstream(lambda call: Reply(chunks=source)),
    )
    await asked(runtime, STREAM)
    assert watcher.only.error == "plugin_error"
    assert source.closed


@POLICIES
@pytest.mark.parametrize("stage", ["pre_request", "post_response"])
async def test_a_stream_of_a_plugins_own_that_fails_ends_the_answer(tmp_path: Path, stage: str, on_error: Any) -> None:
    async def own() -> AsyncIterator[dict[str, Any]]:
        yield {"choices": [{"index": 0, "delta": {"content": "own"}}]}
        raise KeyError("broken")

    watcher = Watcher()
    runtime = runtime_of(
        tmp_path, watcher, plugin(stage, lambda value: Reply.stream(own())), upstream=Upstream(), on_error=on_error
    )
    client = await asked(runtime, STREAM)
    assert client.text == "own"
    assert client.events[-1]["error"]["code"] == "plugin_failed"
    assert watcher.only.error == "plugin_error"
    assert runtime.pipeline.faults["mine"].last_error == "stream: KeyError: 'broken'"


async def test_a_providers_code_that_fails_is_a_failed_attempt(tmp_path: Path) -> None:
    def crashes(call: Call) -> Reply:
        if len(upstream.asked) == 1:
            raise ZeroDivisionError("a bug")
        return whole()

    upstream = Upstream(crashes)
    client = await asked(runtime_of(tmp_path, upstream=upstream))
    assert (client.status, client.headers["x-cognitude-attempts"]) == (200, "2")


async def test_an_error_that_a_plugin_decided_is_not_a_failure(tmp_path: Path) -> None:
    runtime = runtime_of(
        tmp_path,
        plugin("pre_request", lambda call: Reply.error(429, "Too many.", headers={"retry-after": "3"})),
        upstream=Upstream(),
    )
    client = await asked(runtime)
    assert (client.status, client.headers["retry-after"]) == (429, "3")
    assert client.headers["x-cognitude-source"] == "mine"
    assert runtime.pipeline.faults["mine"].errors == 0
