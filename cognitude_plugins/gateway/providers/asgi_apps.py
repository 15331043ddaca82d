"""Models that are ASGI apps of this process by name: ``provider: asgi/package.module:app``, each with its lifespan."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from hooks import Call, Reply

from .asgi import AsgiProvider
from .provider import Target
from .verdict import failure


class AsgiApps:
    """An `AsgiProvider` for each app, imported and started when it is first called."""

    def __init__(self) -> None:
        self._apps: dict[str, AsgiProvider] = {}
        self._starting = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Nothing yet: an app that is never called is never imported."""

    async def stop(self) -> None:
        await self._stack.aclose()

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        name = target.deployment.upstream_model
        provider = self._apps.get(name) or await self._started(name)
        return await provider.send(call, body, target, headers)

    async def _started(self, name: str) -> AsgiProvider:
        async with self._starting:
            if name not in self._apps:
                try:
                    app = await asyncio.to_thread(imported, name)
                except (ImportError, AttributeError, ValueError) as error:
                    raise failure("crashed", f"the app {name!r} of this model cannot be loaded") from error
                await self._stack.enter_async_context(lifespan_of(app))
                provider = AsgiProvider(app)
                self._stack.push_async_callback(provider.stop)
                self._apps[name] = provider
            return self._apps[name]


def imported(name: str) -> Any:
    """The object ``package.module:attribute``. Raises ``ValueError`` for another form, or what importing raises."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"{name!r} is not package.module:app")
    return getattr(importlib.import_module(module), attribute)


@asynccontextmanager
async def lifespan_of(app: Any) -> AsyncIterator[None]:
    """Run an app's ASGI lifespan around the block. An app that does not know lifespans has none.

    Raises ``RuntimeError`` with the app's message when it says that its start-up failed.
    """
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, inbox.get, outbox.put)
    )
    knows = await _exchange(task, inbox, outbox, "lifespan.startup")
    try:
        yield
    finally:
        if knows:
            await _exchange(task, inbox, outbox, "lifespan.shutdown")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _exchange(task: Any, inbox: Any, outbox: Any, kind: str) -> bool:
    await inbox.put({"type": kind})
    answer = asyncio.create_task(outbox.get())
    await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        return False
    message = answer.result()
    if message["type"] == f"{kind}.failed":
        raise RuntimeError(f"the app's start-up failed: {message.get('message', '')}")
    return True
