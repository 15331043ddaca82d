"""An ASGI app as the provider: what it is sent, what comes back, and that it never outlives its call."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from cognitude_plugins.gateway.providers import Broke, ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.asgi import AsgiProvider
from hooks import Call, Caller, Deployment, Payload, Reply

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Any]

DEPLOYMENT = Deployment(id="m", model="m", provider="asgi", upstream_model="m", transport="asgi")


def call(api: Any = "chat") -> Call:
    return Call(id="1", api=api, caller=Caller(organization="acme", address="192.0.2.7"), payload=Payload(b"{}"))


def target(**fields: Any) -> Target:
    timeouts = Timeouts(**fields.pop("timeouts", {}))
    return Target(deployment=DEPLOYMENT, timeouts=timeouts, **fields)


async def ask(app: App, body: bytes = b"{}", headers: Mapping[str, str] | None = None, **fields: Any) -> Reply:
    return await AsgiProvider(app).send(call(), body, target(**fields), headers or {})


def start(kind: bytes = b"application/json", status: int = 200, *more: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *more]}


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def app_of(*messages: Message, then: BaseException | float | None = None) -> App:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if isinstance(then, BaseException):
            raise then
        if then is not None:
            await asyncio.sleep(then)

    return app


async def failed(app: App, **fields: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(app, **fields)
    return caught.value


async def settled() -> None:
    """No task but the test's own is left."""
    for _ in range(100):
        if len(asyncio.all_tasks()) == 1:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(asyncio.all_tasks())


EVENTS = b"text/event-stream"
CHUNK = b'data: {"choices": []}\n\n'


async def test_the_app_sees_a_request_as_a_server_would_make_it() -> None:
    seen: dict[str, Any] = {}

    async def echo(request: Request) -> JSONResponse:
        seen.update(headers=dict(request.headers), body=await request.body(), client=request.client, url=request.url)
        return JSONResponse({"ok": True}, status_code=201)

    app = Starlette(routes=[Route("/v1/embeddings", echo, methods=["POST"])])
    reply = await AsgiProvider(app).send(
        call("embeddings"),
        b'{"a":1}',
        target(api_key="sk-inner", headers={"X-Team": "blue"}),
        {"traceparent": "00-1", "x-team": "red", "authorization": "Bearer of-the-client"},
    )
    assert reply.status == 201
    assert reply.body == {"ok": True}
    assert seen["body"] == b'{"a":1}'
    assert seen["client"].host == "192.0.2.7"
    assert seen["headers"] == {
        "host": "localhost",
        "content-type": "application/json",
        "content-length": "7",
        "traceparent": "00-1",
        "x-team": "blue",
        "authorization": "Bearer sk-inner",
    }


async def test_a_whole_answer_in_parts_is_joined() -> None:
    reply = await ask(app_of(start(), part(b'{"a"'), part(b""), part(b": 1}", more=False)))
    assert reply.payload is not None
    assert reply.payload.raw == b'{"a": 1}'
    await settled()


@given(st.lists(st.binary(min_size=0, max_size=20), max_size=12), st.booleans())
def test_a_stream_comes_out_as_the_app_sent_it(chunks: list[bytes], last_empty: bool) -> None:
    async def run() -> None:
        messages = [part(chunk) for chunk in chunks]
        if last_empty or not messages:
            messages.append(part(b"", more=False))
        else:
            messages[-1]["more_body"] = False
        reply = await ask(app_of(start(EVENTS), part(CHUNK), *messages))
        assert reply.chunks is not None
        assert [chunk async for chunk in reply.chunks] == [CHUNK, *(chunk for chunk in chunks if chunk)]
        await settled()

    asyncio.run(run())


async def test_the_app_waits_until_its_chunk_is_taken() -> None:
    sent: list[int] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send(start(EVENTS))
        for number in range(10):
            await send(part(b"%d" % number))
            sent.append(number)
        await send(part(b"", more=False))

    reply = await ask(app)
    assert reply.chunks is not None
    await asyncio.sleep(0.02)
    assert sent == []
    assert await anext(reply.chunks) == b"0"
    await asyncio.sleep(0.02)
    assert sent == [0]
    assert [chunk async for chunk in reply.chunks] == [b"%d" % number for number in range(1, 10)]
    await settled()


class Listening:
    """An app that streams until it is told that the client is gone, and remembers how it ended."""

    def __init__(self, *, first: bool = True, deaf: bool = False) -> None:
        self.first = first
        self.deaf = deaf
        self.told = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        try:
            if self.first:
                await send(start(EVENTS))
                await send(part(CHUNK))
            if (await receive())["type"] == "http.disconnect":
                self.told.set()
            if self.deaf:
                await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def test_closing_the_chunks_tells_the_app_at_once() -> None:
    app = Listening()
    reply = await ask(app)
    assert reply.chunks is not None
    assert await anext(reply.chunks) == CHUNK
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(app.told.wait(), 0.1)
    await settled()
    assert not app.cancelled.is_set()
    with pytest.raises(StopAsyncIteration):
        await anext(reply.chunks)


