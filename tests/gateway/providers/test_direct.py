"""The way to an OpenAI-compatible upstream, over real sockets: what is sent, what comes back, what is left open."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import ThreadedResolver
from aiohttp.abc import ResolveResult

from cognitude_plugins.gateway.outbound.addresses import networks
from cognitude_plugins.gateway.outbound.guard import Guard
from cognitude_plugins.gateway.providers import Broke, ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.direct import DirectProvider
from hooks import Call, Caller, Deployment, Payload, Reply

BODY = b'{"model": "m" ,"x":1}'
EVENTS = [b'data: {"n":%d}\n\n' % number for number in range(3)] + [b"data: [DONE]\n\n"]
KEY = "sk-upstream"


@dataclass
class Seen:
    """One request as it came over the wire, and when its connection was closed by the other side."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def named(self) -> dict[str, str]:
        return dict(self.headers)

    async def closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


@dataclass
class Wire:
    """A raw HTTP/1.1 server: ``answer`` writes the bytes of each answer itself."""

    answer: Callable[[Seen], Awaitable[None]]
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while line := (await reader.readline()).decode():
                headers = []
                while (row := (await reader.readline()).decode().rstrip("\r\n")) != "":
                    name, _, value = row.partition(": ")
                    headers.append((name.lower(), value))
                body = await reader.readexactly(int(dict(headers).get("content-length", "0")))
                seen = Seen(line.strip(), headers, body, number, reader, writer)
                self.requests.append(seen)
                await self.answer(seen)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def wire(answer: Callable[[Seen], Awaitable[None]]) -> AsyncIterator[Wire]:
    made = Wire(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await made._serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def provider(proxy: str | None = None) -> AsyncIterator[DirectProvider]:
    made = DirectProvider(proxy)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def target(port: int, **fields: Any) -> Target:
    timeouts = Timeouts(**fields.pop("timeouts", {}))
    deployment = Deployment(id="m", model="m", provider="openai", upstream_model="m", transport="direct")
    return Target(
        deployment=deployment, base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, timeouts=timeouts, **fields
    )


def call(stream: bool = False, api: Any = "chat") -> Call:
    payload = Payload(b'{"stream":true}' if stream else b"{}")
    return Call(id="1", api=api, caller=Caller(organization="acme"), payload=payload)


async def send(made: DirectProvider, port: int, *, stream: bool = False, body: bytes = BODY, **fields: Any) -> Reply:
    return await made.send(call(stream), body, target(port, **fields), {"traceparent": "00-a-b-01"})


def head(status: str = "200 OK", kind: str = "application/json", *more: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"content-type: {kind}", *more, "", ""]).encode()


def whole(body: bytes, status: str = "200 OK", *more: str) -> Callable[[Seen], Awaitable[None]]:
    async def answer(seen: Seen) -> None:
        seen.writer.write(head(status, "application/json", f"content-length: {len(body)}", *more) + body)
        await seen.writer.drain()

    return answer


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_of(*parts: bytes | float | None, end: bool = True) -> Callable[[Seen], Awaitable[None]]:
    """Bytes are sent as a chunk, a number is a pause, None resets the connection."""

    async def answer(seen: Seen) -> None:
        seen.writer.write(head("200 OK", "text/event-stream", "transfer-encoding: chunked"))
        for part in parts:
            if part is None:
                reset(seen)
                return
            if isinstance(part, bytes):
                seen.writer.write(chunk(part))
                await seen.writer.drain()
            else:
                await asyncio.sleep(part)
        if end:
            seen.writer.write(b"0\r\n\r\n")
            await seen.writer.drain()

    return answer


def reset(seen: Seen) -> None:
    plain = seen.writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    seen.writer.transport.abort()


