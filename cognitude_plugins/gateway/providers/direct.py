"""The way to an OpenAI-compatible upstream: bytes in, bytes out, no translation.

The client is aiohttp. httpx costs ten times as much a request; pyreqwest, a third cheaper, leaves the upstream running
when a call is cancelled before its head (docs/benchmarks.md has the figures and the command).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from cognitude_plugins.gateway.outbound.guard import Guard, was_refused
from hooks import Call, Reply

from .asgi import PATHS
from .provider import Broke, ProviderError, Target, Timeouts, patience
from .verdict import CARRIED, failure, judge, timed_out, unquoted

_CONNECTOR: Final[Mapping[str, Any]] = {"limit": 1000, "keepalive_timeout": 20.0, "ttl_dns_cache": 60}
_MOST_PREPARED: Final = 10_000
_MOST_GUARDED_BYTES: Final = 64 * 1024 * 1024
"""Of a whole answer from an address that an organization has named; the operator's own providers are trusted."""

_NOT_PERMITTED: Final = "your organization's own base_url leads to an address that the gateway does not connect to"
_READ_AHEAD: Final = 64 * 1024
"""Bytes of an answer that are read from the provider before the client has taken what came before: of a reader who is
slow, several times as much is held. aiohttp's own default is four times as large."""

_AT_ONCE: Final = 1024 * 1024
"""Bytes of a request body that aiohttp writes in one go without a warning; a larger one goes in pieces."""


class DirectProvider:
    """Pooled connections with keep-alive to every upstream. ``proxy`` is the URL of an HTTP proxy, or None.

    The environment's proxies, cookies and redirects are ignored: a key goes to the configured host and nowhere else.
    Targets that are ``guarded`` have connections of their own, which ``guard`` watches over; their names are looked up
    with ``resolver``, by default the system's.
    """

    def __init__(
        self, proxy: str | None = None, guard: Guard | None = None, *, resolver: AbstractResolver | None = None
    ) -> None:
        self._proxy = proxy
        self._guard = guard or Guard()
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._guarded: aiohttp.ClientSession | None = None
        self._calls: dict[tuple[str, str, str, bool], _Prepared] = {}

    async def start(self) -> None:
        self._session = _session(aiohttp.TCPConnector(**_CONNECTOR))
        self._guarded = _session(self._guard.connector(self._resolver, **_CONNECTOR))

    async def stop(self) -> None:
        for session in (self._session, self._guarded):
            if session is not None:
                await session.close()
        self._session = self._guarded = None

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        session = self._guarded if target.guarded else self._session
        assert session is not None, "DirectProvider.send before start"
        prepared = self._prepared(call, target)
        try:
            response = await session.post(
                prepared.url,
                data=body if len(body) <= _AT_ONCE else BytesIO(body),
                headers={**prepared.headers, **headers},
                timeout=prepared.timeout,
                allow_redirects=False,
                proxy=self._proxy,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if target.guarded and was_refused(error):
                raise failure("refused", _NOT_PERMITTED) from error
            raise before_the_head(error, call, target.timeouts) from error
        try:
            return await _answer(response, target)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            response.close()
            raise in_the_body(error, call, target.timeouts) from error
        except BaseException:
            response.close()
            raise

    def _prepared(self, call: Call, target: Target) -> _Prepared:
        """What does not change from call to call, made once for each target and endpoint.

        The place alone would not do: what is found there may be of another configuration, or of another key.
        """
        place = (target.deployment.id, target.owner, call.api, call.stream)
        found = self._calls.get(place)
        if found is not None and found.target is target:
            return found
        if target.guarded:
            self._check(target)
        made = _Prepared(target, _url(call, target), _fixed_headers(target), _timeout(call, target.timeouts))
        if place not in self._calls and len(self._calls) >= _MOST_PREPARED:
            del self._calls[next(iter(self._calls))]
        self._calls[place] = made
        return made

    def _check(self, target: Target) -> None:
        """The address was checked when it was stored, but perhaps under other rules."""
        if self._proxy is not None:
            raise failure("refused", "an organization's own base_url cannot be used: calls go through a proxy")
        try:
            self._guard.url(target.base_url or "")
        except ValueError as error:
            raise failure("refused", f"your organization's own base_url {error}") from None


@dataclass(frozen=True, slots=True)
class _Prepared:
    target: Target
    url: URL = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    timeout: aiohttp.ClientTimeout


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        read_bufsize=_READ_AHEAD,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
    )