async def test_closing_chunks_of_which_none_was_taken_tells_the_app_too() -> None:
    app = Listening()
    reply = await ask(app)
    await reply.chunks.aclose()  # type: ignore[union-attr]
    await asyncio.wait_for(app.told.wait(), 0.1)
    await settled()


async def test_cancelling_a_send_tells_the_app_at_once() -> None:
    app = Listening(first=False)
    sending = asyncio.ensure_future(ask(app))
    await asyncio.sleep(0.01)
    sending.cancel()
    await asyncio.wait_for(app.told.wait(), 0.1)
    with pytest.raises(asyncio.CancelledError):
        await sending
    await settled()


async def test_cancelling_who_waits_for_a_chunk_tells_the_app_at_once() -> None:
    app = Listening()
    reply = await ask(app)
    assert reply.chunks is not None
    await anext(reply.chunks)
    waiting = asyncio.ensure_future(anext(reply.chunks))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait_for(app.told.wait(), 0.1)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await settled()


async def test_an_app_that_does_not_listen_is_cancelled_after_half_a_second() -> None:
    app = Listening(deaf=True)
    reply = await ask(app)
    began = asyncio.get_running_loop().time()
    await reply.chunks.aclose()  # type: ignore[union-attr]
    await asyncio.wait_for(app.cancelled.wait(), 2)
    assert 0.4 < asyncio.get_running_loop().time() - began < 1
    await settled()


async def test_an_app_that_sends_without_ever_waiting_does_not_hold_the_loop_when_its_client_is_gone() -> None:
    sends = 0

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal sends
        await send(start(EVENTS))
        while True:
            await send(part(CHUNK))
            sends += 1

    reply = await ask(app)
    await reply.chunks.aclose()  # type: ignore[union-attr]
    await settled()
    assert sends < 100


async def test_two_listeners_of_one_app_are_both_told() -> None:
    told: list[str] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()

        async def listen(name: str) -> None:
            await receive()
            told.append(name)

        given_up = asyncio.ensure_future(listen("given up"))
        tasks = [asyncio.ensure_future(listen(name)) for name in "ab"]
        await asyncio.sleep(0)
        given_up.cancel()
        await send(start(EVENTS))
        await send(part(CHUNK))
        await asyncio.gather(*tasks)

    reply = await ask(app)
    await reply.chunks.aclose()  # type: ignore[union-attr]
    await settled()
    assert told == ["a", "b"]


