"""What goes out and what the watchers are told, whatever becomes of client, provider or plugin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cognitude_plugins.gateway.connection import LENT, Connection
from cognitude_plugins.gateway.providers import Broke
from hooks import DROP, Call, Outcome, Payload, Reply, hookimpl
from tests.gateway.calls import (
    CHAT,
    STREAM,
    Chunks,
    Client,
    Message,
    Upstream,
    Watcher,
    asked,
    events,
    runtime_of,
    settled,
    streamed,
    whole,
)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


async def test_a_whole_answer_goes_out_byte_for_byte_with_its_headers(tmp_path: Path, watcher: Watcher) -> None:
    raw = b'{"object":"chat.completion" ,"big":123456789012345678901234567890,"usage":{"prompt_tokens":9,'
    raw += b'"completion_tokens":3}}'
    upstream = Upstream(lambda call: Reply(payload=Payload(raw)))
    client = await asked(runtime_of(tmp_path, watcher, upstream=upstream))
    assert client.raw == raw
    assert client.headers["content-length"] == str(len(raw))
    assert client.headers["content-type"] == "application/json"
    assert client.headers["x-request-id"].startswith("req_")
    assert client.headers["x-cognitude-source"] == "provider"
    assert client.headers["x-cognitude-model"] == "up"
    assert client.headers["x-cognitude-attempts"] == "1"
    assert client.headers["x-cognitude-cost-usd"] == "0.000015000"
    assert float(client.headers["x-cognitude-overhead-ms"]) >= 0
    outcome = watcher.only
    assert (outcome.status, outcome.source, outcome.complete, outcome.error) == (200, "provider", True, None)
    assert outcome.usage is not None
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (9, 3)
    assert outcome.cost_nano_usd == 15_000
    assert outcome.deployment is not None
    assert outcome.deployment.id == "up"
    assert 0 < (outcome.time_to_first_token or 0) <= outcome.seconds
    await settled()


async def test_a_stream_goes_out_event_by_event_without_the_usage_nobody_asked_for(
    tmp_path: Path, watcher: Watcher
) -> None:
    source = Chunks(events("Hel", "lo"))
    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, watcher, upstream=upstream), STREAM)
    assert client.text == "Hello"
    assert client.raw.endswith(b"data: [DONE]\n\n")
    assert b"usage" not in client.raw
    assert [message.get("more_body") for message in client.messages[1:]] == [True] * 5 + [False]
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.headers["cache-control"] == "no-cache"
    assert "content-length" not in client.headers
    outcome = watcher.only
    assert outcome.complete
    assert outcome.cost_nano_usd == 15_000
    assert outcome.body["choices"][0]["message"]["content"] == "Hello"
    assert source.closed
    assert b'"include_usage":true' in upstream.asked[0][1]
    await settled()


async def test_a_client_that_asked_for_usage_gets_its_event(tmp_path: Path, watcher: Watcher) -> None:
    body = {**STREAM, "stream_options": {"include_usage": True}}
    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream()), body)
    assert client.events[-1]["usage"]["total_tokens"] == 12
    assert watcher.only.cost_nano_usd == 15_000


async def test_a_usage_that_a_plugin_takes_out_of_the_stream_is_paid_for_all_the_same(
    tmp_path: Path, watcher: Watcher
) -> None:
    class Cutter:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return reply.map(lambda event: DROP if not event["choices"] else None)

    client = await asked(runtime_of(tmp_path, Cutter(), watcher, upstream=Upstream()), STREAM)
    assert client.text == "Hello"
    assert watcher.only.cost_nano_usd == 15_000


async def test_what_a_provider_answered_is_paid_for_whatever_a_plugin_puts_in_its_place(
    tmp_path: Path, watcher: Watcher
) -> None:
    class Censor:
        @hookimpl
        async def post_response(self) -> Reply:
            return Reply.error(400, "No.", code="content_filter")

    client = await asked(runtime_of(tmp_path, watcher, Censor(), upstream=Upstream()))
    assert client.status == 400
    assert client.headers["x-cognitude-source"] == "censor"
    assert client.headers["x-cognitude-cost-usd"] == "0.000015000"
    assert watcher.only.cost_nano_usd == 15_000
    assert watcher.only.attempts == 1
    assert watcher.only.deployment is not None


async def test_an_answer_without_a_provider_costs_nothing(tmp_path: Path, watcher: Watcher) -> None:
    class Cache:
        @hookimpl
        async def pre_request(self) -> Reply:
            return whole("cached")

    client = await asked(runtime_of(tmp_path, Cache(), watcher, upstream=Upstream()))
    assert client.headers["x-cognitude-cost-usd"] == "0.000000000"
    assert (watcher.only.cost_nano_usd, watcher.only.source, watcher.only.attempts) == (0, "cache", 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_each_watcher_sees_the_answer_as_it_was_at_its_place(tmp_path: Path, stream: bool) -> None:
    seen: dict[str, Any] = {}

    def shout(value: Any) -> Any:
        choice = value["choices"][0] if value["choices"] else {}
        part = choice.get("delta") or choice.get("message") or {}
        if not part.get("content"):
            return None
        kind = "delta" if "delta" in choice else "message"
        return {**value, "choices": [{**choice, kind: {**part, "content": part["content"] + "!"}}]}

    class Both:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            reply = reply.on_complete(lambda outcome: seen.update(before=outcome.body))
            return reply.map(shout).on_complete(lambda outcome: seen.update(after=outcome.body))

    client = await asked(
        runtime_of(tmp_path, Both(), upstream=Upstream()), STREAM if stream else {**STREAM, "stream": False}
    )
    texts = {place: body["choices"][0]["message"]["content"] for place, body in seen.items()}
    assert texts == {"before": "Hello", "after": "Hel!lo!" if stream else "Hello!"}
    assert (client.text if stream else client.json["choices"][0]["message"]["content"]) == texts["after"]


async def test_a_client_that_leaves_in_mid_stream_closes_the_upstream_and_is_told_of_once(
    tmp_path: Path, watcher: Watcher
) -> None:
    source = Chunks(events("Hel")[:2], then=asyncio.Event())

    def third(client: Client, message: Message) -> None:
        if len(client.messages) == 3:
            client.leave()

    client = await asked(
        runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM, on_send=third
    )
    assert not client.ended
    assert source.closed
    outcome = watcher.only
    assert (outcome.complete, outcome.error) == (False, "client_disconnect")
    assert outcome.body["choices"][0]["message"]["content"] == "Hel"
    assert outcome.usage is not None
    assert (outcome.usage.reported, outcome.usage.completion_tokens) == (False, 1)
    assert outcome.cost_nano_usd == outcome.usage.prompt_tokens * 1000 + 2000
    await settled()


async def test_a_client_that_leaves_before_the_head_cancels_the_provider(tmp_path: Path, watcher: Watcher) -> None:
    cancelled = asyncio.Event()

    async def never(call: Call) -> Reply:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return whole()

    runtime = runtime_of(tmp_path, watcher, upstream=Upstream(never))
    client = Client()
    asyncio.get_running_loop().call_later(0.02, client.leave)
    await client.ask(runtime)
    assert cancelled.is_set()
    assert client.messages == []
    assert (watcher.only.error, watcher.only.status) == ("client_disconnect", 499)
    assert watcher.only.cost_nano_usd is None, "a provider was called: what that cost is not known"
    await settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_on_the_way_up_is_sent_nothing(
    tmp_path: Path, watcher: Watcher, stream: bool
) -> None:
    source = Chunks(events("Hel", "lo"))
    client = Client(STREAM)

    class Slow:
        finished = False

        @hookimpl
        async def post_response(self) -> None:
            client.leave()
            await asyncio.sleep(0.02)
            self.finished = True

    slow = Slow()
    upstream = Upstream(lambda call: Reply(chunks=source) if stream else whole())
    await client.ask(runtime_of(tmp_path, slow, watcher, upstream=upstream))
    assert slow.finished, "the way up is not cut short"
    assert client.messages == []
    assert (source.given, source.closed) == (0, stream)
    assert watcher.only.error == "client_disconnect"
    await settled()


async def test_a_client_that_leaves_behind_the_last_event_has_its_whole_answer(
    tmp_path: Path, watcher: Watcher
) -> None:
    """As openai-python does, whether or not the provider has closed its stream by then."""
    closed = asyncio.Event()

    def leave_behind_done(client: Client, message: Message) -> None:
        if message.get("body", b"").endswith(b"[DONE]\n\n"):
            client.leave()
            asyncio.get_running_loop().call_later(0.05, closed.set)

    upstream = Upstream(lambda call: Reply(chunks=Chunks(events("Hello"), then=closed)))
    await asked(runtime_of(tmp_path, watcher, upstream=upstream), STREAM, on_send=leave_behind_done)
    assert (watcher.only.complete, watcher.only.error, watcher.only.cost_nano_usd) == (True, None, 15_000)
    await settled()


async def test_a_disconnect_after_the_last_byte_is_no_hang_up(tmp_path: Path, watcher: Watcher) -> None:
    async def leave_at_the_end(client: Client, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            client.leave()
            await asyncio.sleep(0.01)

    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream()), STREAM, on_send=leave_at_the_end)
    assert client.ended
    assert watcher.only.complete
    await settled()


async def test_a_provider_that_breaks_off_ends_the_stream_with_an_error_event(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel")[:2], then=Broke("reset"))
    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM)
    assert client.ended
    assert client.events[-1]["error"]["code"] == "provider_broke_off"
    assert b"[DONE]" not in client.raw
    assert (watcher.only.complete, watcher.only.error) == (False, "provider_error")
    assert source.closed


async def test_an_oserror_of_the_provider_is_not_blamed_on_the_client(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel")[:2], then=ConnectionResetError("gone"))
    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM)
    assert client.events[-1]["error"]["code"] == "provider_broke_off"
    assert watcher.only.error == "provider_error"


async def test_an_oserror_of_send_is_a_client_that_is_gone(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel", "lo"))

    def fails(client: Client, message: Message) -> None:
        if message["type"] == "http.response.body":
            raise BrokenPipeError("gone")

    client = await asked(
        runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM, on_send=fails
    )
    assert len(client.messages) == 2, "nothing is sent to a client that is gone"
    assert source.closed
    assert watcher.only.error == "client_disconnect"


async def test_an_unexpected_failure_of_the_stream_is_still_in_the_books(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel")[:1], then=KeyError("a bug"))
    with pytest.raises(KeyError):
        await asked(runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM)
    assert watcher.only.error == "provider_error"
    assert source.closed


@pytest.mark.parametrize("at", ["http.response.start", "body", "last"])
async def test_a_client_that_takes_nothing_is_dropped_after_the_write_timeout(
    tmp_path: Path, watcher: Watcher, at: str
) -> None:
    dropped = asyncio.Event()

    async def stall(client: Client, message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body")
        if message["type"] == at or (at == "body" and message.get("more_body")) or (at == "last" and last):
            await asyncio.sleep(60)

    source = Chunks(events("Hel", "lo"))
    client = Client(STREAM, on_send=stall)
    client.scope["extensions"] = {LENT: Connection(dropped.set)}
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source)))
    async with asyncio.timeout(2):
        await client.ask(runtime)
    assert dropped.is_set()
    assert source.closed
    assert watcher.only.error == "client_disconnect"
    await settled()


async def test_a_stalled_client_of_a_large_whole_answer_is_dropped_too(tmp_path: Path, watcher: Watcher) -> None:
    async def stall(client: Client, message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    upstream = Upstream(lambda call: whole("x" * 100_000))
    async with asyncio.timeout(2):
        await asked(runtime_of(tmp_path, watcher, upstream=upstream), on_send=stall)
    assert watcher.only.error == "client_disconnect"
    assert not watcher.only.complete


async def test_a_hang_up_that_the_server_tells_of_itself_is_heeded(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel")[:2], then=asyncio.Event())
    connection = Connection(lambda: None)

    def third(client: Client, message: Message) -> None:
        if len(client.messages) == 3:
            asyncio.get_running_loop().call_soon(connection.lose)

    client = Client(STREAM, on_send=third)
    client.scope["extensions"] = {LENT: connection}
    await client.ask(runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))))
    assert source.closed
    assert watcher.only.error == "client_disconnect"
    assert connection.hung_up is None
    await settled()


async def test_a_connection_that_was_lost_before_the_call_began_calls_no_provider(
    tmp_path: Path, watcher: Watcher
) -> None:
    upstream = Upstream()
    connection = Connection(lambda: None)
    connection.lose()
    client = Client()
    client.scope["extensions"] = {LENT: connection}
    await client.ask(runtime_of(tmp_path, watcher, upstream=upstream))
    assert client.messages == []
    assert watcher.only.error == "client_disconnect"
    assert upstream.asked == []
    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_slow_but_steady_client_is_not_dropped(tmp_path: Path, watcher: Watcher) -> None:
    async def slow(client: Client, message: Message) -> None:
        await asyncio.sleep(0.08)

    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream()), STREAM, on_send=slow)
    assert client.ended
    assert watcher.only.complete


async def test_a_change_that_rejects_a_whole_answer_makes_it_a_500_everywhere(tmp_path: Path) -> None:
    early, late = Watcher(), Watcher()

    class Bad:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return reply.map(lambda value: 1 / 0)

    runtime = runtime_of(tmp_path, late, Bad(), upstream=Upstream(), on_error="reject")
    client = await asked(runtime)
    assert client.status == 500
    assert client.json["error"]["code"] == "plugin_failed"
    assert client.headers["x-cognitude-source"] == "error"
    assert (late.only.status, late.only.source, late.only.error) == (500, "error", "plugin_error")
    assert late.only.body["error"]["code"] == "plugin_failed"
    assert late.only.cost_nano_usd == 15_000
    assert not early.outcomes


async def test_a_change_that_rejects_a_stream_ends_it_with_an_error_event(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel", "lo"))

    class Bad:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return reply.map(lambda event: {}["x"] if "lo" in str(event["choices"]) else None)

    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, watcher, Bad(), upstream=upstream, on_error="reject"), STREAM)
    assert client.events[-1]["error"]["code"] == "plugin_failed"
    assert client.ended
    assert watcher.only.error == "plugin_error"
    assert source.closed


async def test_a_wrap_that_fails_before_the_first_event_rejects_with_a_whole_500(
    tmp_path: Path, watcher: Watcher
) -> None:
    source = Chunks(events("Hel", "lo"))

    class Bad:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return reply.through(lambda chunks: 1 / 0)  # type: ignore[arg-type, return-value]

    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, watcher, Bad(), upstream=upstream, on_error="reject"), STREAM)
    assert (client.status, client.json["error"]["code"]) == (500, "plugin_failed")
    assert (watcher.only.status, watcher.only.error) == (500, "plugin_error")
    assert source.closed


async def test_a_shutdown_does_not_let_an_unchanged_answer_out(tmp_path: Path, watcher: Watcher) -> None:
    runtime = runtime_of(tmp_path)

    class Mask:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            runtime.abort("shutdown")
            return reply.map(lambda body: {"masked": True})

    made = runtime_of(tmp_path, watcher, Mask(), upstream=Upstream())
    runtime.under_way = made.under_way
    client = await asked(made)
    assert client.json == {"masked": True}


async def test_a_generator_that_was_never_begun_leaves_nothing_open(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel", "lo"))
    client = Client(STREAM)

    class Wrap:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            async def pass_on(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
                async for chunk in chunks:
                    yield chunk

            client.leave()
            await asyncio.sleep(0.01)
            return reply.map(lambda event: None).through(pass_on).map(lambda event: None)

    await client.ask(runtime_of(tmp_path, watcher, Wrap(), upstream=Upstream(lambda call: Reply(chunks=source))))
    assert (source.given, source.closed) == (0, True)
    assert watcher.only.error == "client_disconnect"
    await settled()


async def test_a_stream_replaced_by_another_is_closed_with_it(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel", "lo"))

    class Other:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return streamed("other")

    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, watcher, Other(), upstream=upstream), STREAM)
    assert client.text == "other"
    assert (source.given, source.closed) == (0, True)
    assert watcher.only.complete


async def test_a_stream_replaced_by_a_whole_answer_is_closed(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks(events("Hel", "lo"))

    class Other:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return whole("other")

    upstream = Upstream(lambda call: Reply(chunks=source))
    client = await asked(runtime_of(tmp_path, watcher, Other(), upstream=upstream), STREAM)
    assert client.json["choices"][0]["message"]["content"] == "other"
    assert (source.given, source.closed) == (0, True)
    assert watcher.only.cost_nano_usd is None, "the usage of a stream that was not read is not known"


async def test_an_event_that_is_too_large_breaks_the_stream_off(tmp_path: Path, watcher: Watcher) -> None:
    source = Chunks([b"data: " + b"x" * 1024 * 1024] * 9)
    client = await asked(runtime_of(tmp_path, watcher, upstream=Upstream(lambda call: Reply(chunks=source))), STREAM)
    assert client.raw.count(b"provider_broke_off") == 1
    assert watcher.only.error == "provider_error"
    assert source.closed


@pytest.mark.parametrize("durability", ["process", "disk"])
@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "stream"])
async def test_the_row_is_safe_before_the_last_byte_goes(tmp_path: Path, body: Any, durability: str) -> None:
    """R1: between a client that has its whole answer and a row that is not yet written no process may die."""
    order: list[str] = []

    async def confirmed() -> None:
        await asyncio.sleep(0.01)
        order.append("row")

    def append(record: bytes) -> Any:
        return confirmed() if durability == "disk" else order.append("row")

    def sent(client: Client, message: Message) -> None:
        order.append("last" if not message.get("more_body") and "body" in message else "sent")

    runtime = runtime_of(tmp_path, upstream=Upstream())
    runtime.books = SimpleNamespace(journal=SimpleNamespace(full=False, append=append))  # type: ignore[assignment]
    await asked(runtime, body, on_send=sent)
    assert (order.count("row"), order.count("last"), order[-1]) == (1, 1, "last")


async def test_outcomes_are_told_after_the_last_byte(tmp_path: Path) -> None:
    order: list[str] = []

    class Orderly:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            async def later(outcome: Outcome) -> None:
                order.append("async")

            return reply.on_complete(lambda outcome: order.append("plain")).on_complete(later)

    def sent(client: Client, message: Message) -> None:
        order.append("last" if not message.get("more_body") and "body" in message else "sent")

    await asked(runtime_of(tmp_path, Orderly(), upstream=Upstream()), on_send=sent)
    assert order == ["sent", "last", "plain", "async"]
