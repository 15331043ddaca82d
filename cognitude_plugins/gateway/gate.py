"""How many calls a deployment gets at a time, and a short queue for the next ones."""

from __future__ import annotations

import asyncio
from collections import deque

from .care import Concurrency


class Gate:
    """Every `enter` that was granted is given back with `leave`, once. Who waits is let in in the order of coming."""

    __slots__ = ("_free", "_rules", "_waiting")

    def __init__(self, rules: Concurrency) -> None:
        self._rules = rules
        self._free = rules.calls or 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def queued(self) -> int:
        return len(self._waiting)

    async def enter(self, seconds: float) -> bool:
        """False when the queue is full, or nobody has left within its time or ``seconds``."""
        if self._free > 0:
            self._free -= 1
            return True
        if len(self._waiting) >= self._rules.queue:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait((turn,), timeout=min(seconds, self._rules.wait_seconds))
        except asyncio.CancelledError:
            if turn.done():
                self.leave()
            else:
                self._waiting.remove(turn)
            raise
        if turn.done():
            return True
        self._waiting.remove(turn)
        return False

    def leave(self) -> None:
        """The place goes to who has waited longest."""
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1
