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
                state: dict[str, Any] = {}
                try:
                    await self._stack.enter_async_context(lifespan_of(app, state))
                except RuntimeError as error:
                    raise failure("crashed", f"the app {name!r} of this model did not start") from error
                provider = AsgiProvider(_with_state(app, state))
                self._stack.push_async_callback(provider.stop)
                self._apps[name] = provider
            return self._apps[name]


def imported(name: str) -> Any:
    """The object ``package.module:attribute``. Raises ``ValueError`` for another form, or what importing raises."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"{name!r} is not package.module:app")
    return getattr(importlib.import_module(module), attribute)


def _with_state(app: Any, state: Mapping[str, Any]) -> Any:
    """The app with what its lifespan put into its state in every request's, as a server has it."""

    async def called(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return called


@asynccontextmanager
async def lifespan_of(app: Any, state: dict[str, Any]) -> AsyncIterator[None]:
    """Run an app's ASGI lifespan around the block; it may fill ``state``. One that knows no lifespans has none.

    Raises ``RuntimeError`` with the app's message when it says that its start-up failed.
    """
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    task = asyncio.create_task(app(scope, inbox.get, outbox.put))
    try:
        knows = await _exchange(task, inbox, outbox, "lifespan.startup")
        try:
            yield
        finally:
            if knows:
                await _exchange(task, inbox, outbox, "lifespan.shutdown")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _exchange(task: Any, inbox: Any, outbox: Any, kind: str) -> bool:
    await inbox.put({"type": kind})
    answer = asyncio.create_task(outbox.get())
    try:
        await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        answer.cancel()
    if not answer.done():
        return False
    message = answer.result()
    if message["type"] == "lifespan.startup.failed":
        raise RuntimeError(f"the app's start-up failed: {message.get('message', '')}")
    return True
