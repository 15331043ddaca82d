"""How much of a limit is used at a moment: the arithmetic of sliding and calendar windows and of buckets, on numbers.

Times are whole milliseconds. ``script.lua`` has the same formulas in the same order, so that both round alike.

**Sliding.** The count of the present window, and of the last one the part that still lies within a window's length
before now: c + p · (window - elapsed) / window. It takes what came in the last window to have come evenly.

**Bucket.** Kept as what is missing in it, times ``window``: then what comes back in a millisecond is ``limit``, a whole
number, and nothing is lost to rounding. It may be in debt (more was used than was reserved), by at most what a window
refills.

**When the clock is set back** nothing that counts is forgotten. A sliding window that begins in the future stands still
until then, but is made to begin no later than the next one will. A calendar's count goes on in the window that follows
the present one if it is of that, else in the present one. A bucket refills from the new time on.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TypeAlias

from .charge import Charge, Correction, Kind, State

_SLIDING, _BUCKET = Kind.SLIDING, Kind.BUCKET

Counter: TypeAlias = tuple[int, int, float]
"""What is kept of a limit: the start of its window, the count in it, and (if it slides) the count of the one before.

Of a bucket: when it was looked at last, and what was missing in it then. Counts are whole numbers.
"""

Found: TypeAlias = tuple[Counter, float, int, bool, bool]
"""A counter as it stands now; what still counts of the window before; reset, as in `State`; whether the charge's amount
fits; whether the clock was set back, so that the counter is to be kept like this even if the call is refused: else it
would not end before the clock has caught up."""


def taken_in(charge: Charge, state: State) -> int:
    """The start of the window in which an admitted call was counted, for its `Correction`."""
    if charge.kind is Kind.CALENDAR:
        return charge.end if state.reset == charge.after else charge.start
    return state.reset - charge.window if charge.kind is Kind.SLIDING else 0


def look(counter: Counter | None, charge: Charge, now: int) -> Found:
    """How it stands at this time."""
    if charge.kind is not _SLIDING:
        return (_look_calendar if charge.kind is Kind.CALENDAR else _look_bucket)(counter, charge, now)
    window, moved = charge.window, False
    if counter is None or counter[0] != now - now % window:
        found, counter = counter, roll(counter, window, now)
        moved = found is not None and found[0] > counter[0]
    start, count, previous = counter
    last = part(counter, window, now) if previous else 0
    return counter, last, start + window, last <= charge.limit - charge.amount - count, moved


def look_lease(under_way: int, charge: Charge) -> Found:
    return (0, under_way, 0), 0, 0, under_way <= charge.limit - charge.amount, False


def take(found: Found, charge: Charge, now: int) -> tuple[Counter, State]:
    """With the amount added."""
    (start, count, previous), last, reset, _, _ = found
    if charge.kind is _BUCKET:
        count = int(min(count + _units(charge, charge.amount), _deepest(charge)))
        return (now, count, 0), State(_in_bucket(count, charge), now + ceil(count / charge.limit), 0)
    count += charge.amount
    left = charge.limit - count - ceil(last) if last else charge.limit - count
    return (start, count, previous), State(left if left > 0 else 0, reset, 0)


def stay(found: Found, charge: Charge, now: int) -> State:
    """As it was found, with the time after which the amount fits."""
    (_, count, _), last, reset, fits, _ = found
    left = _in_bucket(count, charge) if charge.kind is Kind.BUCKET else max(0, charge.limit - count - ceil(last))
    return State(left, reset, 0 if fits else _wait(found, charge, now))


def correct(counter: Counter, correction: Correction) -> Counter:
    """Never below zero. What is from a window before the last is forgotten already.

    A window later than the counter's is one from before the clock was set back: what is owed from it counts now.
    """
    start, count, previous = counter
    charge, delta = correction.charge, correction.delta
    if charge.kind is Kind.BUCKET:
        return start, int(max(0.0, min(count + _units(charge, delta), _deepest(charge)))), 0
    if correction.start == start or (correction.start > start and delta > 0):
        return start, max(0, count + delta), previous
    if correction.start == start - charge.window:
        return start, count, max(0.0, previous + delta)
    return counter


def _wait(found: Found, charge: Charge, now: int) -> int:
    if charge.kind is Kind.LEASE or charge.amount > charge.most:
        return -1
    if charge.kind is Kind.CALENDAR:
        return max(1, found[2] - now)
    return _wait_bucket(found[0][1], charge) if charge.kind is Kind.BUCKET else _wait_sliding(found[0], charge, now)


# Sliding windows


def roll(counter: Counter | None, window: int, at: int) -> Counter:
    """The counter in the window of this time. The count of the last window is a float: it is rounded as in Lua."""
    current = at - at % window
    if counter is None or counter[0] < current - window:
        return current, 0, 0.0
    start, count, previous = counter
    if start < current:
        return current, 0, float(count)
    return min(start, current + window), count, previous


def part(counter: Counter, window: int, at: int) -> float:
    """What still counts of the last window. It is never added to the count: a small one would be rounded away."""
    start, _, previous = counter
    return previous * (window - (at - start if at > start else 0)) / window if previous else 0


def _wait_sliding(counter: Counter, charge: Charge, now: int) -> int:
    """The moment in this window or in the next, solved, then tried: rounded divisions may be wrong by one."""
    start, count, previous = counter
    window, room = charge.window, charge.limit - charge.amount
    if count <= room:
        guess = start - now + window - float(room - count) * window / previous
    else:
        guess = start - now + 2 * window - float(room) * window / count
    least = max(1, ceil(guess) - 1)
    for at in (now + least, now + least + 1):
        then = roll(counter, window, at)
        if part(then, window, at) <= room - then[1]:
            return at - now
    return least + 2


# Calendar windows


def _look_calendar(counter: Counter | None, charge: Charge, now: int) -> Found:
    """The caller tells of two windows: the first may be over by now, or the count be that of the second already."""
    start, reset = charge.start, charge.end
    found, count, _ = counter or (-1, 0, 0)
    if now >= charge.end or found == charge.end:
        start, reset = charge.end, charge.after
    if found < start:
        count = 0
    return (start, count, 0), 0, reset, count <= charge.limit - charge.amount, found > start


# Buckets


def _look_bucket(counter: Counter | None, charge: Charge, now: int) -> Found:
    last, missing, _ = counter or (now, 0, 0)
    missing = int(max(0.0, missing - float(max(0, now - last)) * charge.limit))
    return (now, missing, 0), 0, now + ceil(missing / charge.limit), _holds(missing, charge), last > now


def _wait_bucket(missing: int, charge: Charge) -> int:
    room = _units(charge, charge.burst) - _units(charge, charge.amount)
    least = max(1, ceil((missing - room) / charge.limit) - 1)
    for wait in (least, least + 1):
        if _holds(max(0.0, missing - float(wait) * charge.limit), charge):
            return wait
    return least + 2


def _holds(missing: float, charge: Charge) -> bool:
    return missing <= _units(charge, charge.burst) - _units(charge, charge.amount)


def _in_bucket(missing: int, charge: Charge) -> int:
    return max(0, floor((_units(charge, charge.burst) - missing) / charge.window))


def _deepest(charge: Charge) -> float:
    return _units(charge, charge.burst) + float(charge.limit) * charge.window


def _units(charge: Charge, amount: int) -> float:
    """As a bucket is kept."""
    return float(amount) * charge.window
