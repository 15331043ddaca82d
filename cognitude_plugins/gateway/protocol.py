"""uvicorn's HTTP protocol with what it leaves open: a bound on the request head, and a way to drop a dead client."""

from __future__ import annotations

from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hooks import Reply

from .abort import ABORT


def bounded(header_bytes: int) -> type[HttpToolsProtocol]:
    """The protocol class for a limit on request line and headers together; above it 431, before they are complete."""

    class Bounded(HttpToolsProtocol):
        _head = 0
        _in_head = True

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._in_head:
                self._head += len(data)
                if self._head > header_bytes and not self.transport.is_closing():
                    text = f"The request headers are larger than {header_bytes} bytes."
                    self._refuse(431, Reply.error(431, text, code="headers_too_large"))

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head = True, 0
            self.scope["extensions"] = cast(Any, {ABORT: self.transport.abort})

        def on_headers_complete(self) -> None:
            self._in_head, self._head = False, 0
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, Reply.error(400, "The request is not valid HTTP.", code="invalid_http"))

        def _refuse(self, status: int, reply: Reply) -> None:
            raw = b"" if reply.payload is None else reply.payload.raw
            self.transport.write(_HEAD % (status, _REASONS[status], len(raw)) + raw)
            self.transport.close()

    return Bounded


_REASONS: Final[dict[int, bytes]] = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}
_HEAD: Final = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
