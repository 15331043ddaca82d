"""An event loop in which waiting takes no time: when there is nothing to do, the clock is moved to the next timer.

While a thread is at work (SQL, above all) nothing is moved: what it takes is no time of the calls'.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from .clock import Clock


class Stuck(RuntimeError):
    """Everybody waits for somebody else."""


class Jumping(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self.threads = 0
        self._virtual = clock
        super().__init__(_Selector(self, clock))

    def time(self) -> float:
        return self._virtual.monotonic()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        running = super().run_in_executor(executor, func, *args)
        self.threads += 1
        running.add_done_callback(self._back)
        return running

    def _back(self, running: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.BaseSelector):
    """The system's, which is never waited for but when a thread is at work."""

    def __init__(self, loop: Jumping, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            return self._real.select(0)
        if self._loop.threads:
            return self._real.select(None)
        found = self._real.select(0)
        if found:
            return found
        if timeout is None:
            raise Stuck("nothing is left to wait for")
        self._clock.advance(timeout)
        return found

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
