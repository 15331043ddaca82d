"""One HTTP exchange with an ASGI app in this process: its task, its receive and send, its answer, its end.

The app runs in one task of its own. Its ``send`` of a stream's chunk returns when the chunk was taken, so a slow client
slows the app. Everything is done with bare futures: this is on the path of every request of the middleware.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from cognitude_plugins.gateway.providers.provider import Broke, ProviderError, Timeouts
from cognitude_plugins.gateway.providers.verdict import failure, timed_out

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Headers: TypeAlias = list[tuple[bytes, bytes]]
AsgiApp: TypeAlias = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

_LOG: Final = logging.getLogger(__name__)
_PLAIN: Final = (b"", b"identity")


class Exchange:
    """`first` starts the app and returns when the answer is whole or its first chunk is there; then it is the chunks.

    ``status`` and ``headers`` are known then, ``body`` too if not ``streamed``. Closing it hangs up; so does cancelling
    whoever waits for it.
    """

    GRACE_SECONDS = 0.5
    """How long an app that was told ``http.disconnect`` may go on before it is cancelled."""

    def __init__(self, request: bytes, timeouts: Timeouts, exchanges: set[Exchange]) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.streamed = False
        self.task: asyncio.Task[None]
        self._loop = asyncio.get_running_loop()
        self._request = request
        self._timeouts = timeouts
        self._open = exchanges
        self._read = self._done = self._gone = False
        self._failure: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._listeners: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._due = self._patience = 0.0

    async def first(self, app: AsgiApp, scope: Scope, seconds: float) -> None:
        """Raises `ProviderError` when the app crashes, ends or is silent for ``seconds`` before its answer."""
        self._patience = seconds
        self._open.add(self)
        self.task = self._loop.create_task(app(scope, self._receive, self._send))
        self.task.add_done_callback(self._ended)
        self._expect(seconds)
        await self._wait()
        if not self._failure and self.streamed and not self.body:
            self._failure = "empty"
        if self._failure:
            self.hang_up()
            raise self._before_the_answer(self._failure)
        self._deadline = 0.0
        if not self.streamed:
            self._stop_timer()

    def __aiter__(self) -> Exchange:
        return self

    async def __anext__(self) -> bytes:
        if not (self.body or self._done or self._gone or self._failure):
            self._expect(self._timeouts.between_chunks)
            await self._wait()
            self._deadline = 0.0
        chunk, self.body = self.body, b""
        if chunk:
            _wake(self._taken)
            return chunk
        self.hang_up()
        if self._failure:
            raise Broke(self._failure)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.hang_up()

    def hang_up(self, reason: str | None = None) -> None:
        """Nobody wants more: tell the app, and end it if it does not end by itself. Safe to call twice.

        With a ``reason`` it is this side that breaks off, and whoever reads gets an exception.
        """
        if self._gone:
            return
        self._gone = True
        self._stop_timer()
        if not self._done:
            self._failure = self._failure or reason
            self.body = b""
            if not self.task.done():
                self._timer = self._loop.call_later(self.GRACE_SECONDS, self.task.cancel)
        self._tell()
        _wake(self._taken)
        _wake(self._waiter)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.hang_up()
            raise
        finally:
            self._waiter = None

    async def _receive(self) -> Message:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self._request, "more_body": False}
        if not self._gone and not self._done:
            listener = self._loop.create_future()
            self._listeners.append(listener)
            await listener
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone or self._done:
            # It does not fail, like a server's send. It waits, or an app that never does would hold the loop.
            await asyncio.sleep(0.01)
            return
        kind = message["type"]
        if kind == "http.response.body":
            if not self.status:
                raise RuntimeError("http.response.body was sent before http.response.start")
            await self._add(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start":
            self._begin(message)

    def _begin(self, message: Message) -> None:
        headers = self.headers = list(message.get("headers", ()))
        self.status = message["status"]
        for name, value in headers:
            if name == b"content-type":
                self.streamed = self.status < 300 and value.startswith(b"text/event-stream")
            elif name == b"content-encoding" and value not in _PLAIN:
                self._fail("malformed")

    async def _add(self, chunk: bytes, more: bool) -> None:
        if not self.streamed:
            self.body = self.body + chunk if self.body else chunk
            if not more:
                self._finish()
            else:
                self._expect(self._timeouts.between_chunks)
            return
        if chunk:
            if self.body:
                await self._until_taken()
            self.body = chunk
            _wake(self._waiter)
            if more:
                await self._until_taken()
        if not more:
            self._finish()

    async def _until_taken(self) -> None:
        self._taken = self._loop.create_future()
        try:
            await self._taken
        finally:
            self._taken = None

    def _finish(self) -> None:
        self._done = True
        self._tell()
        _wake(self._waiter)

    def _tell(self) -> None:
        for listener in self._listeners:
            _wake(listener)
        self._listeners.clear()

    def _expect(self, seconds: float) -> None:
        """Something must come within this time. One timer follows the deadline: that it moved on costs no new timer."""
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._due > self._deadline:
            self._stop_timer()
            self._set_timer(self._deadline)

    def _tick(self) -> None:
        now = self._loop.time()
        if self._deadline and now >= self._deadline:
            self._fail("timeout")
        else:
            self._set_timer(self._deadline or now + self._timeouts.between_chunks)

    def _set_timer(self, due: float) -> None:
        self._due = due
        self._timer = self._loop.call_at(due, self._tick)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        _wake(self._waiter)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.discard(self)
        error = None if task.cancelled() else task.exception()
        if self._gone and not self._done:
            self._stop_timer()
            return
        if error is not None and not isinstance(error, ConnectionError):
            _LOG.error("the app behind a model failed", exc_info=error)
        if not self._done:
            broke_off = isinstance(error, ConnectionError) or (self.status and error is None and not task.cancelled())
            self._fail("reset" if broke_off else "crashed")

    def _before_the_answer(self, reason: str) -> ProviderError:
        if reason == "timeout":
            return timed_out("answer", self._patience)
        said = {
            "crashed": "the app behind this model failed before it answered",
            "reset": "the app behind this model broke off before its answer was whole",
            "shutdown": "the gateway is shutting down",
            "empty": "the app behind this model sent an event stream without an event",
            "malformed": "the app behind this model compressed its answer without being asked to",
        }
        return failure("malformed" if reason == "empty" else reason, said[reason])


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
