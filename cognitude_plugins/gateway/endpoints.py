"""The model endpoints: from the bytes of a request to a `Call`, and from there into the pipeline."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from hooks import Api, Call, Caller, Headers, Reply

from .connection import connection_of
from .exchange import Exchange, Receive
from .lifeline import Lifeline
from .plain import send_plain
from .request_body import HungUp, Refused, parse_object, read_body
from .respond import Send
from .runtime import Runtime
from .trace import Trace
from .traceparent import continued
from .validate import check_call

Scope = MutableMapping[str, Any]

APIS: Final[dict[str, Api]] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
}

BUSY: Final = Reply.error(
    503,
    "The gateway is serving as many calls as it may; try again shortly.",
    type="server_error",
    code="overloaded",
    headers={"retry-after": "1"},
)
TOO_MANY_HEADERS: Final = "The request headers are larger than {limit} bytes."


async def serve_api(runtime: Runtime, api: Api, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one model call to its end. Whatever is wrong with it is answered in the error envelope."""
    request_id = runtime.new_id()
    caller = admitted(runtime, scope)
    if isinstance(caller, Reply):
        await send_plain(send, caller, request_id)
        return
    await serve_as(runtime, api, caller, scope, receive, send, request_id)


def admitted(runtime: Runtime, scope: Scope) -> Caller | Reply:
    """The caller of a model call, or the 400, 401, 431 or 503: all that is known before the body is read."""
    return too_much(runtime, scope) or known(runtime, scope)


def known(runtime: Runtime, scope: Scope) -> Caller | Reply:
    """The caller, or the 400 or 401 to answer with."""
    return runtime.keyring.admit(scope["headers"], client_address(scope))


def too_much(runtime: Runtime, scope: Scope) -> Reply | None:
    """The 431 or 503 to answer with when the headers are too large or too many calls are under way."""
    if connection_of(scope) is None and _size(scope) > runtime.limits.header_bytes:
        text = TOO_MANY_HEADERS.format(limit=runtime.limits.header_bytes)
        return Reply.error(431, text, code="headers_too_large")
    return BUSY if len(runtime.under_way) >= runtime.limits.in_flight else None


def _size(scope: Scope) -> int:
    """Of all headers. Not asked where the server lends its connection: that one is ours and has measured them."""
    return sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def client_address(scope: Scope) -> str:
    """The peer's IP address; empty on a socket that has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def serve_as(
    runtime: Runtime,
    api: Api,
    caller: Caller,
    scope: Scope,
    receive: Receive,
    send: Send,
    request_id: str,
) -> None:
    """Serve a call for a caller who is let in."""
    trace = Trace()
    connection = connection_of(scope)
    lifeline = Lifeline(None if connection is None else connection.abort)
    runtime.under_way.add(lifeline)
    try:
        call = await _read_call(runtime, api, caller, scope, receive, request_id, lifeline)
        if _wants_timing(runtime, call):
            trace.timings = {}
        exchange = Exchange(
            call=call,
            trace=trace,
            pipeline=runtime.pipeline,
            prices=runtime.prices,
            background=runtime.background,
            lifeline=lifeline,
            connection=connection,
            receive=receive,
            send=send,
            forward={"traceparent": continued(_header(scope, b"traceparent"))},
            write_timeout=runtime.timeouts.client_write,
        )
        await exchange.run()
    except Refused as refusal:
        await send_plain(send, refusal.reply, request_id)
    except HungUp:
        pass
    finally:
        runtime.under_way.discard(lifeline)


async def _read_call(
    runtime: Runtime,
    api: Api,
    caller: Caller,
    scope: Scope,
    receive: Receive,
    request_id: str,
    lifeline: Lifeline,
) -> Call:
    headers = scope["headers"]
    raw = await read_body(receive, headers, runtime.body_limits, lifeline)
    payload = parse_object(raw, runtime.limits.json_depth)
    check_call(api, payload.peek(), runtime.call_limits)
    return Call(
        id=request_id,
        api=api,
        caller=caller,
        payload=payload,
        headers=Headers(headers),
        dry_run=_header(scope, b"x-cognitude-dry-run") in (b"true", b"1"),
    )


def _wants_timing(runtime: Runtime, call: Call) -> bool:
    if runtime.server_timing or runtime.server_timing_header is None:
        return runtime.server_timing
    return call.headers.get(runtime.server_timing_header, "").lower() not in ("", "0", "false")


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None
