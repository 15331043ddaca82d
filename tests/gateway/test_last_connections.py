"""A listener that is about to be closed: who is in is accepted, who comes is not."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cognitude_plugins.gateway.last_connections import let_in_the_last


async def test_who_has_connected_is_accepted_and_nobody_after() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        listener.setblocking(False)
        address = listener.getsockname()
        with socket.create_connection(address, timeout=2) as early:
            await let_in_the_last([listener])
            with socket.socket() as late:
                late.setblocking(False)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.get_running_loop().sock_connect(late, address), 0.3)
            accepted, _ = listener.accept()
            with accepted:
                accepted.setblocking(True)
                early.sendall(b"Hello")
                assert accepted.recv(5) == b"Hello"
            with pytest.raises(BlockingIOError):
                listener.accept()


LATE = """
import asyncio, socket, sys
from pathlib import Path
from cognitude_plugins.gateway.app import create_app
from cognitude_plugins.gateway.server import Server, bind

listener, clients = bind("127.0.0.1", 0), []
listener.listen(64)

class Late(Server):
    async def shutdown(self, sockets=None):
        for _ in range(20):
            clients.append(socket.create_connection(listener.getsockname(), timeout=5))
            clients[-1].sendall(b"GET /livez HTTP/1.1\\r\\nhost: gateway\\r\\n\\r\\n")
        await super().shutdown(sockets)

async def main():
    server = Late(create_app(Path("plugins.yaml"), {}))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    server.should_exit = True
    await serving
    print(sum(one.recv(1000).startswith(b"HTTP/1.1 200") for one in clients))

asyncio.run(main())
"""


def test_who_connects_at_the_very_end_is_served(tmp_path: Path) -> None:
    """R2: a client that was let in by the kernel and is reset has sent a request that it may not repeat."""
    config = "gateway: {drain: {announce_seconds: 0}}\nmodels: [{name: sim, provider: simulated/echo}]\n"
    (tmp_path / "plugins.yaml").write_text(config)
    command = [sys.executable, "-c", LATE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "20\n", done.stderr
