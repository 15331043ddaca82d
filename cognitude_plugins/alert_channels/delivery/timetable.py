"""When a message that did not arrive is tried again: as Standard Webhooks has it, for a good day."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Before each attempt, from the one before it. After the last one the message is given up."""

LONGEST_WAIT: Final = timedelta(days=1)
"""That a receiver can ask for."""

_SPREAD: Final = 0.1


def next_delay_ms(attempts: int, after: timedelta | None, jitter: float) -> int | None:
    """How long to wait after so many attempts, at least until ``after``; None when it is given up.

    ``jitter`` in 0 … 1 makes it up to a tenth longer, so that what failed together is not tried together.
    """
    if attempts >= len(DELAYS):
        return None
    wait = max(DELAYS[attempts], min(after or timedelta(0), LONGEST_WAIT))
    return round(wait.total_seconds() * 1000 * (1 + _SPREAD * jitter))
