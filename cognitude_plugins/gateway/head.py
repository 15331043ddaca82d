"""The head of an answer: status and headers, as ASGI wants them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from hooks import Call, Reply

from .trace import Trace


class Head(list[tuple[bytes, bytes]]):
    """Names in lower case and values without anything that could end a line: a server need not look at them again.

    ``length`` is the body's, None for a stream.
    """

    __slots__ = ("length",)

    def __init__(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(headers)
        self.length: int | None = None

    def close_at(self, length: int) -> None:
        """Say how long the body is."""
        self.length = length
        self.append((b"content-length", b"%d" % length))


_WHOLE: Final = ((b"content-type", b"application/json"),)
_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
_REASONS_LIMIT: Final = 1024


def answer_head(call: Call, reply: Reply, trace: Trace, cost_nano_usd: int | None) -> Head:
    """Headers of an answer to a call, without its length. ``x-cognitude-cost-usd`` only where it is known."""
    headers = Head(
        (
            (b"x-request-id", call.id.encode()),
            (b"x-cognitude-source", printable(reply.source)),
            (b"x-cognitude-attempts", b"%d" % reply.attempts),
        )
    )
    if reply.deployment is not None:
        headers.append((b"x-cognitude-model", printable(reply.deployment.id)))
    if trace.reasons:
        headers.append((b"x-cognitude-route", printable("; ".join(trace.reasons))[:_REASONS_LIMIT]))
    if cost_nano_usd is not None:
        headers.append((b"x-cognitude-cost-usd", _dollars(cost_nano_usd)))
    headers.append((b"x-cognitude-overhead-ms", b"%.3f" % ((trace.seconds() - trace.provider_seconds) * 1000)))
    if trace.timings is not None:
        headers.append((b"server-timing", trace.server_timing().encode("ascii")))
    if reply.headers:
        headers.extend(_given(reply.headers.items()))
    known = {name for name, _ in headers} if reply.headers else ()
    headers += [header for header in (_STREAM if reply.streamed else _WHOLE) if header[0] not in known]
    return headers


@lru_cache(maxsize=1024)
def printable(text: str) -> bytes:
    """Text as a header value: anything but printable ASCII becomes a question mark, so nothing can end the line."""
    return bytes(code if 32 <= code < 127 else 63 for code in text.encode("ascii", "replace"))


def _given(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        key = _name(name)
        if key:
            # Most are plain, and few come twice: to look them up would cost more than to encode them.
            yield key, value.encode() if value.isascii() and value.isprintable() else printable(value)


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    """Empty for one that is the server's own, or none at all."""
    key = name.lower()
    plain = key.isascii() and all(char.isalnum() or char in "-_." for char in key)
    return key.encode() if plain and key not in _OURS else b""


_OURS: Final = frozenset(
    {"content-length", "transfer-encoding", "connection", "x-request-id", "keep-alive", "upgrade", "trailer", "te"}
)


def _dollars(nano: int) -> bytes:
    return b"%d.%09d" % divmod(nano, 1_000_000_000)
