"""A clock that stands still until it is moved, in the place of this process' own.

Plugins ask `time` how late it is, also those of others: so it is `time` that has to be changed, and before they are
imported, as many take its functions by name. What is imported here keeps the real clock: threads and sockets wait for
real seconds. ``datetime.now()`` is not in Python's hands: what asks it is told the real time.
"""

from __future__ import annotations

import asyncio  # noqa: F401
import concurrent.futures.thread  # noqa: F401
import logging  # noqa: F401
import queue  # noqa: F401
import sqlite3  # noqa: F401
import subprocess  # noqa: F401
import tempfile  # noqa: F401
import threading  # noqa: F401
import time
from collections.abc import Callable
from typing import Final

real_seconds: Final[Callable[[], float]] = time.monotonic
"""Of the process' own clock."""

_BEGIN: Final = 1000.0
"""Seconds of the monotonic clock at the start: what has never been seen must not look as if it had been just now."""


class Clock:
    """Nanoseconds since 1970, as of now. Monotonic time goes on with it."""

    __slots__ = ("_origin_ns", "ns")

    def __init__(self, ns: int) -> None:
        self.ns = self._origin_ns = ns

    def begin(self, ns: int) -> None:
        """Another day, before anything was done in this one."""
        self.ns = self._origin_ns = ns

    def advance(self, seconds: float) -> None:
        """By this and a nanosecond, so that no timer comes a rounding too early."""
        self.ns += round(seconds * 1e9) + 1

    def time(self) -> float:
        return self.ns / 1e9

    def time_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return _BEGIN + (self.ns - self._origin_ns) / 1e9

    def monotonic_ns(self) -> int:
        return int(_BEGIN * 1e9) + self.ns - self._origin_ns


def install() -> Clock:
    """From now on all of this process, but for what was imported before, goes by the returned clock."""
    clock = Clock(time.time_ns())
    for name in ("monotonic", "perf_counter"):
        setattr(time, name, clock.monotonic)
        setattr(time, f"{name}_ns", clock.monotonic_ns)
    for name in ("time", "time_ns"):
        setattr(time, name, getattr(clock, name))
    return clock
