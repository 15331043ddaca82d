"""Retry-After is exact: whatever came before, refused until then and admitted from then on (L1)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from cognitude_plugins.limiter.charge import Charge, Kind

START: Final = 1_760_000_000_000
DAY: Final = 86_400_000
BEFORE: Final = (1, 50)
AFTER: Final = (0, 20)

KINDS: Final = {
    "sliding minute of requests": {"kind": Kind.SLIDING, "limit": 7, "window": 60_000},
    "sliding minute of tokens": {"kind": Kind.SLIDING, "limit": 199_999, "window": 60_000},
    "sliding day of nano-dollars": {"kind": Kind.SLIDING, "limit": 25_000_000_007, "window": DAY},
    "calendar minute": {"kind": Kind.CALENDAR, "limit": 5, "window": 60_000},
    "calendar day": {"kind": Kind.CALENDAR, "limit": 100_000, "window": DAY},
    "bucket of requests": {"kind": Kind.BUCKET, "limit": 7, "window": 60_000, "burst": 7},
    "bucket of tokens": {"kind": Kind.BUCKET, "limit": 200_000, "window": 60_000, "burst": 30_001},
}


class Clock:
    """Milliseconds since 1970, as a test sets them."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def charge(limit: dict[str, Any], amount: int, now: int, field: str = "limit") -> Charge:
    """One amount of this limit, of a caller who knows what time it is."""
    values = dict(limit)
    if values["kind"] is Kind.CALENDAR:
        window = values.pop("window")
        start = now - now % window
        values |= {"start": start, "end": start + window, "after": start + 2 * window}
    return Charge(subject="o", field=field, amount=amount, **values)


def check_waits(make: Callable[[Clock], Any], limit: dict[str, Any], states: int, seed: int) -> None:
    """``states`` random states in which a random amount was refused; each time an organization of its own."""
    random = Random(seed)
    clock = Clock()
    engine = make(clock)
    checked = 0
    while checked < states:
        organization = f"org-{random.getrandbits(64)}"
        clock.now = START + random.randrange(2 * DAY)
        for _ in range(random.randrange(1, 8)):
            amount = _amount(limit, random)
            engine.reserve(organization, "x", [charge(limit, amount, clock.now)], force=random.random() < 0.2)
            clock.now += random.randrange(int(limit["window"] * 0.7))
        checked += _check(engine, clock, organization, limit, _amount(limit, random))


def _amount(limit: dict[str, Any], random: Random) -> int:
    most = limit.get("burst", limit["limit"])
    return random.choice((1, random.randint(1, most), random.randint(1, max(1, most // 3)), most))


def _check(engine: Any, clock: Clock, organization: str, limit: dict[str, Any], amount: int) -> bool:
    def admitted(at: int) -> bool:
        clock.now = at
        return bool(engine.reserve(organization, "x", [charge(limit, amount, at)], dry=True).admitted)

    now = clock.now
    verdict = engine.reserve(organization, "x", [charge(limit, amount, now)])
    if verdict.admitted:
        return False
    wait = verdict.states[0].retry
    assert wait >= 1
    for early in BEFORE:
        assert early >= wait or not admitted(now + wait - early)
    for late in AFTER:
        assert admitted(now + wait + late)
    return True
