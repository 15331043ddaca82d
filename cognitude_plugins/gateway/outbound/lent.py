"""What plugins are lent to reach addresses that others have named: requests and sockets that the guard watches over."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hooks import Answer, Unreachable
from hooks.outbound import ANSWER_BYTES

from .guard import Guard, was_refused

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver

_AT_ONCE: Final = 100
"""Connections; more wait."""


class GuardedOutbound:
    """A `hooks.Outbound`. It opens nothing before it is used; `close` when it is used no more.

    Cookies, the environment's proxies and ``gateway.proxy`` are ignored. ``resolver`` is for names; without it the
    system's. ``trust`` are certificates to be trusted instead of the system's.
    """

    def __init__(
        self, guard: Guard, *, resolver: AbstractResolver | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._guard = guard
        self._resolver = resolver
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    def url(self, url: str) -> str:
        return self._guard.whole_url(url)

    async def post(self, url: str, content: bytes, *, headers: Mapping[str, str], timeout: float = 10.0) -> Answer:
        import aiohttp
        from yarl import URL

        checked = self.url(url)
        host = urlsplit(checked).hostname or ""
        try:
            async with (
                asyncio.timeout(timeout),
                self._opened().post(
                    URL(checked, encoded=True),
                    data=content,
                    headers=headers,
                    allow_redirects=False,
                    ssl=True if self._trust is None else self._trust,
                ) as response,
            ):
                return Answer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _beginning(response),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unreachable(error, host, timeout) from None

    async def connect(self, host: str, port: int, *, timeout: float = 10.0) -> socket.socket:
        try:
            host = self._guard.host(host)
        except ValueError as error:
            raise Unreachable("forbidden", f"the host {error}") from None
        try:
            async with asyncio.timeout(timeout):
                return await self._connected(await self._addresses(host, port), host)
        except (TimeoutError, OSError) as error:
            raise _unreachable(error, host, timeout) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._guard.connector(self._names(), limit=_AT_ONCE, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
            )
        return self._session

    def _names(self) -> AbstractResolver:
        from .names import Names

        if self._resolver is None:
            self._resolver = Names()
        return self._resolver

    async def _addresses(self, host: str, port: int) -> list[tuple[int, Any]]:
        """Family and address, as a socket takes them."""
        found = await self._names().resolve(host, port, socket.AF_UNSPEC)
        return [(one["family"], (one["host"], one["port"])) for one in found]

    async def _connected(self, addresses: list[tuple[int, Any]], host: str) -> socket.socket:
        permitted = [(family, at) for family, at in addresses if self._guard.permits(str(at[0]))]
        if not permitted:
            raise Unreachable("forbidden", f"{host} leads to an address that the gateway does not connect to")
        loop = asyncio.get_running_loop()
        failed: OSError | None = None
        for family, address in permitted:
            opened = socket.socket(family, socket.SOCK_STREAM)
            opened.setblocking(False)
            try:
                await loop.sock_connect(opened, address)
            except OSError as error:
                opened.close()
                failed = error
            except BaseException:
                opened.close()
                raise
            else:
                return opened
        assert failed is not None
        raise failed


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    parts, room = [], ANSWER_BYTES
    while room > 0 and (part := await response.content.read(room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)


def _unreachable(error: Exception, host: str, timeout: float) -> Unreachable:
    """Names the host and nothing else of the URL, nor what a library says of it."""
    import aiohttp

    if was_refused(error):
        return Unreachable("forbidden", f"{host} leads to an address that the gateway does not connect to")
    if isinstance(error, TimeoutError):
        return Unreachable("timeout", f"{host} did not answer within {timeout:g} s")
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return Unreachable("tls", f"{host} has no certificate that is valid for it, or cannot be spoken to with TLS")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable("connection", f"{host} cannot be reached")
    return Unreachable("connection", f"{host} closed the connection before it had answered, or answered no HTTP")
