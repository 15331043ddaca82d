"""The HTTP clients that were compared, each as far as a gateway needs it: a POST whose answer is whole or streamed.

All are set up alike: pooled connections with keep-alive, no environment proxies, no cookies, no redirects, no
decompression, a timeout for connecting and one for silence. aiohttp's settings are those of
``cognitude_plugins/gateway/providers/direct.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Final, Protocol

from yarl import URL

HEADERS: Final = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": "cognitude",
    "authorization": "Bearer upstream-key-0123456789abcdef",
}
Answer = tuple[int, str, "bytes | AsyncIterator[bytes]"]

_EVENTS: Final = "text/event-stream"
_CONNECT, _SILENCE, _TOTAL = 5.0, 60.0, 600.0


class Client(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def post(self, url: str, body: bytes) -> Answer: ...


class Aiohttp:
    async def start(self) -> None:
        import aiohttp

        self._session = _aiohttp_session()
        self._timeout = aiohttp.ClientTimeout(total=_TOTAL, connect=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        self._urls: dict[str, URL] = {}

    async def stop(self) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes) -> Answer:
        target = self._urls.get(url) or self._urls.setdefault(url, URL(url))
        response = await self._session.post(
            target, data=body, headers=HEADERS, timeout=self._timeout, allow_redirects=False
        )
        kind = response.headers.get("content-type", "")
        if kind.startswith(_EVENTS):
            return response.status, kind, response.content.iter_any()
        return response.status, kind, await response.read()


def _aiohttp_session() -> Any:
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1000, keepalive_timeout=20.0, ttl_dns_cache=60),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
    )


class Httpx:
    """httpx on its own engine, or on ``transport`` if that is not None."""

    def __init__(self, transport: Callable[[], Any] | None = None) -> None:
        self._transport = transport

    async def start(self) -> None:
        import httpx

        self._client = httpx.AsyncClient(
            transport=self._transport() if self._transport else None,
            limits=httpx.Limits(max_connections=1000, max_keepalive_connections=1000),
            timeout=httpx.Timeout(_SILENCE, connect=_CONNECT),
            trust_env=False,
            follow_redirects=False,
        )

    async def stop(self) -> None:
        await self._client.aclose()

    async def post(self, url: str, body: bytes) -> Answer:
        request = self._client.build_request("POST", url, content=body, headers=HEADERS)
        response = await self._client.send(request, stream=True)
        kind = response.headers.get("content-type", "")
        if kind.startswith(_EVENTS):
            return response.status_code, kind, _closing(response)
        raw = await response.aread()
        await response.aclose()
        return response.status_code, kind, raw


async def _closing(response: Any) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:
        await response.aclose()


def httpx_over_aiohttp() -> Httpx:
    def transport() -> Any:
        from httpx_aiohttp import AiohttpTransport  # type: ignore[import-not-found,unused-ignore]

        return AiohttpTransport(client=_aiohttp_session)

    return Httpx(transport)


class Pyreqwest:
    """``streamed_read_buffer_limit(0)`` hands each chunk on as it comes; by default 64 KiB are gathered first."""

    async def start(self) -> None:
        from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found,unused-ignore]

        self._headers = list(HEADERS.items())
        self._client = (
            ClientBuilder()
            .connect_timeout(timedelta(seconds=_CONNECT))
            .read_timeout(timedelta(seconds=_SILENCE))
            .timeout(timedelta(seconds=_TOTAL))
            .pool_max_idle_per_host(1000)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .follow_redirects(False)
            .no_proxy()
            .referer(False)
            .build()
        )

    async def stop(self) -> None:
        await self._client.close()

    async def post(self, url: str, body: bytes) -> Answer:
        request = self._client.post(url).headers(self._headers).body_bytes(body)
        if b'"stream":true' not in body:
            whole = await request.build().send()
            return whole.status, whole.get_header("content-type") or "", (await whole.bytes()).to_bytes()
        opened = request.streamed_read_buffer_limit(0).build_streamed()
        response = await opened.__aenter__()
        return response.status, response.get_header("content-type") or "", _read_out(opened, response.body_reader)


async def _read_out(opened: Any, reader: Any) -> AsyncIterator[bytes]:
    try:
        while (chunk := await reader.read_chunk()) is not None:
            yield bytes(chunk)
    finally:
        await opened.__aexit__(None, None, None)


CLIENTS: Final[dict[str, Callable[[], Client]]] = {
    "aiohttp": Aiohttp,
    "httpx": Httpx,
    "httpx-aiohttp": httpx_over_aiohttp,
    "pyreqwest": Pyreqwest,
}
PACKAGES: Final = {"httpx-aiohttp": "httpx_aiohttp", "pyreqwest": "pyreqwest"}
"""The module a client of the ``peers`` extra comes in."""
