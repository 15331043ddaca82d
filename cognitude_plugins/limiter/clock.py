"""The time by which a process without Redis counts."""

from __future__ import annotations

import time
from collections.abc import Callable


def steady_clock() -> Callable[[], int]:
    """Milliseconds since 1970 that go on evenly: a clock that somebody sets to another hour changes no limit."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: (time.monotonic_ns() + offset) // 1_000_000