def _url(call: Call, target: Target) -> URL:
    base = target.base_url or ""
    query = target.options.get("query")
    url = URL(base + PATHS[call.api])
    return url.with_query(dict(query)) if isinstance(query, Mapping) else url


def _fixed_headers(target: Target) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "cognitude"}
    if target.api_key is not None:
        headers["authorization"] = f"Bearer {target.api_key}"
    return {**headers, **{name.lower(): value for name, value in target.headers.items()}}


def _timeout(call: Call, timeouts: Timeouts) -> aiohttp.ClientTimeout:
    silence = patience(call, timeouts)
    return aiohttp.ClientTimeout(total=timeouts.total, connect=None, sock_connect=timeouts.connect, sock_read=silence)


async def _answer(response: aiohttp.ClientResponse, target: Target) -> Reply:
    kind = response.headers.get("content-type", "").lower()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise failure("malformed", "the provider compressed its answer without being asked to")
    if response.status == 200 and kind.startswith("text/event-stream"):
        return await _streamed(response, target.timeouts)
    raw = await (_bounded(response) if target.guarded else response.read())
    headers = {name: value for name in CARRIED if (value := response.headers.get(name)) is not None}
    if kind:
        headers["content-type"] = kind
    if response.status >= 400:
        raw = unquoted(raw, target.secrets())
    return judge(response.status, headers, raw, own=bool(target.owner))


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > _MOST_GUARDED_BYTES:
            raise failure("malformed", f"the provider's answer is larger than {_MOST_GUARDED_BYTES} bytes")
    return b"".join(parts)


async def _streamed(response: aiohttp.ClientResponse, timeouts: Timeouts) -> Reply:
    first = await response.content.read(_READ_AHEAD)
    if not first:
        raise failure("malformed", "the provider sent an event stream without an event")
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        connection.protocol.read_timeout = timeouts.between_chunks
        connection.protocol.start_timeout()
    return Reply(status=200, chunks=_Chunks(response, first))


class _Chunks:
    """Whatever has arrived, as soon as it has. Closing it before the end closes the connection at once.

    Not a generator: one that was never begun does not run its ``finally``, and a client may be gone by then.
    """

    __slots__ = ("_first", "_read", "_response")

    def __init__(self, response: aiohttp.ClientResponse, first: bytes) -> None:
        self._response = response
        self._first = first
        self._read = partial(response.content.read, _READ_AHEAD)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if chunk := self._first:
            self._first = b""
            return chunk
        try:
            chunk = await self._read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._response.close()
            raise Broke(_reason(error)) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._first = b""
        self._response.close()


def _reason(error: Exception) -> str:
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return "connect"
    return "timeout" if isinstance(error, TimeoutError) else "reset"


def before_the_head(error: Exception, call: Call, timeouts: Timeouts) -> ProviderError:
    """What went wrong before anything came back. The message names no address: it goes to the client."""
    reason = _reason(error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return failure("connect", f"the provider could not be reached within {timeouts.connect:g} s", status=504)
    if reason == "connect":
        return failure("connect", "the provider could not be reached")
    if reason == "timeout":
        return timed_out("answer", patience(call, timeouts))
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, OSError)):
        return failure("reset", "the provider closed the connection before it answered")
    return failure("malformed", "the provider's answer is not HTTP")


def in_the_body(error: Exception, call: Call, timeouts: Timeouts) -> ProviderError:
    """A whole answer, or the first event of a stream, that did not come to its end."""
    if isinstance(error, TimeoutError):
        return timed_out("whole answer", patience(call, timeouts))
    return failure("reset", "the provider broke off in the middle of its answer")