async def failed(made: DirectProvider, port: int, **fields: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await send(made, port, **fields)
    shown = json.dumps(caught.value.reply.body)
    assert str(port) not in shown
    assert "127.0.0.1" not in shown, "the message goes to the client"
    assert KEY not in shown
    return caught.value


def code(error: ProviderError) -> Any:
    return error.reply.body["error"]["code"]


async def read_all(reply: Reply) -> bytes:
    assert reply.chunks is not None
    return b"".join([part async for part in reply.chunks])


async def test_the_request_goes_out_as_it_should_and_the_answer_comes_back_byte_for_byte() -> None:
    answer = b'{"object" : "chat.completion","n":1.0}'
    async with wire(whole(answer)) as upstream, provider() as made:
        reply = await send(made, upstream.port, headers={"X-Extra": "1", "User-Agent": "mine"})
        assert (reply.status, reply.payload and reply.payload.raw) == (200, answer)
        [seen] = upstream.requests
    assert seen.line == "POST /v1/chat/completions HTTP/1.1"
    assert seen.body == BODY
    headers = {name: value for name, value in seen.headers if name != "host"}
    assert headers == {
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "accept": "*/*",
        "accept-encoding": "identity",
        "authorization": f"Bearer {KEY}",
        "traceparent": "00-a-b-01",
        "user-agent": "mine",
        "x-extra": "1",
    }
    assert len(seen.headers) == len(headers) + 1, "no header comes twice"


@pytest.mark.parametrize(("api", "path"), [("completions", "/v1/completions"), ("embeddings", "/v1/embeddings")])
async def test_every_api_has_its_path(api: Any, path: str) -> None:
    async with wire(whole(b"{}")) as upstream, provider() as made:
        await made.send(call(api=api), BODY, target(upstream.port, options={"query": {"v": "1 2"}}), {})
        assert upstream.requests[0].line == f"POST {path}?v=1+2 HTTP/1.1"


async def test_a_large_body_is_sent_whole_and_without_a_warning() -> None:
    body = b'{"x":"' + b"a" * 3_000_000 + b'"}'
    async with wire(whole(b"{}")) as upstream, provider() as made:
        await send(made, upstream.port, body=body)
        assert upstream.requests[0].body == body
        assert upstream.requests[0].named["content-length"] == str(len(body))


async def test_each_chunk_is_handed_on_when_it_comes() -> None:
    async with wire(stream_of(EVENTS[0], 0.1, EVENTS[1], 0.1, EVENTS[3])) as upstream, provider() as made:
        began = time.perf_counter()
        reply = await send(made, upstream.port, stream=True)
        assert time.perf_counter() - began < 0.09, "the reply is there with the first chunk"
        assert reply.chunks is not None
        times = []
        parts = []
        async for part in reply.chunks:
            parts.append(part)
            times.append(time.perf_counter() - began)
    assert parts == [EVENTS[0], EVENTS[1], EVENTS[3]]
    assert times[1] - times[0] > 0.05
    assert times[2] - times[1] > 0.05


async def test_the_content_type_of_a_stream_may_be_written_in_any_case() -> None:
    async def answer(seen: Seen) -> None:
        seen.writer.write(head("200 OK", "Text/Event-Stream; charset=UTF-8", "connection: close") + b"".join(EVENTS))
        seen.writer.close()

    async with wire(answer) as upstream, provider() as made:
        assert await read_all(await send(made, upstream.port, stream=True)) == b"".join(EVENTS)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_is_used_again_after_an_answer_was_read(stream: bool) -> None:
    answer = stream_of(*EVENTS) if stream else whole(b"{}")
    async with wire(answer) as upstream, provider() as made:
        for _ in range(3):
            reply = await send(made, upstream.port, stream=stream)
            if reply.chunks is not None:
                await read_all(reply)
                await reply.chunks.aclose()  # type: ignore[attr-defined]
        assert (len(upstream.requests), upstream.connections) == (3, 1)


async def test_a_refused_connection_may_be_tried_elsewhere() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with provider() as made:
            error = await failed(made, port)
    assert (error.reason, error.retryable, error.reply.status) == ("connect", True, 502)


async def test_a_connection_that_is_not_taken_in_time_is_a_504() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        async with provider() as made:
            error = await failed(made, port, timeouts={"connect": 0.2})
        for filler in fillers:
            filler.close()
    assert (error.reason, error.retryable, error.reply.status) == ("connect", True, 504)


async def test_a_stream_whose_first_token_does_not_come_is_a_timeout() -> None:
    async with wire(stream_of(5.0)) as upstream, provider() as made:
        error = await failed(made, upstream.port, stream=True, timeouts={"first_token": 0.15})
        assert (error.reason, error.retryable, error.reply.status) == ("timeout", True, 504)
        assert await upstream.requests[0].closed_within(1)


async def test_a_whole_answer_may_take_longer_than_a_first_token_but_not_than_the_total() -> None:
    async def slow(seen: Seen) -> None:
        await asyncio.sleep(0.3)
        await whole(b"{}")(seen)

    async with wire(slow) as upstream, provider() as made:
        assert (await send(made, upstream.port, timeouts={"first_token": 0.1, "between_chunks": 0.1})).status == 200
        error = await failed(made, upstream.port, timeouts={"total": 0.1})
        assert (error.reason, error.reply.status) == ("timeout", 504)


@pytest.mark.parametrize("first_token", [0.2, 30.0])
async def test_the_time_between_chunks_counts_from_the_first_one_on(first_token: float) -> None:
    limits = {"first_token": first_token, "between_chunks": 0.25}
    async with wire(stream_of(EVENTS[0], 5.0)) as upstream, provider() as made:
        reply = await send(made, upstream.port, stream=True, timeouts=limits)
        began = time.perf_counter()
        with pytest.raises(Broke, match="timeout"):
            await read_all(reply)
        assert 0.2 < time.perf_counter() - began < 2
        assert await upstream.requests[0].closed_within(1)


async def test_a_pause_shorter_than_the_limit_between_chunks_is_none() -> None:
    limits = {"first_token": 0.1, "between_chunks": 2.0}
    async with wire(stream_of(EVENTS[0], 0.3, EVENTS[3])) as upstream, provider() as made:
        reply = await send(made, upstream.port, stream=True, timeouts=limits)
        assert await read_all(reply) == EVENTS[0] + EVENTS[3]


async def test_a_connection_that_is_reset_before_the_head_may_be_tried_elsewhere() -> None:
    async def answer(seen: Seen) -> None:
        reset(seen)

    async with wire(answer) as upstream, provider() as made:
        error = await failed(made, upstream.port)
    assert (error.reason, error.retryable, error.reply.status) == ("reset", True, 502)


async def test_a_whole_answer_that_is_cut_off_may_be_tried_elsewhere() -> None:
    async def answer(seen: Seen) -> None:
        seen.writer.write(head("200 OK", "application/json", "content-length: 100") + b'{"x":1}')
        seen.writer.close()

    async with wire(answer) as upstream, provider() as made:
        error = await failed(made, upstream.port)
    assert (error.reason, error.retryable, error.reply.status) == ("reset", True, 502)


@pytest.mark.parametrize("cut", [None, "close"])
async def test_a_stream_that_is_cut_off_has_broken(cut: str | None) -> None:
    async def answer(seen: Seen) -> None:
        await stream_of(EVENTS[0], 0.05, end=False)(seen)
        reset(seen) if cut is None else seen.writer.close()

    async with wire(answer) as upstream, provider() as made:
        reply = await send(made, upstream.port, stream=True)
        with pytest.raises(Broke, match="reset"):
            await read_all(reply)


async def test_a_stream_without_an_event_is_a_failed_attempt() -> None:
    async with wire(stream_of()) as upstream, provider() as made:
        error = await failed(made, upstream.port, stream=True)
    assert (error.reason, error.retryable) == ("malformed", True)


async def test_what_is_not_http_is_a_failed_attempt() -> None:
    async def answer(seen: Seen) -> None:
        seen.writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        seen.writer.close()

    async with wire(answer) as upstream, provider() as made:
        error = await failed(made, upstream.port)
    assert (error.reason, error.retryable, error.reply.status) == ("malformed", True, 502)


async def test_a_redirect_is_not_followed() -> None:
    async with wire(whole(b"{}")) as elsewhere:
        moved = whole(b"", "307 Temporary Redirect", f"location: http://127.0.0.1:{elsewhere.port}/v1")
        async with wire(moved) as upstream, provider() as made:
            error = await failed(made, upstream.port)
        assert elsewhere.requests == []
    assert (error.retryable, error.reply.status) == (False, 502)


ENVELOPE = b'{"error":{"message":"no","type":"x","param":null,"code":"y"}}'


async def test_a_4xx_of_the_clients_own_is_its_answer() -> None:
    async with wire(whole(ENVELOPE, "400 Bad Request")) as upstream, provider() as made:
        reply = await send(made, upstream.port)
    assert (reply.status, reply.payload and reply.payload.raw) == (400, ENVELOPE)


@pytest.mark.parametrize("status", ["408 Request Timeout", "429 Too Many", "500 No", "503 No", "529 Overloaded"])
async def test_what_may_pass_is_tried_elsewhere_and_keeps_its_retry_after(status: str) -> None:
    more = ("retry-after: 7", "retry-after-ms: 7000", "x-should-retry: true", "set-cookie: a=b", "x-secret: 1")
    async with wire(whole(ENVELOPE, status, *more)) as upstream, provider() as made:
        error = await failed(made, upstream.port)
    assert error.retryable
    assert error.reply.status == int(status[:3])
    assert error.reply.headers == {"retry-after": "7", "retry-after-ms": "7000", "x-should-retry": "true"}


async def test_a_refused_credential_is_the_gateways_business() -> None:
    async with wire(whole(b'{"error":{"message":"bad key sk-upstream"}}', "401 No")) as upstream, provider() as made:
        error = await failed(made, upstream.port)
    assert (error.retryable, error.reply.status, code(error)) == (True, 502, "provider_auth_error")


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500])
async def test_an_error_that_quotes_the_key_does_not_give_it_to_the_client(status: int) -> None:
    secret = "sk-upstream-and-long-enough"
    quoting = json.dumps({"error": {"message": f"no {secret} and no header-secret", "type": "x"}}).encode()
    async with wire(whole(quoting, f"{status} No")) as upstream, provider() as made:
        asked = replace(target(upstream.port), api_key=secret, headers={"x-secret": "header-secret"})
        try:
            reply = await made.send(call(), BODY, asked, {})
        except ProviderError as error:
            reply = error.reply
    assert reply.body["error"]["message"] == "no [...] and no [...]"


