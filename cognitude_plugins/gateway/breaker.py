"""The circuit breaker of a deployment: closed, open for a while after failures, then half open for a single probe."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import monotonic
from typing import Final

from hooks.vitals import State

from .care import BreakerRules

_JITTER: Final = 0.2
_ENDED: Final = 1.0
"""Seconds that somebody who finds a probe under way is told to wait: how long it takes is not known."""


class Breaker:
    """Who makes a call asks `enter`, and says afterwards with `succeeded`, `failed` or `left` how it went.

    ``probe`` is what `enter` returned for this call: what calls from before it opened say afterwards closes nothing.
    A rest that the deployment has asked for (`rest`) is no failure: after it the breaker is as it was.
    """

    __slots__ = ("_again_at", "_clock", "_closed", "_cooldowns", "_probe_until", "_random", "_row", "_rules", "_window")

    def __init__(
        self,
        rules: BreakerRules | None = None,
        clock: Callable[[], float] = monotonic,
        random: Random | None = None,
    ) -> None:
        self._rules = rules or BreakerRules()
        self._clock = clock
        self._random = random or Random()
        self._row = 0
        self._cooldowns = 0
        self._closed = True
        self._again_at = 0.0
        self._probe_until = 0.0
        self._window = _Window(self._rules.window_seconds)

    @property
    def state(self) -> State:
        if self._again_at and self._clock() < self._again_at:
            return "open"
        return "closed" if self._closed else "half_open"

    @property
    def rests(self) -> bool:
        """Whether it waits for no more than the time that the deployment has asked for."""
        return self._closed

    @property
    def wait(self) -> float:
        """Seconds until somebody may be let in again; 0 when now."""
        if not self._again_at:
            return 0.0
        now = self._clock()
        left = self._again_at - now
        if left > 0:
            return left
        return _ENDED if not self._closed and now < self._probe_until else 0.0

    def enter(self) -> bool | None:
        """None for a call that must not go there now, True for the one that is to find out, False for any other."""
        if not self._again_at:
            return False
        now = self._clock()
        if now < self._again_at:
            return None
        if self._closed:
            self._again_at = 0.0
            return False
        if now < self._probe_until:
            return None
        # A probe that hangs must not keep a deployment away for good that has long been well again.
        self._probe_until = now + self._rules.longest_cooldown_seconds
        return True

    def succeeded(self, probe: bool = False) -> None:
        self._row = 0
        if probe:
            self._close()
        elif self._closed and self._rules.enabled:
            self._window.add(self._clock(), failed=False)

    def failed(self, probe: bool = False) -> None:
        rules = self._rules
        if not rules.enabled:
            return
        if probe:
            self._open()
        elif self._closed:
            self._row += 1
            rate, calls = self._window.add(self._clock(), failed=True)
            if self._row >= rules.failures or (calls >= rules.calls and rate >= rules.error_rate):
                self._open()

    def left(self, probe: bool = False) -> None:
        """The call ended without saying anything of the deployment: its client left, or ran out of time."""
        if probe:
            self._probe_until = 0.0

    def rest(self, seconds: float, probe: bool = False) -> None:
        """The deployment has asked to be left alone for so long, of which no more than the longest cooldown is given.

        A probe that is told this has found somebody at home.
        """
        if not self._rules.enabled:
            return
        if probe:
            self._close()
        until = self._clock() + min(seconds, self._rules.longest_cooldown_seconds)
        self._again_at = max(self._again_at, until)

    def _close(self) -> None:
        self._closed, self._again_at, self._probe_until = True, 0.0, 0.0
        self._row = self._cooldowns = 0
        self._window = _Window(self._rules.window_seconds)

    def _open(self) -> None:
        rules = self._rules
        cooldown = min(rules.cooldown_seconds * 2**self._cooldowns, rules.longest_cooldown_seconds)
        self._cooldowns = min(self._cooldowns + 1, 30)
        self._closed, self._probe_until = False, 0.0
        self._again_at = self._clock() + cooldown * self._random.uniform(1 - _JITTER, 1 + _JITTER)


class _Window:
    """Calls and failures of the last one to two halves of so many seconds."""

    __slots__ = ("_calls", "_calls_before", "_failed", "_failed_before", "_half", "_until")

    def __init__(self, seconds: float) -> None:
        self._half = seconds / 2
        self._until = 0.0
        self._calls = self._failed = self._calls_before = self._failed_before = 0

    def add(self, now: float, *, failed: bool) -> tuple[float, int]:
        """The share that failed, and of how many."""
        if now >= self._until:
            recent = now < self._until + self._half
            self._calls_before, self._failed_before = (self._calls, self._failed) if recent else (0, 0)
            self._calls = self._failed = 0
            self._until = now + self._half
        self._calls += 1
        self._failed += failed
        calls = self._calls + self._calls_before
        return (self._failed + self._failed_before) / calls, calls
