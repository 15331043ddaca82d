"""Work between requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One time at which a job was due.

    ``fence`` grows with every run of a job of ``cluster`` scope, in whichever process it is, so that what an earlier
    run writes late can be told from what a later one wrote; it is 0 for the others.
    """

    due: datetime
    fence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to run every so often, or at the times of a crontab line, from start-up to shutdown.

    Either ``every``, or ``cron`` (``"0 8 * * mon"``: minute, hour, day, month, day of the week) in the time zone
    ``zone``, one of IANA's names. ``run`` is given the `Tick` if it takes a parameter.

    ``scope="process"`` runs in every worker; ``every`` is then counted from start-up. ``"cluster"`` runs in one worker
    of all that share the database, once for each tick; ``every`` is then counted from 1970, so that all of them mean
    the same times. If that worker dies in the middle, another one runs the tick anew within three seconds.

    A run that is still going when the next is due is not overlapped: that tick is skipped. Of the ticks that nobody
    could run (no gateway was up, the database was away), the last is made good for, unless it is longer ago than
    ``grace``. A run that raises is counted and logged and does not stop the next.
    """

    name: str
    run: Callable[[], Awaitable[None]] | Callable[[Tick], Awaitable[None]]
    every: timedelta | None = None
    cron: str | None = None
    zone: str = "UTC"
    scope: Literal["cluster", "process"] = "process"
    grace: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if (self.every is None) == (self.cron is None):
            raise ValueError(f"job {self.name!r}: it has either every or cron")
        if self.every is not None and self.every <= timedelta(0):
            raise ValueError(f"job {self.name!r}: every {self.every} is not a positive interval")
        if self.scope not in ("cluster", "process"):
            raise ValueError(f"job {self.name!r}: scope {self.scope!r} is neither 'cluster' nor 'process'")
        if self.scope == "cluster" and self.every is not None and self.every < timedelta(milliseconds=100):
            raise ValueError(f"job {self.name!r}: every {self.every} is too often for the cluster, at least 0.1 s")
        if self.grace < timedelta(0):
            raise ValueError(f"job {self.name!r}: grace {self.grace} is negative")
