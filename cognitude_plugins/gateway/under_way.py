"""The calls under way in this process, and one timer for all their deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter

from .lifeline import Lifeline


class UnderWay:
    """Lifelines from a call's admission to its end. Each may expect something by a time (`Lifeline.expect`).

    Deadlines are looked at every ``tick`` seconds while there are calls: a timer for each wait of each call would cost
    more than the precision is worth.
    """

    __slots__ = ("_lifelines", "_tick", "_timer")

    def __init__(self, tick: float = 1.0) -> None:
        self._lifelines: set[Lifeline] = set()
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._lifelines)

    def __iter__(self) -> Iterator[Lifeline]:
        return iter(tuple(self._lifelines))

    def add(self, lifeline: Lifeline) -> None:
        self._lifelines.add(lifeline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._look)

    def discard(self, lifeline: Lifeline) -> None:
        self._lifelines.discard(lifeline)

    def _look(self) -> None:
        self._timer = None
        now = perf_counter()
        for lifeline in self:
            lifeline.look(now)
        if self._lifelines:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._look)