async def test_cookies_are_not_kept() -> None:
    async with wire(whole(b"{}", "200 OK", "set-cookie: session=1; Path=/")) as upstream, provider() as made:
        named = replace(target(upstream.port), base_url=f"http://localhost:{upstream.port}/v1")
        for _ in range(2):
            await made.send(call(), BODY, named, {})
        assert "cookie" not in upstream.requests[1].named


@pytest.mark.parametrize("stream", [False, True])
async def test_a_compressed_answer_nobody_asked_for_is_a_failed_attempt(stream: bool) -> None:
    raw = gzip.compress(b"".join(EVENTS) if stream else b"{}")
    kind = "text/event-stream" if stream else "application/json"

    async def answer(seen: Seen) -> None:
        seen.writer.write(head("200 OK", kind, "content-encoding: gzip", f"content-length: {len(raw)}") + raw)

    async with wire(answer) as upstream, provider() as made:
        error = await failed(made, upstream.port, stream=stream)
    assert (error.reason, error.retryable) == ("malformed", True)


async def test_a_cancellation_before_the_head_closes_the_upstream() -> None:
    here = asyncio.Event()

    async def answer(seen: Seen) -> None:
        here.set()
        assert await seen.closed_within(1)
        closed.set()

    closed = asyncio.Event()
    async with wire(answer) as upstream, provider() as made:
        task = asyncio.create_task(send(made, upstream.port))
        await here.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            await closed.wait()