@pytest.mark.parametrize("chunks", [0, 1, 3])
async def test_a_starlette_stream_is_closed_when_its_client_goes(chunks: int) -> None:
    closed = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        try:
            while True:
                yield CHUNK
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    async def endpoint(request: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", endpoint, methods=["POST"])])
    reply = await ask(app)
    assert reply.chunks is not None
    for _ in range(chunks):
        assert await anext(reply.chunks) == CHUNK
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(closed.wait(), 0.2)
    await settled()


async def test_work_after_the_answer_is_left_to_finish() -> None:
    finished = asyncio.Event()

    async def later() -> None:
        await asyncio.sleep(0.05)
        finished.set()

    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse({}, background=BackgroundTask(later))

    app = Starlette(routes=[Route("/v1/chat/completions", endpoint, methods=["POST"])])
    assert (await ask(app)).status == 200
    assert not finished.is_set()
    await asyncio.wait_for(finished.wait(), 1)
    await settled()


async def test_a_crash_before_the_head_may_be_tried_elsewhere_and_says_nothing_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = await failed(app_of(then=KeyError("a secret")))
    assert (error.reason, error.reply.status, error.retryable) == ("crashed", 502, True)
    assert "secret" not in str(error.reply.body)
    assert "a secret" in caplog.text
    await settled()


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        (app_of(), "crashed"),
        (app_of(start(), then=KeyError()), "crashed"),
        (app_of(start(), part(b"{")), "reset"),
        (app_of(then=ConnectionResetError()), "reset"),
        (app_of(part(b"{}", more=False)), "crashed"),
        (app_of(start(EVENTS)), "reset"),
        (app_of(start(EVENTS), part(b"", more=False)), "malformed"),
        (app_of(start(b"text/html"), part(b"<p>", more=False)), "malformed"),
        (app_of(start(b"application/json", 200, (b"content-encoding", b"gzip")), part(b"{}", more=False)), "malformed"),
        (app_of(start(EVENTS, 503), part(b"{}", more=False)), "status_503"),
    ],
)
async def test_every_end_without_an_answer_is_a_provider_error(
    app: App, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    error = await failed(app)
    assert error.reason == reason
    assert error.retryable
    assert error.reply.body["error"]["message"]
    await settled()


@pytest.mark.parametrize(
    ("then", "reason"), [(KeyError("x"), "crashed"), (ConnectionResetError(), "reset"), (None, "reset")]
)
async def test_an_end_in_the_middle_of_a_stream_breaks_it(
    then: BaseException | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await ask(app_of(start(EVENTS), part(CHUNK), part(CHUNK), then=then))
    assert reply.chunks is not None
    assert [await anext(reply.chunks), await anext(reply.chunks)] == [CHUNK, CHUNK]
    with pytest.raises(Broke, match=reason):
        await anext(reply.chunks)
    await settled()


async def test_an_app_that_is_silent_before_its_answer_times_out() -> None:
    error = await failed(app_of(then=30), timeouts={"total": 0.05})
    assert (error.reason, error.reply.status, error.retryable) == ("timeout", 504, True)
    await settled()


@pytest.mark.parametrize("kind", [b"application/json", EVENTS])
async def test_a_head_without_a_body_times_out_too(kind: bytes) -> None:
    assert (await failed(app_of(start(kind), then=30), timeouts={"total": 0.05})).reason == "timeout"
    await settled()


async def test_a_whole_body_that_stalls_times_out_between_its_parts() -> None:
    app = app_of(start(), part(b"{"), then=30)
    began = asyncio.get_running_loop().time()
    assert (await failed(app, timeouts={"first_token": 20, "between_chunks": 0.05})).reason == "timeout"
    assert asyncio.get_running_loop().time() - began < 0.5
    await settled()


async def test_a_stream_that_stalls_breaks() -> None:
    reply = await ask(app_of(start(EVENTS), part(CHUNK), then=30), timeouts={"between_chunks": 0.05})
    assert reply.chunks is not None
    assert await anext(reply.chunks) == CHUNK
    with pytest.raises(Broke, match="timeout"):
        await anext(reply.chunks)
    await settled()


async def test_a_slow_client_is_no_stalled_app() -> None:
    reply = await ask(
        app_of(start(EVENTS), *[part(CHUNK)] * 4, part(b"", more=False)), timeouts={"between_chunks": 0.03}
    )
    assert reply.chunks is not None
    count = 0
    async for _ in reply.chunks:
        count += 1
        await asyncio.sleep(0.05)
    assert count == 4
    await settled()


async def test_a_stream_slower_than_the_first_deadline_goes_on_as_long_as_chunks_come() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send(start(EVENTS))
        for _ in range(8):
            await send(part(CHUNK))
            await asyncio.sleep(0.03)
        await send(part(b"", more=False))

    reply = await ask(app, timeouts={"first_token": 0.05, "between_chunks": 0.1})
    assert reply.chunks is not None
    assert len([chunk async for chunk in reply.chunks]) == 8
    await settled()


async def test_stopping_breaks_what_is_open_and_leaves_no_task() -> None:
    deaf = Listening(deaf=True)
    provider = AsgiProvider(deaf)
    reply = await provider.send(call(), b"{}", target(), {})
    assert reply.chunks is not None
    await anext(reply.chunks)
    await provider.stop()
    assert deaf.cancelled.is_set()
    with pytest.raises(Broke, match="shutdown"):
        await anext(reply.chunks)
    await settled()


async def test_stopping_ends_work_after_the_answer_too() -> None:
    provider = AsgiProvider(app_of(start(), part(b"{}", more=False), then=30))
    assert (await provider.send(call(), b"{}", target(), {})).status == 200
    await provider.stop()
    await settled()


async def test_an_error_of_the_app_is_judged_as_an_upstreams() -> None:
    body = json.dumps({"error": {"message": "no", "type": "t", "param": None, "code": None}}).encode()
    error = await failed(app_of(start(b"application/json", 401), part(body, more=False)))
    assert (error.reply.status, error.reply.body["error"]["code"]) == (502, "provider_auth_error")
    busy = await failed(app_of(start(b"application/json", 429, (b"retry-after", b"3")), part(body, more=False)))
    assert (busy.reply.status, busy.reply.headers) == (429, {"retry-after": "3"})
    assert busy.reply.payload is not None
    assert busy.reply.payload.raw == body


@pytest.mark.parametrize("kind", [b"application/json", EVENTS])
async def test_the_apps_own_headers_do_not_reach_the_client(kind: bytes) -> None:
    assert (await ask(app_of(start(kind, 200, (b"x-own", b"7")), part(b"{}", more=False)))).headers == {}
