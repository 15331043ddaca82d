"""The model endpoints: from the bytes of a request to a `Call`, and from there into the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, Final

from hooks import Api, Call, Caller, Headers, Payload, Reply

from .access import may_call
from .auth import UNKNOWN_KEY
from .connection import connection_of
from .deadline import NAME as DEADLINE
from .deadline import seconds_of
from .exchange import HUNG_UP, Exchange, Receive
from .ids import REQUEST_ID
from .ledger.tags import parse_tags
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

Prepare = Callable[[Mapping[str, Any]], Mapping[str, Any] | Reply]
"""Of a plugin's endpoint: the body that the pipeline is to have, or what refuses it."""

BUSY: Final = Reply.error(
    503,
    "The gateway is serving as many calls as it may; try again shortly.",
    type="server_error",
    code="overloaded",
    headers={"retry-after": "1"},
)
NOTHING: Final = Payload(value={})
LEDGER_FULL: Final = Reply.error(
    503,
    "The ledger's journal is full and calls that cannot be accounted for are not served; try again later.",
    type="server_error",
    code="ledger_full",
    headers={"retry-after": "5"},
)
_DEADLINE: Final = DEADLINE.encode()
TOO_MANY_HEADERS: Final = "The request headers are larger than {limit} bytes."


async def serve_api(
    runtime: Runtime, api: Api, scope: Scope, receive: Receive, send: Send, prepare: Prepare | None = None
) -> None:
    """Serve one model call to its end. Whatever is wrong with it is answered in the error envelope."""
    request_id = scope[REQUEST_ID] = runtime.new_id()
    caller = await admitted(runtime, scope)
    if isinstance(caller, Reply):
        await send_plain(send, caller, request_id)
        return
    await serve_as(runtime, api, caller, scope, receive, send, request_id, prepare)


async def admitted(runtime: Runtime, scope: Scope) -> Caller | Reply:
    """The caller of a model call, or the 400, 401, 403, 431 or 503: all that is known before the body is read."""
    refused = too_much(runtime, scope)
    if refused is not None:
        return refused
    caller = await known(runtime, scope)
    return caller if isinstance(caller, Reply) else may_call(caller) or caller


async def known(runtime: Runtime, scope: Scope) -> Caller | Reply:
    """The caller, or the 400 or 401 to answer with."""
    keyring, address = runtime.keyring, client_address(scope)
    caller = keyring.admit(scope["headers"], address)
    if caller is UNKNOWN_KEY and await keyring.catch_up():
        return keyring.admit(scope["headers"], address)
    return caller


def too_much(runtime: Runtime, scope: Scope) -> Reply | None:
    """The 431 or 503 to answer with when the headers are too large, too many calls are under way, or the book full."""
    if connection_of(scope) is None and _size(scope) > runtime.limits.header_bytes:
        text = TOO_MANY_HEADERS.format(limit=runtime.limits.header_bytes)
        return Reply.error(431, text, code="headers_too_large")
    if len(runtime.under_way) >= runtime.limits.in_flight:
        return BUSY
    return LEDGER_FULL if runtime.books is not None and runtime.books.journal.full else None


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
    prepare: Prepare | None = None,
) -> None:
    """Serve a call for a caller who is let in."""
    trace = Trace()
    connection = connection_of(scope)
    lifeline = Lifeline(None if connection is None else connection.abort, runtime.linger)
    runtime.under_way.add(lifeline)
    try:
        call = await _read_call(runtime, api, caller, scope, receive, request_id, lifeline, trace, prepare)
        if _wants_timing(runtime, call):
            trace.timings = {}
        exchange = Exchange(
            call=call,
            trace=trace,
            pipeline=runtime.pipeline,
            account=runtime.account(call.model, trace, call.tags),
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
        reply = replace(refusal.reply, source="error")
        await runtime.note(_refused(api, caller, scope, request_id, refusal.payload), reply, trace, None)
        await send_plain(send, refusal.reply, request_id)
    except HungUp:
        await runtime.note(_refused(api, caller, scope, request_id, None), HUNG_UP, trace, "client_disconnect")
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
    trace: Trace,
    prepare: Prepare | None,
) -> Call:
    """The call; ``trace`` is told its deadline."""
    headers = scope["headers"]
    raw = await read_body(receive, headers, runtime.body_limits, lifeline)
    payload = parse_object(raw, runtime.limits.json_depth)
    try:
        if prepare is not None:
            payload = _prepared(payload, prepare)
        body = payload.peek()
        check_call(api, body, runtime.call_limits)
        tags = _tags(_header(scope, runtime.tags_header))
        trace.deadline = _deadline(_header(scope, _DEADLINE))
    except Refused as refusal:
        refusal.payload = payload
        raise
    return Call(
        id=request_id,
        api=api,
        caller=_for_user(caller, body),
        payload=payload,
        headers=Headers(headers),
        tags=tags,
        dry_run=_is_dry_run(scope),
    )


def _prepared(payload: Payload, prepare: Prepare) -> Payload:
    """The body that a plugin's endpoint makes of the client's. Raises `Refused` with what it says against it."""
    made = prepare(dict(payload.peek()))
    if isinstance(made, Reply):
        raise Refused(made)
    return payload.replace(dict(made))


def _for_user(caller: Caller, body: Mapping[str, Any]) -> Caller:
    """The user whom the key is for; of a key for nobody in particular the one whom the request names."""
    user = body.get("user")
    return replace(caller, user=user) if caller.user is None and isinstance(user, str) and user else caller


def _tags(text: bytes | None) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        return parse_tags(text.decode("latin-1"))
    except ValueError as error:
        raise Refused(Reply.error(400, f"The tags header is wrong: {error}.", code="invalid_tags")) from None


def _deadline(text: bytes | None) -> float | None:
    if text is None:
        return None
    try:
        return seconds_of(text)
    except ValueError as error:
        refusal = Reply.error(400, f"The header {error}.", code="invalid_header", param=DEADLINE)
        raise Refused(refusal) from None


def _refused(api: Api, caller: Caller, scope: Scope, request_id: str, payload: Payload | None) -> Call:
    """What there is of a call whose body could not be read, or is nothing to be served."""
    payload = payload or NOTHING
    caller = _for_user(caller, payload.peek())
    return Call(id=request_id, api=api, caller=caller, payload=payload, dry_run=_is_dry_run(scope))


def _is_dry_run(scope: Scope) -> bool:
    return _header(scope, b"x-cognitude-dry-run") in (b"true", b"1")


def _wants_timing(runtime: Runtime, call: Call) -> bool:
    if runtime.server_timing or runtime.server_timing_header is None:
        return runtime.server_timing
    return call.headers.get(runtime.server_timing_header, "").lower() not in ("", "0", "false")


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None
