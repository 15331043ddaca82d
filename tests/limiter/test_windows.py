"""The arithmetic on numbers: what is used at a moment, and what stands when the clock is set back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import limits
import limits.storage.memory
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from limits.strategies import SlidingWindowCounterRateLimiter

from cognitude_plugins.limiter.charge import Charge, Correction, Kind, State
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.windows import Counter, correct, look, part, roll, stay, take, taken_in

from .waiting import Clock

MINUTE = 60_000
T = 1_760_000_040_000  # A whole minute.
assert T % MINUTE == 0


def a(kind: Kind, amount: int = 1, **values: Any) -> Charge:
    values = {"limit": 100, "window": MINUTE} | values
    if kind is Kind.CALENDAR:
        values = {"start": T, "end": T + MINUTE, "after": T + 2 * MINUTE} | values
    return Charge(subject="o", field="f", kind=kind, amount=amount, **values)


def test_the_last_window_counts_by_the_part_of_it_that_a_windows_length_still_covers() -> None:
    assert part((T, 10, 40.0), MINUTE, T) == 40
    assert part((T, 10, 40.0), MINUTE, T + 15_000) == 30
    assert part((T, 10, 40.0), MINUTE, T + MINUTE - 1) == 40 / MINUTE


def test_a_part_that_comes_out_whole_is_whole() -> None:
    """0.07 · 100 is 7.000000000000001 in doubles: the hundredth call would be refused though it fits."""
    counter = (T, 93, 100.0)
    at = T + 55_800
    assert part(counter, MINUTE, at) == 7
    assert look((T, 92, 100.0), a(Kind.SLIDING), at)[3]


@pytest.mark.parametrize(
    ("at", "rolled"),
    [
        (T, (T, 10, 40.0)),
        (T + MINUTE - 1, (T, 10, 40.0)),
        (T + MINUTE, (T + MINUTE, 0, 10.0)),
        (T + 2 * MINUTE - 1, (T + MINUTE, 0, 10.0)),
        (T + 2 * MINUTE, (T + 2 * MINUTE, 0, 0.0)),
    ],
)
def test_a_window_becomes_the_last_one_and_then_nothing(at: int, rolled: Counter) -> None:
    assert roll((T, 10, 40.0), MINUTE, at) == rolled


def test_a_sliding_window_that_begins_in_the_future_stands_still_until_then() -> None:
    found = look((T, 10, 40.0), a(Kind.SLIDING), T - 5)
    assert found == ((T, 10, 40.0), 40, T + MINUTE, True, False)


def test_a_sliding_window_of_an_hour_ahead_begins_with_the_next_one() -> None:
    counter, last, reset, _, moved = look((T, 10, 40.0), a(Kind.SLIDING), T - 60 * MINUTE + 7)
    assert counter == (T - 59 * MINUTE, 10, 40.0)
    assert (last, reset, moved) == (40, T - 58 * MINUTE, True)


@pytest.mark.parametrize(
    ("now", "counter", "start", "count", "moved"),
    [
        (T + 5, None, T, 0, False),
        (T + 5, (T, 3, 0), T, 3, False),
        (T + 5, (T - MINUTE, 3, 0), T, 0, False),
        (T + MINUTE, (T, 3, 0), T + MINUTE, 0, False),
        (T - 5, (T, 3, 0), T, 3, False),
        (T + 5, (T + MINUTE, 3, 0), T + MINUTE, 3, False),
        (T + 5, (T + 60 * MINUTE, 3, 0), T, 3, True),
    ],
    ids=["new", "present", "over", "next", "caller ahead", "set back over the boundary", "set back by an hour"],
)
def test_a_calendar_count_is_of_the_window_that_it_is_in(
    now: int, counter: Counter | None, start: int, count: int, moved: bool
) -> None:
    found = look(counter, a(Kind.CALENDAR), now)
    assert found[0] == (start, count, 0)
    assert found[2] == start + MINUTE
    assert found[4] is moved


def test_as_many_as_a_bucket_holds_fit_at_once_whatever_the_rate() -> None:
    """As a time, 60 000 / 7 ms each since 1970, the seventh would be lost to rounding."""
    charge = a(Kind.BUCKET, limit=7, burst=7)
    counter = None
    for left in range(6, -1, -1):
        found = look(counter, charge, T + 1)
        assert found[3]
        counter, state = take(found, charge, T + 1)
        assert state.remaining == left
    found = look(counter, charge, T + 1)
    assert not found[3]
    assert stay(found, charge, T + 1) == State(0, T + 1 + MINUTE, 8572)


def test_a_bucket_is_as_full_after_the_clock_was_set_back_and_refills_from_then_on() -> None:
    charge = a(Kind.BUCKET, limit=60, burst=60)
    counter, _, _, _, moved = look((T, 30 * MINUTE, 0), charge, T - 60 * MINUTE)
    assert (counter, moved) == ((T - 60 * MINUTE, 30 * MINUTE, 0), True)
    assert look(counter, charge, T - 60 * MINUTE + 10_000)[0][1] == 20 * MINUTE


def test_a_bucket_is_in_debt_by_at_most_what_a_window_refills() -> None:
    charge = a(Kind.BUCKET, limit=100, burst=10)
    assert correct((T, 0, 0), Correction(charge=charge, delta=10**9)) == (T, 110 * MINUTE, 0)


@pytest.mark.parametrize(
    ("start", "delta", "counter"),
    [
        (T, -4, (T, 6, 40)),
        (T, -40, (T, 0, 40)),
        (T - MINUTE, -4, (T, 10, 36)),
        (T - MINUTE, -400, (T, 10, 0)),
        (T - 2 * MINUTE, -4, (T, 10, 40)),
        (T + MINUTE, 4, (T, 14, 40)),
        (T + MINUTE, -4, (T, 10, 40)),
    ],
)
def test_a_correction_lands_in_the_window_in_which_it_was_taken(start: int, delta: int, counter: Counter) -> None:
    correction = Correction(charge=a(Kind.SLIDING), delta=delta, start=start)
    assert correct((T, 10, 40.0), correction) == counter


@pytest.mark.parametrize(
    ("start", "delta", "count"),
    [(T, -4, 6), (T, -40, 0), (T - MINUTE, -4, 10), (T + MINUTE, 4, 14), (T + MINUTE, -4, 10)],
)
def test_a_correction_of_a_calendar_window_counts_while_that_is_the_present_one(
    start: int, delta: int, count: int
) -> None:
    correction = Correction(charge=a(Kind.CALENDAR), delta=delta, start=start)
    assert correct((T, 10, 0), correction) == (T, count, 0)


def test_what_an_answer_tells_is_enough_to_know_in_which_window_it_was_taken() -> None:
    assert taken_in(a(Kind.SLIDING), State(1, T + MINUTE, 0)) == T
    assert taken_in(a(Kind.CALENDAR), State(1, T + MINUTE, 0)) == T
    assert taken_in(a(Kind.CALENDAR), State(1, T + 2 * MINUTE, 0)) == T + MINUTE
    assert taken_in(a(Kind.BUCKET, burst=1), State(1, T + 1, 0)) == 0


@given(steps=some.lists(some.tuples(some.integers(0, 45), some.integers(1, 40)), min_size=5, max_size=30))
@settings(max_examples=50, deadline=None)
def test_the_library_limits_agrees_but_for_the_fraction_that_it_drops(steps: list[tuple[int, int]]) -> None:
    """It rounds what is used down where we do not: it may see one more that fits, never less.

    Its memory reads the clock itself, so it is given one. Its times are in seconds, a float, of which a product is
    wrong in the ninth decimal: a whole number may be a little less there, and is rounded down to the one before.
    """
    clock = Clock(T)
    ours = Memory(clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits.storage.memory, "time", SimpleNamespace(time=lambda: clock.now / 1000))
        theirs = SlidingWindowCounterRateLimiter(limits.storage.memory.MemoryStorage())
        item = limits.RateLimitItemPerMinute(100)
        for seconds, amount in steps:
            clock.now += 1000 * seconds
            charge = a(Kind.SLIDING, amount)
            left = ours.reserve("acme", "x", [charge], dry=True).states[0].remaining
            assert theirs.get_window_stats(item, "acme").remaining - left in (0, 1)
            if ours.reserve("acme", "x", [charge]).admitted:
                assert theirs.hit(item, "acme", cost=amount)
