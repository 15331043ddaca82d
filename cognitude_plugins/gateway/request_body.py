"""Reading a request body: bounded in size, time, compression and nesting, refused as early as that is known."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from hooks import Payload, Reply, endpoint

from .codec import CODEC
from .lifeline import Lifeline

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Raw = list[tuple[bytes, bytes]]

_WINDOWS: Final = {b"gzip": 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


_DIGITS: Final = 18
STOPPED: Final = Reply.error(
    503,
    "The gateway is shutting down.",
    type="server_error",
    code="shutting_down",
    headers={"retry-after": "1", "connection": "close"},
)


class Refused(endpoint.Refused):
    """The request cannot be served; ``payload`` is its body as far as that could be read."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.payload: Payload | None = None


class HungUp(Exception):
    """The client left before its request was complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """``size`` in bytes, after decompression; ``depth`` in levels of nesting; ``seconds`` for all of it to arrive."""

    size: int = 10 * 1024 * 1024
    depth: int = 64
    seconds: float = 30.0


async def read_body(receive: Receive, headers: Raw, limits: BodyLimits, lifeline: Lifeline) -> bytes:
    """The body, decompressed. Raises `Refused` with 400, 408, 413 or 415, or `HungUp`."""
    kind = encoding = b""
    for name, value in headers:
        if name == b"content-length":
            if value.isdigit() and (len(value) > _DIGITS or int(value) > limits.size):
                raise Refused(too_large(limits.size))
        elif name == b"content-type":
            kind = value
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    if kind and not _is_json(kind):
        raise Refused(_wrong_type("Content-Type", kind, "application/json"))
    if encoding not in (b"", b"identity") and encoding not in _WINDOWS:
        raise Refused(_wrong_type("Content-Encoding", encoding, "gzip, deflate or identity"))
    raw = await _timed(receive, limits, lifeline)
    return _inflated(raw, _WINDOWS[encoding], limits.size) if encoding in _WINDOWS else raw


def _is_json(kind: bytes) -> bool:
    media = kind.split(b";", 1)[0].strip().lower()
    return media == b"application/json" or media.endswith(b"+json")


async def _timed(receive: Receive, limits: BodyLimits, lifeline: Lifeline) -> bytes:
    lifeline.expect(limits.seconds, lifeline.time_out)
    body = b""
    try:
        with lifeline:
            body = await _received(receive, limits.size)
    finally:
        lifeline.relax()
    if lifeline.gone == "request_timeout":
        text = f"The request body did not arrive within {limits.seconds:g} s."
        raise Refused(Reply.error(408, text, code="request_timeout"))
    if lifeline.foreign:
        raise asyncio.CancelledError
    if lifeline.gone is not None:
        raise Refused(STOPPED)
    return body


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Refused(too_large(limit))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflated(raw: bytes, window: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window)
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Refused(Reply.error(400, f"The compressed body cannot be read: {error}.", code="invalid_body")) from None
    if len(body) > limit:
        raise Refused(too_large(limit))
    if not inflater.eof:
        raise Refused(Reply.error(400, "The compressed body is truncated.", code="invalid_body"))
    if inflater.unused_data:
        raise Refused(Reply.error(400, "There is more behind the compressed body.", code="invalid_body"))
    return body


def parse_object(raw: bytes, depth: int) -> Payload:
    """The body as a JSON object. Raises `Refused` with 400 for what is not JSON, not an object, or nested too deep."""
    payload = Payload(raw=raw, codec=CODEC)
    try:
        value = payload.peek()
    except ValueError as error:
        raise Refused(Reply.error(400, f"The body is not valid JSON: {error}.", code="invalid_json")) from None
    if type(value) is not dict:
        raise Refused(Reply.error(400, "The body is not a JSON object.", code="invalid_json"))
    # Brackets inside strings only make this estimate too high, so counting them first spares the walk almost always.
    if raw.count(b"{") + raw.count(b"[") > depth and _deeper(value, depth):
        text = f"The body is nested deeper than {depth} levels."
        raise Refused(Reply.error(400, text, code="invalid_json"))
    return payload


def _deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def too_large(limit: int) -> Reply:
    return Reply.error(413, f"The request body is larger than {limit} bytes.", code="request_too_large")


def _wrong_type(header: str, value: bytes, allowed: str) -> Reply:
    shown = value[:80].decode("latin-1")
    return Reply.error(415, f"{header} {shown!r} is not supported; use {allowed}.", code="unsupported_media_type")
