"""uvicorn's request and response, which writes a head of ours without looking through each header again."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from .head import Head


class Cycle(RequestResponseCycle):
    """Each header costs uvicorn two regular expressions; an answer has some ten to twenty of them."""

    async def send(self, message: Any) -> None:
        head = message.get("headers")
        if type(head) is not Head or self.response_started or self.access_log or self.flow.write_paused:
            await super().send(message)
        elif not self.disconnected:
            self._begin(message["status"], head)

    def _begin(self, status: int, head: Head) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        # The status line has its end already: a join sets one before each of the others.
        lines = [STATUS_LINE[status][:-2]]
        lines += [b": ".join(header) for header in self.default_headers]
        lines += [b": ".join(header) for header in head]
        self.chunked_encoding = head.length is None
        self.expected_content_length = head.length or 0
        if head.length is None:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")
        lines.append(b"\r\n")
        self.transport.write(b"\r\n".join(lines))
