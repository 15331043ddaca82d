"""An upstream on a real socket that keeps what it is sent, byte for byte, and answers what it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_COMPLETION = {
    "id": "chatcmpl-recorded",
    "object": "chat.completion",
    "created": 0,
    "model": "recorded",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Noted"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Recorder:
    """``answer`` makes the bytes for a request; it may be replaced at any time."""

    url: str
    answer: Callable[[Received], bytes]
    received: list[Received] = field(default_factory=list)


def answer(status: int = 200, body: Any = _COMPLETION, *headers: str, kind: str = "application/json") -> bytes:
    """A whole answer as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fixed = [f"HTTP/1.1 {status} Said", "connection: close", f"content-type: {kind}", f"content-length: {len(raw)}"]
    lines = [*fixed, *headers, "", ""]
    return "\r\n".join(lines).encode() + raw


def stream(*events: Any, end: bool = True) -> bytes:
    """A chunked event stream as bytes; without ``end`` it stops where a next chunk should begin."""
    parts = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    parts += [b"data: [DONE]\n\n"] if end else []
    raw = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if end else b"")
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
    return head + b"\r\n\r\n" + raw


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {
        "id": "chatcmpl-r",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "recorded",
        "choices": [choice],
    }


@contextmanager
def recording(said: Callable[[Received], bytes] = lambda received: answer()) -> Iterator[Recorder]:
    """A recorder that listens until the block ends. Each connection serves one request, and says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Recorder(url=f"http://127.0.0.1:{listener.getsockname()[1]}", answer=said)
        thread = threading.Thread(target=_accept, args=(listener, one), daemon=True)
        thread.start()
        try:
            yield one
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _accept(listener: socket.socket, one: Recorder) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, one), daemon=True).start()


def _serve(connection: socket.socket, one: Recorder) -> None:
    with connection, suppress(ConnectionError, TimeoutError), connection.makefile("rb") as stream:
        connection.settimeout(20)
        line = stream.readline()
        if not line:
            return
        headers: list[tuple[str, str]] = []
        while (field_line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = field_line.decode("latin-1").partition(":")
            headers.append((name.strip().lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        received = Received(line=line.decode().strip(), headers=headers, body=stream.read(length))
        one.received.append(received)
        connection.sendall(one.answer(received))
