"""uvicorn's HTTP protocol with what it leaves open: bounds on the request head, upgrades, dropping a dead client."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hooks import Reply

from .connection import LENT, Connection
from .cycle import Cycle
from .ids import new_id


def bounded(header_bytes: int, head_seconds: float) -> type[Bounded]:
    """The protocol class with these limits: uvicorn makes one of it for each connection."""
    return type("Bounded", (Bounded,), {"header_bytes": header_bytes, "head_seconds": head_seconds})


class Bounded(HttpToolsProtocol):
    """``header_bytes`` is the limit on request line and headers together, ``head_seconds`` on the time they may take.

    Above it 431 or 408, before they are complete. A connection on which nothing was ever asked is closed.
    """

    header_bytes: ClassVar[int]
    head_seconds: ClassVar[float]
    _head = 0
    _in_head = True
    _since: float | None = None
    _timer: asyncio.TimerHandle
    _connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connection = Connection(transport.abort)
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.head_seconds / 2, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)
        self._connection.lose()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        awaited = self._in_head
        self._head += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._timer.cancel()
                self.handle_websocket_upgrade()
                return
            self._without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(*_NOT_HTTP if self._head <= self.header_bytes or not self._in_head else self._too_large())
            return
        # What lies behind a body in the same piece is not counted: it is not known where the body ends.
        if awaited and self._in_head and self._head > self.header_bytes:
            self._refuse(*self._too_large())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._since = True, self.loop.time()
        self.scope["extensions"] = cast(Any, {LENT: self._connection})

    def on_headers_complete(self) -> None:
        if self._head > self.header_bytes and self._size() > self.header_bytes:
            raise ValueError("the head is too large")
        if self._upgrades():
            return
        self._in_head, self._head, self._since = False, 0, None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._upgrades():
            super().on_message_complete()
            self._in_head, self._head = True, 0

    def _upgrades(self) -> bool:
        asked = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        return asked and not self._should_upgrade()

    def _without_upgrade(self, rest: bytes) -> None:
        """Take the request as if it had not asked for another protocol: the parser would skip its body."""
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [b"%b: %b" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._head = 0
        self.data_received(b"\r\n".join([line, *kept, b"", rest]))

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_large(self) -> tuple[int, Reply]:
        text = f"The request line and headers are larger than {self.header_bytes} bytes."
        return 431, Reply.error(431, text, code="headers_too_large")

    def _look(self) -> None:
        if self._since is not None and self.loop.time() - self._since > self.head_seconds:
            if self._head:
                text = f"The request headers did not arrive within {self.head_seconds:g} s."
                self._refuse(408, Reply.error(408, text, code="request_timeout"))
            else:
                self.transport.close()
        else:
            self._timer = self.loop.call_later(self.head_seconds / 2, self._look)

    def _refuse(self, status: int, reply: Reply) -> None:
        """Answer and close; only close where it would land in the middle of an earlier request's answer."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            raw = b"" if reply.payload is None else reply.payload.raw
            self.transport.write(_HEAD % (status, _REASONS[status], new_id().encode(), len(raw)) + raw)
        self.transport.close()


_NOT_HTTP: Final = (400, Reply.error(400, "The request is not valid HTTP.", code="invalid_http"))
_REASONS: Final[dict[int, bytes]] = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
}
_HEAD: Final = (
    b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\nconnection: close\r\nx-request-id: %b\r\n"
    b"content-length: %d\r\n\r\n"
)
