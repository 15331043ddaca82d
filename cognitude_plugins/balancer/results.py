"""What an experiment has come to: for each arm its users' means, and their difference to the control's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .intervals import Interval, Moments, newcombe, welch

__all__ = ["METRICS", "ArmResult", "ArmSums", "Compared", "Moments", "compared"]

METRICS: Final = ("error_rate", "cost_usd", "latency_seconds", "score")
"""Each a mean over users of what a user's calls came to on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSums:
    users: int = 0
    calls: int = 0
    errors: int = 0
    moments: Mapping[str, Moments] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """None where nothing is known; ``difference`` and ``interval`` are to the control, which has none."""

    mean: float | None
    difference: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    arm: str
    users: int
    calls: int
    errors: int
    metrics: Mapping[str, Compared]


def compared(arms: Sequence[str], control: str, sums: Mapping[str, ArmSums]) -> list[ArmResult]:
    """One result for each arm, in their order."""
    nothing = ArmSums()
    base = sums.get(control, nothing)
    found = []
    for arm in arms:
        own = sums.get(arm, nothing)
        metrics = {name: _compared(name, own, None if arm == control else base) for name in METRICS}
        found.append(ArmResult(arm=arm, users=own.users, calls=own.calls, errors=own.errors, metrics=metrics))
    return found


def _compared(name: str, own: ArmSums, base: ArmSums | None) -> Compared:
    mine = own.moments.get(name, Moments())
    if mine.n == 0:
        return Compared(mean=None)
    theirs = Moments() if base is None else base.moments.get(name, Moments())
    if base is None or theirs.n == 0:
        return Compared(mean=mine.mean)
    interval = newcombe(mine, own.calls, theirs, base.calls) if name == "error_rate" else welch(mine, theirs)
    return Compared(mean=mine.mean, difference=mine.mean - theirs.mean, interval=interval)
