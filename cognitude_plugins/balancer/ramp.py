"""The strategy ``canary``: a share of the calls that grows with time and ends when the new deployment fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from hooks import Call, Vitals

from .hashing import place_of, user_of
from .splits import Preference

Steps = Sequence[tuple[float, float | None]]
"""Each a share of the calls and for how many hours; None for ever."""

_JUDGE_SECONDS: Final = 0.25
"""An error rate is over two minutes, and takes some 0.1 ms to compute."""

log: Final = logging.getLogger("cognitude.balancer")


def share_at(steps: Steps, start: datetime | None, now: datetime) -> float:
    """0 before ``start``; the last step's share when all of them are over."""
    if start is None:
        return steps[0][0]
    if now < start:
        return 0.0
    left = now - start
    for share, hours in steps:
        if hours is None or left < timedelta(hours=hours):
            return share
        left -= timedelta(hours=hours)
    return steps[-1][0]


class Ramp:
    """``stays`` is whether a user who came to the canary stays there. Once it has failed it is not tried again."""

    def __init__(
        self,
        deployment: str,
        steps: Steps,
        *,
        start: datetime | None,
        stays: bool,
        max_error_rate: float,
        min_calls: int,
        vitals: Vitals,
        random: Random,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self.deployment: Final = deployment
        self.aborted = False
        self.calls = 0
        self._steps = steps
        self._start = start
        self._stays = stays
        self._max_error_rate = max_error_rate
        self._min_calls = min_calls
        self._vitals = vitals
        self._random = random
        self._now = now
        self._clock = clock
        self._judged = -_JUDGE_SECONDS
        self._chosen = Preference(rank=lambda one: one.id != deployment, worst=2, label=f" {deployment}")
        self._spared = Preference(rank=lambda one: one.id == deployment, worst=2)

    def of(self, call: Call) -> Preference:
        share = self.share()
        if share <= 0:
            return self._spared
        drawn = (
            place_of("canary", self.deployment, call.caller.organization, user_of(call.caller)) if self._stays else None
        )
        chosen = (self._random.random() if drawn is None else drawn) < share
        if chosen and not call.dry_run:
            self.calls += 1
        return self._chosen if chosen else self._spared

    def share(self) -> float:
        """Of the calls, as of now."""
        if not self.aborted and self.calls >= self._min_calls:
            self._judge()
        return 0.0 if self.aborted else share_at(self._steps, self._start, self._now())

    def status(self) -> dict[str, Any]:
        return {"share": self.share(), "calls": self.calls, "aborted": self.aborted}

    def _judge(self) -> None:
        if self._clock() - self._judged < _JUDGE_SECONDS:
            return
        self._judged = self._clock()
        rate = self._vitals.error_rate
        if rate > self._max_error_rate:
            self.aborted = True
            log.warning(
                "canary %s: %.1f %% of its calls fail, more than %.1f %%: it gets no more calls",
                self.deployment,
                rate * 100,
                self._max_error_rate * 100,
            )