@pytest.mark.parametrize("more", [(), ("content-encoding: gzip",)])
async def test_an_answer_that_is_given_up_behind_its_head_closes_the_upstream(more: tuple[str, ...]) -> None:
    async def answer(seen: Seen) -> None:
        seen.writer.write(head("200 OK", "text/event-stream", "transfer-encoding: chunked", *more))
        here.set()
        assert await seen.closed_within(1)
        closed.set()

    here, closed = asyncio.Event(), asyncio.Event()
    async with wire(answer) as upstream, provider() as made:
        task = asyncio.create_task(send(made, upstream.port, stream=True))
        await here.wait()
        await asyncio.sleep(0.05)
        assert task.done() is bool(more)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or isinstance(task.exception(), ProviderError)
        async with asyncio.timeout(1):
            await closed.wait()


@pytest.mark.parametrize("read", [0, 1, 2])
async def test_closing_the_chunks_closes_the_upstream_also_if_none_was_read(read: int) -> None:
    async def answer(seen: Seen) -> None:
        await stream_of(EVENTS[0], 0.02, EVENTS[1], end=False)(seen)
        assert await seen.closed_within(1)
        closed.set()

    closed = asyncio.Event()
    async with wire(answer) as upstream, provider() as made:
        reply = await send(made, upstream.port, stream=True)
        assert reply.chunks is not None
        for _ in range(read):
            await anext(reply.chunks)
        await reply.chunks.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(1):
            await closed.wait()
        assert upstream.connections == 1


