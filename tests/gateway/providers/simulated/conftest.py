"""A simulated model on a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cognitude_plugins.gateway.providers.simulated.serve import serve_simulated
from cognitude_plugins.gateway.providers.simulated.settings import Settings


@pytest.fixture
def simulated() -> Iterator[Callable[..., str]]:
    """Starts a simulated model on a socket, on a loop in a thread of its own; returns its URL, without ``/v1``."""
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None], threading.Thread]] = []

    def start(**options: Any) -> str:
        ready: list[int] = []
        up = threading.Event()

        def tell(port: int) -> None:
            ready.append(port)
            up.set()

        async def run() -> None:
            serving = asyncio.ensure_future(serve_simulated("127.0.0.1", 0, Settings.of(options), tell))
            running.append((asyncio.get_running_loop(), serving, threading.current_thread()))
            await asyncio.gather(serving, return_exceptions=True)

        threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
        assert up.wait(10)
        return f"http://127.0.0.1:{ready[0]}"

    yield start
    for loop, serving, thread in running:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)
        assert not thread.is_alive()
