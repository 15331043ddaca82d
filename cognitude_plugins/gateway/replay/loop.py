"""An event loop in which waiting takes no time: when there is nothing to do, the clock is moved to the next timer.

What would be done in a thread is done at once: so a replay has one order of events, and it is the same every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Final

from .clock import Clock

_PATIENCE_SECONDS: Final = 30.0
"""Real ones, for which a thread of a plugin's own is waited for when nothing else is left."""


class Stuck(RuntimeError):
    """Everybody waits for somebody else."""


class Jumping(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self._virtual = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        return self._virtual.monotonic()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Selector(selectors.BaseSelector):
    """The system's, which is not waited for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Any:
        found = self._real.select(_PATIENCE_SECONDS if timeout is None else 0)
        if found or (timeout is not None and timeout <= 0):
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