async def test_a_cancelled_read_and_a_close_end_the_upstream() -> None:
    async def answer(seen: Seen) -> None:
        await stream_of(EVENTS[0], end=False)(seen)
        assert await seen.closed_within(1)
        closed.set()

    closed = asyncio.Event()
    async with wire(answer) as upstream, provider() as made:
        reply = await send(made, upstream.port, stream=True)
        task = asyncio.create_task(read_all(reply))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        await reply.chunks.aclose()  # type: ignore[union-attr]
        async with asyncio.timeout(1):
            await closed.wait()


async def test_the_configured_proxy_is_used_and_that_of_the_environment_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wire(whole(b'{"from":"proxy"}')) as proxy, wire(whole(b'{"from":"upstream"}')) as upstream:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with provider() as made:
            assert (await send(made, upstream.port)).body == {"from": "upstream"}
        assert proxy.requests == []
        async with provider(f"http://name:word@127.0.0.1:{proxy.port}") as made:
            assert (await send(made, upstream.port)).body == {"from": "proxy"}
        assert proxy.requests[0].line == f"POST http://127.0.0.1:{upstream.port}/v1/chat/completions HTTP/1.1"
        assert proxy.requests[0].named["proxy-authorization"].startswith("Basic ")
        assert len(upstream.requests) == 1


async def test_a_target_of_another_configuration_is_not_taken_for_the_old_one() -> None:
    async with wire(whole(b"{}")) as first, wire(whole(b"{}")) as second, provider() as made:
        for upstream in (first, second, first):
            await send(made, upstream.port)
        assert (len(first.requests), len(second.requests)) == (2, 1)


async def test_a_stopped_provider_leaves_no_connection_open() -> None:
    async def answer(seen: Seen) -> None:
        await whole(b"{}")(seen)
        assert await seen.closed_within(1)
        closed.set()

    closed = asyncio.Event()
    async with wire(answer) as upstream:
        async with provider() as made:
            await send(made, upstream.port)
        async with asyncio.timeout(1):
            await closed.wait()


