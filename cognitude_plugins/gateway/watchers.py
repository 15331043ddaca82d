"""The watchers of a reply: each is told the outcome exactly once, whatever became of client or of another watcher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Sequence
from inspect import isawaitable
from typing import Any, Final, TypeVar

from hooks import Outcome
from hooks.stream import Watch

from .interrupted import interrupted

log: Final = logging.getLogger("cognitude.watchers")

T = TypeVar("T")


class Background:
    """Tasks that outlive the call that began them. Shutdown waits for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finished(self, seconds: float = 10.0) -> None:
        """Wait until nothing is under way; what goes on for longer than ``seconds`` is cancelled and logged."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._tasks and loop.time() < deadline:
            await asyncio.wait(tuple(self._tasks), timeout=deadline - loop.time())
        if self._tasks:
            log.error("%d watchers did not end within %g s of the last call", len(self._tasks), seconds)
        for task in tuple(self._tasks):
            task.cancel()


async def tell(told: Sequence[tuple[Watch, Outcome]], background: Background) -> None:
    """Call every watcher. Plain functions run at once; what they leave to await runs shielded from cancellation."""
    waiting = [result for watch, outcome in told if (result := _call(watch, outcome)) is not None]
    if waiting:
        await asyncio.shield(background.start(_await_all(waiting)))


def _call(watch: Watch, outcome: Outcome) -> Awaitable[None] | None:
    try:
        result = watch.watcher(outcome)
    except Exception:
        log.exception("a watcher failed")
        return None
    return result if isawaitable(result) else None


async def _await_all(waiting: Sequence[Awaitable[None]]) -> None:
    for result in waiting:
        try:
            await result
        except asyncio.CancelledError:
            if interrupted():
                raise
            log.exception("a watcher failed")
        except Exception:
            log.exception("a watcher failed")
