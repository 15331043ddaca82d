"""What experiments have counted since it was last written: sums for each user of each arm, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from hooks import Outcome

_MOST: Final = 100_000
_BROKEN: Final = frozenset({"provider_error", "plugin_error"})


class Exposed(NamedTuple):
    """A call's part in an experiment. ``unit`` is a digest of its user or key."""

    organization: str
    experiment: str
    arm: str
    unit: str


@dataclass(slots=True, kw_only=True)
class Sums:
    """``priced`` counts the calls whose cost is known, ``timed`` those whose latency counts, ``scored`` the scores."""

    calls: int = 0
    errors: int = 0
    priced: int = 0
    cost_nano_usd: int = 0
    timed: int = 0
    microseconds: int = 0
    scored: int = 0
    score: float = 0.0

    def add(self, other: Sums) -> None:
        self.calls += other.calls
        self.errors += other.errors
        self.priced += other.priced
        self.cost_nano_usd += other.cost_nano_usd
        self.timed += other.timed
        self.microseconds += other.microseconds
        self.scored += other.scored
        self.score += other.score


class Pending:
    """Bounded: when the database is away for long, what is new is ``lost``, and counted."""

    def __init__(self) -> None:
        self.lost = 0
        self._sums: dict[Exposed, Sums] = {}

    def add(self, exposed: Exposed, sums: Sums) -> None:
        found = self._sums.get(exposed)
        if found is not None:
            found.add(sums)
        elif len(self._sums) < _MOST:
            self._sums[exposed] = sums
        else:
            self.lost += sums.calls

    def take(self) -> Mapping[str, Mapping[Exposed, Sums]]:
        """All of it by organization; it is no longer here afterwards."""
        taken, self._sums = self._sums, {}
        found: dict[str, dict[Exposed, Sums]] = {}
        for exposed, sums in taken.items():
            found.setdefault(exposed.organization, {})[exposed] = sums
        return found


def sums_of(outcome: Outcome) -> Sums:
    """Of one call. A client that left is no error, and says nothing of the latency."""
    failed = outcome.status >= 400 or outcome.error in _BROKEN
    timed = not failed and (outcome.complete or outcome.drained)
    cost = outcome.cost_nano_usd
    return Sums(
        calls=1,
        errors=int(failed),
        priced=int(cost is not None),
        cost_nano_usd=cost or 0,
        timed=int(timed),
        microseconds=int(outcome.seconds * 1e6) if timed else 0,
    )


def digest_of(unit: str, organization: str) -> str:
    """So that no user's name is kept with an experiment."""
    return blake2b(f"{organization}\0{unit}".encode(errors="surrogatepass"), digest_size=16).hexdigest()