OPEN = Guard(allow=networks(["127.0.0.53/32"]), allow_http=True)


def owned(owner: str, key: str, port: int, id: str = "m", **fields: Any) -> Target:
    given = {"api_key": key, "owner": owner, **fields}
    shared = target(port)
    return replace(shared, deployment=replace(shared.deployment, id=id), **given)


@asynccontextmanager
async def guarded_provider(guard: Guard = OPEN, **fields: Any) -> AsyncIterator[DirectProvider]:
    made = DirectProvider(guard=guard, **fields)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def test_no_organization_is_ever_served_with_anothers_key() -> None:
    """Of one deployment, all at once, over connections that are shared, and with keys that change in between."""

    async def answer(seen: Seen) -> None:
        await asyncio.sleep(0.001)
        await whole(json.dumps({"said": seen.named["authorization"], "sent": seen.body.decode()}).encode())(seen)

    async with wire(answer) as upstream, provider() as made:
        targets = {name: owned(name, f"sk-{name}", upstream.port) for name in ("", "acme", "other", "third")}

        async def one(name: str) -> None:
            used = targets[name]
            reply = await made.send(call(), name.encode(), used, {})
            assert reply.body == {"said": f"Bearer {used.api_key}", "sent": name}

        for turn in range(4):
            await asyncio.gather(*(one(name) for _ in range(25) for name in targets))
            targets["acme"] = owned("acme", f"sk-acme-{turn}", upstream.port)
        assert len(upstream.requests) == 400
        assert upstream.connections < 150, "connections are shared"


async def test_organizations_do_not_put_each_others_preparation_out() -> None:
    async with wire(whole(b"{}")) as upstream, provider() as made:
        targets = [owned(name, f"sk-{name}", upstream.port) for name in ("acme", "other")]
        first = [made._prepared(call(), one) for one in targets]
        assert [made._prepared(call(), one) for one in targets] == first
        assert all(made._prepared(call(), one) is before for one, before in zip(targets, first, strict=True))
        for number in range(10_100):
            made._prepared(call(), owned("acme", "sk", upstream.port, f"m{number}"))
        assert len(made._calls) == 10_000
        again = owned("acme", "sk-newest", upstream.port, "m10099")
        assert made._prepared(call(), again).headers["authorization"] == "Bearer sk-newest"


def guarded_target(url: str) -> Target:
    return replace(target(1), base_url=url, owner="acme", guarded=True)


async def test_an_organizations_own_address_is_called_where_it_is_permitted() -> None:
    async with wire(whole(b'{"from":"own"}')) as upstream:
        upstream_on_53 = await asyncio.start_server(upstream._serve, "127.0.0.53", 0)
        port = upstream_on_53.sockets[0].getsockname()[1]
        async with guarded_provider() as made:
            reply = await made.send(call(), BODY, guarded_target(f"http://127.0.0.53:{port}/v1"), {})
        upstream_on_53.close()
    assert reply.body == {"from": "own"}
    assert upstream.requests[0].named["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:{port}/v1", "http://0.0.0.0:{port}/v1", "http://[::1]:{port}/v1"),
        *("http://2130706433:{port}", "http://localhost:{port}/v1", "http://127.1:{port}/v1"),
        "http://[::ffff:127.0.0.1]:{port}/v1",
    ],
)
async def test_an_organizations_own_address_never_leads_to_this_machine(url: str) -> None:
    async with wire(whole(b"{}")) as upstream, guarded_provider() as made:
        with pytest.raises(ProviderError) as caught:
            await made.send(call(), BODY, guarded_target(url.format(port=upstream.port)), {})
        assert upstream.connections == 0
    assert (caught.value.reason, caught.value.retryable) == ("refused", True)
    assert KEY not in json.dumps(caught.value.reply.body)


