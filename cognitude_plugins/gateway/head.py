"""The head of an answer: status and headers, as ASGI wants them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from hooks import Call, Reply

from .trace import Trace

Header = tuple[bytes, bytes]


class Head(list[Header]):
    """Names in lower case and values without anything that could end a line: a server need not look at them again.

    ``length`` is the body's, None for a stream.
    """

    __slots__ = ("length",)

    def __init__(self, headers: Iterable[Header] = ()) -> None:
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
    if len(trace.tried) > 1:
        headers.append((b"x-cognitude-tried", printable(trace.attempts_text())[:_REASONS_LIMIT]))
    if cost_nano_usd is not None:
        headers.append((b"x-cognitude-cost-usd", _dollars(cost_nano_usd)))
    headers.append((b"x-cognitude-overhead-ms", b"%.3f" % ((trace.seconds() - trace.provider_seconds) * 1000)))
    if trace.timings is not None:
        headers.append((b"server-timing", trace.server_timing().encode("ascii")))
    usual: tuple[Header, ...] = _STREAM if reply.streamed else _WHOLE
    if reply.headers:
        names, all_sent, usual = _named(tuple(reply.headers), usual)
        given = zip(names, _values(reply.headers.values(), len(names)), strict=True)
        headers += given if all_sent else [header for header in given if header[0]]
    headers += usual
    return headers


@lru_cache(maxsize=1024)
def printable(text: str) -> bytes:
    """Text as a header value: anything but printable ASCII becomes a question mark, so nothing can end the line."""
    return bytes(code if 32 <= code < 127 else 63 for code in text.encode("ascii", "replace"))


def _values(values: Iterable[str], count: int) -> list[bytes]:
    """Most are plain, and few come twice: all are looked at and encoded together, and none is looked up."""
    together = "|".join(values)
    if together.isascii() and together.isprintable():
        apart = together.encode().split(b"|")
        if len(apart) == count:
            return apart
    return [printable(value) for value in values]


@lru_cache(maxsize=1024)
def _named(names: tuple[str, ...], usual: tuple[Header, ...]) -> tuple[tuple[bytes, ...], bool, tuple[Header, ...]]:
    """As bytes; whether none of them is empty; and what of the usual headers is not among them."""
    known = tuple(map(_name, names))
    return known, all(known), tuple(header for header in usual if header[0] not in known)


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
