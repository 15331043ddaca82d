"""What became of each attempt of a recorded call, to be played again in the order in which it was."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Attempt(NamedTuple):
    """``outcome`` is ``ok``, the reason of a failure, or why the deployment was passed over; it took ``seconds``."""

    outcome: str
    seconds: float


class Script:
    """Made of a row's ``tried``. ``order`` are the deployments as they were first tried."""

    __slots__ = ("_left", "_said", "order")

    def __init__(self, tried: str | None) -> None:
        self._left: dict[str, deque[Attempt]] = {}
        self._said: dict[str, Attempt] = {}
        for one in (tried or "").split("; "):
            parts = one.rsplit(" ", 2)
            if len(parts) == 3 and parts[2].isdigit():
                self._left.setdefault(parts[0], deque()).append(Attempt(parts[1], int(parts[2]) / 1000))
        self.order = tuple(self._left)

    def next(self, deployment: str) -> Attempt | None:
        """The next attempt there; None when there was none."""
        left = self._left.get(deployment)
        if not left:
            return None
        said = self._said[deployment] = left.popleft()
        return said

    def last(self, deployment: str) -> Attempt | None:
        """What came of the last attempt that was played."""
        return self._said.get(deployment)

    def more(self, deployment: str) -> bool:
        return bool(self._left.get(deployment))