async def test_a_name_of_an_organization_is_held_to_the_address_that_was_checked() -> None:
    class Rebinding(ThreadedResolver):
        asked = 0

        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
            self.asked += 1
            address = "127.0.0.53" if self.asked == 1 else "127.0.0.1"
            found = ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
            return [found]

    async with wire(whole(b"{}")) as inner, guarded_provider(resolver=Rebinding()) as made:
        own = guarded_target(f"http://llm.example.com:{inner.port}/v1")
        with pytest.raises(ProviderError) as caught:
            await made.send(call(), BODY, own, {})
        assert caught.value.reason == "connect", "nobody listens on the permitted address"
        made._guarded.connector.clear_dns_cache()  # type: ignore[union-attr]
        with pytest.raises(ProviderError) as caught:
            await made.send(call(), BODY, own, {})
        assert caught.value.reason == "refused"
        assert inner.connections == 0


async def test_a_redirect_of_an_organizations_own_address_is_not_followed() -> None:
    async with wire(whole(b"{}")) as inner:
        moved = whole(b"", "307 Temporary Redirect", f"location: http://127.0.0.1:{inner.port}/v1")
        here = Guard(allow=networks(["127.0.0.0/8"]), allow_http=True)
        async with wire(moved) as upstream, guarded_provider(here) as made:
            with pytest.raises(ProviderError) as caught:
                await made.send(call(), BODY, guarded_target(f"http://127.0.0.1:{upstream.port}/v1"), {})
        assert caught.value.reason == "status_307"
        assert inner.connections == 0


async def test_what_the_operator_has_configured_is_not_guarded() -> None:
    async with wire(whole(b"{}")) as upstream, guarded_provider(Guard()) as made:
        assert (await send(made, upstream.port)).status == 200


async def test_http_that_is_no_longer_allowed_is_not_used() -> None:
    async with guarded_provider(Guard(allow=networks(["127.0.0.0/8"]))) as made:
        with pytest.raises(ProviderError, match="refused") as caught:
            await made.send(call(), BODY, guarded_target("http://127.0.0.1:8000/v1"), {})
    assert "must begin with https://" in caught.value.reply.body["error"]["message"]


async def test_an_organizations_own_address_is_not_called_through_a_proxy() -> None:
    async with wire(whole(b"{}")) as proxy:
        async with guarded_provider(proxy=f"http://127.0.0.1:{proxy.port}") as made:
            with pytest.raises(ProviderError, match="refused") as caught:
                await made.send(call(), BODY, guarded_target("https://llm.example.com/v1"), {})
        assert "through a proxy" in caught.value.reply.body["error"]["message"]
        assert proxy.connections == 0


async def test_an_organizations_own_address_cannot_fill_the_memory() -> None:
    async def endless(seen: Seen) -> None:
        seen.writer.write(head("200 OK", "application/json", "transfer-encoding: chunked"))
        for _ in range(10_000):
            seen.writer.write(chunk(b"x" * 65_536))
            await seen.writer.drain()

    here = Guard(allow=networks(["127.0.0.0/8"]), allow_http=True)
    async with wire(endless) as upstream, guarded_provider(here) as made:
        with pytest.raises(ProviderError) as caught:
            await made.send(call(), BODY, guarded_target(f"http://127.0.0.1:{upstream.port}/v1"), {})
        assert "larger than" in caught.value.reply.body["error"]["message"]
        assert await upstream.requests[0].closed_within(1)


@pytest.mark.parametrize(("owner", "said"), [("", "the gateway's"), ("acme", "your organization's own")])
async def test_a_refused_key_is_said_to_be_whose_it_is(owner: str, said: str) -> None:
    async with wire(whole(b"{}", "401 No")) as upstream, provider() as made:
        with pytest.raises(ProviderError) as caught:
            await made.send(call(), BODY, owned(owner, "sk-x", upstream.port), {})
    assert f"refused {said} credential" in caught.value.reply.body["error"]["message"]
