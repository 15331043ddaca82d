"""The HTTP of one call made by LiteLLM, in our hands: what was sent, what came back, and the means to hang up.

LiteLLM maps every failure to exceptions of its own, repeats a POST whose connection broke, follows redirects with the
provider's key in a header, and leaves a closed stream's connection to the garbage collector. All of its asynchronous
clients, and those of the OpenAI SDK it uses for Azure, take their transport from one function; `install` replaces it.
Requests outside of a call of ours (an application of LiteLLM's in the same process) go the way they went before.

Imported together with LiteLLM, off the event loop: httpx and the certificates take their time too.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any, Final

import httpx

from cognitude_plugins.gateway.providers.provider import Timeouts

CURRENT: Final[ContextVar[Wire | None]] = ContextVar("cognitude_litellm_wire", default=None)

_ERROR_BYTES: Final = 65536


class Wire:
    """One call. ``error`` is the upstream's answer when it is not a 2xx, ``failure`` why there is none, or not all."""

    def __init__(self, engine: httpx.AsyncBaseTransport, timeouts: Timeouts, patience: float) -> None:
        self.sent = 0
        self.error: httpx.Response | None = None
        self.failure: httpx.TransportError | None = None
        self._engine = engine
        self._open: list[httpx.AsyncByteStream] = []
        longest = max(patience, timeouts.between_chunks)
        self._timeout = {"connect": timeouts.connect, "pool": timeouts.connect, "write": patience, "read": longest}

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Sends one request. In a call of LiteLLM's a POST is the model's; a GET fetches an image or a token."""
        self.sent += 1
        request.extensions["timeout"] = self._timeout
        try:
            response = await self._engine.handle_async_request(request)
        except httpx.TimeoutException as error:
            self.failure = error
            raise
        except httpx.TransportError as error:
            self.failure = error
            # Not the class it was: LiteLLM repeats a request after ConnectError and RemoteProtocolError.
            raise httpx.NetworkError(str(error), request=request) from error
        if request.method == "POST" and response.status_code >= 300:
            return await self._refused(request, response)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Watched(response.stream, self)
        self._open.append(response.stream)
        return response

    async def close(self) -> None:
        """Hangs up whatever is still open; closing again does nothing."""
        while self._open:
            with contextlib.suppress(httpx.HTTPError, RuntimeError):
                await self._open.pop().aclose()

    async def _refused(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        raw = bytearray()
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            async for chunk in response.stream:
                raw += chunk
                if len(raw) > _ERROR_BYTES:
                    break
        finally:
            await response.stream.aclose()
        status, headers = response.status_code, response.headers
        with contextlib.suppress(httpx.DecodingError):
            self.error = httpx.Response(status, headers=headers, content=bytes(raw))
        if self.error is None or status < 400:
            headers = httpx.Headers({"content-type": headers.get("content-type", "application/json")})
            self.error = self.error or httpx.Response(status, headers=headers)
        if status < 400:
            raise httpx.NetworkError(f"redirect {status}", request=request)
        return httpx.Response(status, headers=response.headers, stream=httpx.ByteStream(bytes(raw)), request=request)


class _Watched(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except httpx.TransportError as error:
            self._wire.failure = error
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


class Switch(httpx.AsyncBaseTransport):
    """The transport inside LiteLLM's clients: to the `Wire` of the call that is being made, else where it went before.

    Closing it leaves the wires alone: LiteLLM closes clients that it drops from its cache while calls are under way.
    """

    def __init__(self, make_other: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make_other = make_other
        self._other: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wire = CURRENT.get()
        if wire is not None:
            return await wire.carry(request)
        if self._other is None:
            self._other = self._make_other()
        return await self._other.handle_async_request(request)

    async def aclose(self) -> None:
        if self._other is not None:
            await self._other.aclose()


def install(handler: Any) -> None:
    """Makes LiteLLM's ``AsyncHTTPHandler`` build its clients over a `Switch`. Doing it again changes nothing.

    Raises ``AttributeError`` when this LiteLLM is not built as 1.106.2 is.
    """
    original = handler.create_async_transport
    if getattr(original, "cognitude", False):
        return

    def create_async_transport(
        ssl_context: Any = None, ssl_verify: bool | None = None, shared_session: Any = None
    ) -> httpx.AsyncBaseTransport:
        def other() -> httpx.AsyncBaseTransport:
            made: httpx.AsyncBaseTransport | None = original(ssl_context, ssl_verify, shared_session)
            return made or httpx.AsyncHTTPTransport(verify=ssl_context or ssl_verify is not False)

        return Switch(other)

    create_async_transport.cognitude = True  # type: ignore[attr-defined]
    handler.create_async_transport = handler._create_async_transport = staticmethod(create_async_transport)


def engine(verify: Any, proxy: str | None) -> httpx.AsyncHTTPTransport:
    """A connection pool for one provider instance and its event loop. It repeats nothing."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30)
    return httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits, retries=0)
