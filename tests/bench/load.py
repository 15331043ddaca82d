"""The load generator, a process of its own: one order as JSON on stdin, its result as JSON on stdout.

Every connection has one request under way at a time (a closed loop) and is kept open. No request begins after the time
is up, and all that were begun are waited for, so what is counted is what the server worked on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from itertools import count
from random import randrange
from time import perf_counter
from typing import Any, Final

import httptools
import uvloop

NUMBER: Final = "00000000"
_EVENT: Final = b"data: "
_END: Final = b"[DONE]"
_KEPT: Final = 5
"""Bytes of what came before that are looked at again: both words are six long and may be cut anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """``head`` is the request without its end: request line and headers, each with its CRLF.

    ``questions``: 1 where all ask the same, as ``body`` has it; with more each connection asks one of so many, with 0
    none is asked twice: `NUMBER` in the body is then replaced by another number of as many digits. ``pause`` is in
    seconds, between an answer and the next request.
    """

    port: int
    head: str
    body: str = ""
    concurrency: int = 1
    seconds: float = 1.0
    status: int = 200
    host: str = "127.0.0.1"
    questions: int = 1
    pause: float = 0.0

    @property
    def request(self) -> bytes:
        body = self.body.encode()
        length = b"content-length: %d\r\n" % len(body) if body else b""
        return self.head.encode() + length + b"\r\n" + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Times in seconds; ``first`` is from the request to the first byte of the answer's body. ``failures`` in words."""

    requests: int
    seconds: float
    p50: float
    p99: float
    first_p50: float
    events: int
    failures: dict[str, int] = field(default_factory=dict)


def main() -> None:
    order = Order(**json.load(sys.stdin))
    print(json.dumps(asdict(uvloop.run(drive(order)))))


async def drive(order: Order) -> Result:
    tally = _Tally(order)
    loop = asyncio.get_running_loop()
    clients = [_Client(tally, number) for number in range(order.concurrency)]
    began = perf_counter()
    tally.until = began + order.seconds
    for client in clients:
        await loop.create_connection(lambda one=client: one, order.host, order.port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    return tally.result(perf_counter() - began)


class _Tally:
    def __init__(self, order: Order) -> None:
        self._request = order.request
        self._questions = order.questions
        # Where none is asked twice, also none of another run.
        self._asked = count(randrange(10 ** (len(NUMBER) - 1), 9 * 10 ** (len(NUMBER) - 1)))
        self.pause = order.pause
        self.status = order.status
        self.until = 0.0
        self.took: list[float] = []
        self.first: list[float] = []
        self.events = 0
        self.failures: dict[str, int] = {}

    def request(self, client: int) -> bytes:
        if self._questions == 1:
            return self._request
        number = client % self._questions + 1 if self._questions else next(self._asked)
        return self._request.replace(NUMBER.encode(), b"%0*d" % (len(NUMBER), number), 1)

    def failed(self, what: str) -> None:
        self.failures[what] = self.failures.get(what, 0) + 1

    def result(self, seconds: float) -> Result:
        return Result(
            requests=len(self.took),
            seconds=seconds,
            p50=percentile(self.took, 0.5),
            p99=percentile(self.took, 0.99),
            first_p50=percentile(self.first, 0.5),
            events=self.events,
            failures=self.failures,
        )


class _Client(asyncio.Protocol):
    """One connection. Its parser is httptools', which calls the ``on_`` methods."""

    def __init__(self, tally: _Tally, number: int = 0) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self._number = number
        self._transport: Any = None
        self._sent = self._first = 0.0
        self._streamed = self._ended = False
        self._tail = b""
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._first = 0.0
        self._streamed = self._ended = False
        self._tail = b""
        request = self._tally.request(self._number)
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if value.startswith(b"text/event-stream"):
            self._streamed = True

    def on_body(self, body: bytes) -> None:
        if not self._first:
            self._first = perf_counter()
        if self._streamed:
            seen = self._tail + body
            self._tally.events += seen.count(_EVENT)
            self._ended = self._ended or _END in seen
            self._tail = seen[-_KEPT:]

    def on_message_complete(self) -> None:
        now = perf_counter()
        tally = self._tally
        tally.took.append(now - self._sent)
        tally.first.append((self._first or now) - self._sent)
        status = self._parser.get_status_code()
        if status != tally.status:
            tally.failed(f"status {status}")
        elif self._streamed and not self._ended:
            tally.failed("a stream without its end")
        if tally.pause:
            asyncio.get_running_loop().call_later(tally.pause, self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        if perf_counter() < self._tally.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if perf_counter() < self._tally.until or error is not None:
            self._tally.failed("a connection was closed")
        if not self.done.done():
            self.done.set_result(None)


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
