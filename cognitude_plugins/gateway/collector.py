"""Python's garbage collector, for a process that makes much that stays: at its start, and for each call."""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 50)
"""Python's own are 700, 10 and 10: at a start nearly all that is made stays, and is looked through in vain."""


def collect_rarely() -> None:
    gc.set_threshold(*_THRESHOLDS)


def settle() -> None:
    """What is alive now stays alive: the collector need never look at it again, which takes pauses out of the tail."""
    gc.collect()
    gc.freeze()
    collect_rarely()
