"""Clients that read slowly cost little, and past the calls that a process may have there is a fast 503."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys.wire import HELLO, post
from tests.processes import Running, gateway

READERS = 50
STREAM_BYTES = 5_000_000
READ_SECONDS = 4.0
BYTES_PER_SECOND = 1000
MOST_GROWTH_KB = 50 * 1024
CONFIG = """
gateway:
  drain: {{announce_seconds: 0}}
  limits: {{in_flight: {readers}}}
models:
  - {{name: long, provider: openai/long, base_url: "{url}/v1", api_key: sk}}
"""


@contextmanager
def long_streams() -> Iterator[str]:
    """An upstream whose every answer is a stream of 5 MB, sent as fast as it is taken."""
    event = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "x" * 880}}]}
    raw = b"data: " + json.dumps(event).encode() + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"

    def serve(connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            connection.sendall(head)
            for _ in range(STREAM_BYTES // len(raw)):
                connection.sendall(raw)
            connection.sendall(b"data: [DONE]\n\n")
        except OSError:
            return
        finally:
            connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def memory_kb(one: Running) -> int:
    status = Path(f"/proc/{one.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def reader(one: Running) -> socket.socket:
    """A connection with a small window that has asked for a stream and read its head."""
    place = urlsplit(one.url)
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(10)
    wire.connect((place.hostname, place.port))
    wire.sendall(post({**HELLO, "model": "long", "stream": True}))
    assert wire.recv(15) == b"HTTP/1.1 200 OK"
    return wire


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_fifty_that_read_a_kilobyte_a_second(tmp_path: Path) -> None:
    with long_streams() as url, ExitStack() as stack:
        one = stack.enter_context(gateway(CONFIG.format(url=url, readers=READERS), tmp_path))
        with one.client() as client:
            warm = client.post("/v1/chat/completions", json={**HELLO, "model": "long", "stream": True})
            assert len(warm.content) > STREAM_BYTES * 0.9
            before = memory_kb(one)
            wires = [stack.enter_context(reader(one)) for _ in range(READERS)]
            most, until = 0, time.monotonic() + READ_SECONDS
            while time.monotonic() < until:
                for wire in wires:
                    assert wire.recv(BYTES_PER_SECOND // 5)
                most = max(most, memory_kb(one))
                time.sleep(0.2)
            assert most - before <= MOST_GROWTH_KB, f"{most - before} KiB more"
            refused = client.post("/v1/chat/completions", json={**HELLO, "model": "long"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
            assert 0 < float(refused.headers["retry-after"]) <= 1.1
            began = time.monotonic()
            report = client.get("/health").json()
            assert time.monotonic() - began < 1.5
            assert (report["in_flight"], report["providers"]["long"]["in_flight"]) == (READERS, READERS)
            assert client.get("/livez").status_code == 200
