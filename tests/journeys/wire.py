"""HTTP/1.1 by hand: requests that no client library would send, and what comes back for them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.processes import KEY

CHAT = "/v1/chat/completions"
HELLO: Mapping[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error envelope's code; fails when the body is no envelope."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, self.body
        assert isinstance(error["message"], str)
        assert error["message"]
        return str(error["code"])


@contextmanager
def connected(url: str, timeout: float = 15.0) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=timeout) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield wire


def head(
    method: str = "POST",
    target: str = CHAT,
    *,
    length: int | str | None = None,
    key: str | None = KEY,
    headers: Mapping[str, str] | None = None,
    host: str = "localhost",
) -> bytes:
    """A request's head as bytes, the blank line at its end included."""
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    if length is not None:
        lines.append(f"content-length: {length}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(body: bytes | Mapping[str, Any], target: str = CHAT, **options: Any) -> bytes:
    """A whole POST as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head("POST", target, length=options.pop("length", len(raw)), **options) + raw


def ask(url: str, request: bytes, timeout: float = 15.0) -> Answer:
    """Send these bytes on a connection of their own and read one answer."""
    with connected(url, timeout) as wire:
        send_all(wire, request)
        return read_answer(wire, bodyless=request.startswith(b"HEAD "))


def send_all(wire: socket.socket, data: bytes) -> bool:
    """Whether everything could be sent; a server that refused in the middle has still answered."""
    try:
        wire.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def read_answer(wire: socket.socket, *, bodyless: bool = False) -> Answer:
    """One answer, its chunks put together. Raises ``EOFError`` when the connection ends before it does."""
    return _answer_from(wire.makefile("rb"), bodyless=bodyless)


def _answer_from(stream: Any, *, bodyless: bool) -> Answer:
    line = stream.readline()
    if not line:
        raise EOFError("the connection was closed without an answer")
    status = int(line.split()[1])
    headers: dict[str, str] = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if bodyless or status in (204, 304):
        body = b""
    elif headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks_from(stream))
    elif "content-length" in headers:
        body = stream.read(int(headers["content-length"]))
        if len(body) < int(headers["content-length"]):
            raise EOFError("the body is cut short")
    else:
        body = stream.read()
    return Answer(status=status, headers=headers, body=body)


def _chunks_from(stream: Any) -> Iterator[bytes]:
    while True:
        line = stream.readline()
        if not line:
            raise EOFError("the chunked body is cut short")
        size = int(line, 16)
        data = stream.read(size)
        stream.readline()
        if size == 0:
            return
        yield data
