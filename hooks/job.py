"""Work between requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to run every so often, from start-up to shutdown.

    The first run comes one ``every`` after start-up; a run that is still going when the next is due is not overlapped:
    the tick is skipped. ``scope="process"`` runs in every worker, ``"cluster"`` in one worker of this machine at a
    time. A run that raises is counted and logged and does not stop the next.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    scope: Literal["cluster", "process"] = "process"

    def __post_init__(self) -> None:
        if self.every <= timedelta(0):
            raise ValueError(f"job {self.name!r}: every {self.every} is not a positive interval")
        if self.scope not in ("cluster", "process"):
            raise ValueError(f"job {self.name!r}: scope {self.scope!r} is neither 'cluster' nor 'process'")
