"""A listener that is about to be closed: who is in is accepted, who comes is not."""

from __future__ import annotations

import asyncio
import socket

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
