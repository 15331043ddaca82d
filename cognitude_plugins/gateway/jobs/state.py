"""What the database has of a job, and whether one of its ticks may be claimed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the table has of a job. ``left`` is how long its holder still has it, nothing if no longer."""

    due: datetime
    fence: int
    started: datetime
    done: bool
    left: timedelta
    seconds: float | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``now`` is the database's time; ``state`` is None for a job that was never claimed."""

    now: datetime
    state: State | None

    def free_for(self, due: datetime) -> bool:
        """Whether a tick may be claimed: one after the last, or the last if its holder died; never beside a run."""
        state = self.state
        if state is None:
            return True
        over = state.done or not state.left
        return over and (due > state.due or state.due > self.now or (due == state.due and not state.done))
