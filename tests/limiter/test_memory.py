"""The engine of one process: all limits or none, exact waits, settling once, and forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pytest

from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, State, Verdict
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.packing import marked
from cognitude_plugins.limiter.windows import taken_in

from .waiting import KINDS, Clock, check_waits

MINUTE = 60_000
HOUR = 60 * MINUTE
T = 1_760_004_000_000  # A whole hour.
assert T % HOUR == 0

PER_MINUTE = Charge(subject="o", field="minute", kind=Kind.SLIDING, limit=100, amount=1, window=MINUTE)
PER_HOUR = Charge(subject="o", field="hour", kind=Kind.SLIDING, limit=300, amount=1, window=HOUR)
UNDER_WAY = Charge(subject="o", field="running", kind=Kind.LEASE, limit=2, amount=1, window=MINUTE)
OPEN = Charge(subject="o", field="open", kind=Kind.LEASE, limit=UNLIMITED, amount=1, window=HOUR)


def tokens(amount: int) -> Charge:
    return Charge(subject="o", field="tokens", kind=Kind.SLIDING, limit=10_000, amount=amount, window=MINUTE)


def corrections(charges: Sequence[Charge], verdict: Verdict, delta: int) -> list[Correction]:
    return [
        Correction(charge=charge, delta=-1 if charge.kind is Kind.LEASE else delta, start=taken_in(charge, state))
        for charge, state in zip(charges, verdict.states, strict=True)
    ]


def left(memory: Memory, charge: Charge) -> int:
    return memory.reserve("acme", "x", [charge], dry=True).states[0].remaining


@pytest.fixture
def clock() -> Clock:
    return Clock(T)


@pytest.fixture
def memory(clock: Clock) -> Memory:
    return Memory(clock)


def test_exactly_the_limit_is_admitted(memory: Memory) -> None:
    verdicts = [memory.reserve("acme", str(number), [PER_MINUTE, PER_HOUR]) for number in range(1000)]
    assert [verdict.admitted for verdict in verdicts] == [True] * 100 + [False] * 900
    assert verdicts[0] == Verdict(T, [State(99, T + MINUTE, 0), State(299, T + HOUR, 0)])
    assert verdicts[-1].refused == (0,)


def test_what_one_limit_refuses_no_other_counts(memory: Memory, clock: Clock) -> None:
    for _ in range(3):
        for number in range(100):
            assert memory.reserve("acme", str(number), [PER_MINUTE, PER_HOUR]).admitted
        clock.now += 2 * MINUTE
    for number in range(500):
        assert memory.reserve("acme", str(number), [PER_MINUTE, PER_HOUR]).refused == (1,)
    assert left(memory, PER_MINUTE) == 100


def test_organizations_and_subjects_do_not_see_each_other(memory: Memory) -> None:
    full = Charge(subject="o", field="minute", kind=Kind.SLIDING, limit=1, amount=1, window=MINUTE)
    other = Charge(subject="k:one", field="minute", kind=Kind.SLIDING, limit=1, amount=1, window=MINUTE)
    assert memory.reserve("acme", "x", [full]).admitted
    assert not memory.reserve("acme", "x", [full]).admitted
    assert memory.reserve("globex", "x", [full]).admitted
    assert memory.reserve("acme", "x", [other]).admitted


def test_a_dry_run_tells_how_it_stands_and_takes_nothing(memory: Memory) -> None:
    for _ in range(3):
        assert memory.reserve("acme", "x", [PER_MINUTE], dry=True) == Verdict(T, [State(100, T + MINUTE, 0)])
    assert memory.reserve("acme", "x", [tokens(10_001)], dry=True).states == [State(10_000, T + MINUTE, -1)]


def test_what_was_used_already_is_counted_though_it_does_not_fit(memory: Memory) -> None:
    assert memory.reserve("acme", "x", [tokens(25_000)], force=True) == Verdict(T, [State(0, T + MINUTE, 0)])
    assert not memory.reserve("acme", "x", [tokens(0)]).admitted


@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_is_exact(kind: str) -> None:
    check_waits(Memory, KINDS[kind], states=300, seed=1)


def test_what_can_never_fit_has_no_wait(memory: Memory) -> None:
    bucket = Charge(subject="o", field="b", kind=Kind.BUCKET, limit=100, burst=5, amount=6, window=MINUTE)
    day = Charge(subject="o", field="d", kind=Kind.CALENDAR, limit=5, amount=6, start=T, end=T + 1, after=T + 2)
    verdict = memory.reserve("acme", "x", [tokens(10_001), bucket, day])
    assert [state.retry for state in verdict.states] == [-1, -1, -1]


def test_the_reset_is_the_same_all_through_a_window(memory: Memory, clock: Clock) -> None:
    day = Charge(
        subject="o", field="d", kind=Kind.CALENDAR, limit=50, amount=1, start=T, end=T + HOUR, after=T + 2 * HOUR
    )
    resets = set()
    for number in range(100):
        clock.now = T + number * MINUTE // 100
        resets.add(tuple(state.reset for state in memory.reserve("acme", "x", [PER_MINUTE, day]).states))
    assert resets == {(T + MINUTE, T + HOUR)}


@pytest.mark.parametrize("charge", [PER_MINUTE, PER_HOUR], ids=["minute", "hour"])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.99])
def test_setting_the_clock_back_an_hour_admits_nothing_earlier(charge: Charge, phase: float) -> None:
    """At every real moment as much has been admitted as had it not been set back, or less."""
    admitted = {}
    for back in (0, HOUR):
        clock = Clock(T + int(phase * charge.window))
        memory, seen = Memory(clock), []
        for step in range(200):
            if step == 40:
                clock.now -= back
            seen.append(sum(memory.reserve("acme", "x", [charge]).admitted for _ in range(20)))
            clock.now += charge.window // 50
        admitted[back] = list(accumulate(seen))
        assert sum(seen[40:]) > 0
    assert all(with_it <= without for with_it, without in zip(admitted[HOUR], admitted[0], strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_that_was_full_when_the_clock_was_set_back_is_not_full_for_ever(kind: str) -> None:
    limit = KINDS[kind]
    clock = Clock(T + 1)
    memory = Memory(clock)

    def ask() -> bool:
        values = dict(limit)
        if values["kind"] is Kind.CALENDAR:
            start = clock.now - clock.now % values["window"]
            values |= {"start": start, "end": start + values["window"], "after": start + 2 * values["window"]}
        amount = values.get("burst", values["limit"])
        return memory.reserve("acme", "x", [Charge(subject="o", field="f", amount=amount, **values)]).admitted

    assert ask()
    clock.now -= 10 * 365 * 24 * HOUR
    assert not ask()
    clock.now += 3 * limit["window"]
    assert ask()


def test_settling_twice_is_settling_once(memory: Memory) -> None:
    charges = [OPEN, tokens(1000)]
    verdict = memory.reserve("acme", "one", charges)
    back = corrections(charges, verdict, -400)
    assert memory.settle("acme", "one", back)
    assert not memory.settle("acme", "one", back)
    assert left(memory, tokens(0)) == 9400


def test_a_late_settlement_lands_in_the_window_in_which_was_taken(memory: Memory, clock: Clock) -> None:
    charges = [OPEN, tokens(10_000)]
    verdict = memory.reserve("acme", "one", charges)
    clock.now = T + MINUTE + 30_000
    memory.reserve("acme", "two", [tokens(1000)])
    assert left(memory, tokens(0)) == 4000
    assert memory.settle("acme", "one", corrections(charges, verdict, -6000))
    assert left(memory, tokens(0)) == 7000
    clock.now = T + 3 * MINUTE
    memory.reserve("acme", "three", [tokens(500)])
    assert not memory.settle("acme", "one", corrections(charges, verdict, -6000))
    assert left(memory, tokens(0)) == 9500


def test_what_is_given_back_after_its_window_is_forgotten_does_not_count(memory: Memory, clock: Clock) -> None:
    charges = [OPEN, tokens(10_000)]
    verdict = memory.reserve("acme", "one", charges)
    clock.now += 2 * MINUTE
    memory.reserve("acme", "two", [tokens(1000)])
    assert memory.settle("acme", "one", corrections(charges, verdict, -10_000))
    assert left(memory, tokens(0)) == 9000


def test_giving_back_more_than_was_taken_gives_nothing_on_top(memory: Memory) -> None:
    charges = [OPEN, tokens(1000)]
    verdict = memory.reserve("acme", "one", charges)
    memory.settle("acme", "one", corrections(charges, verdict, -9000))
    assert left(memory, tokens(0)) == 10_000


def test_what_was_used_beyond_the_reservation_is_counted(memory: Memory) -> None:
    charges = [OPEN, tokens(9000)]
    verdict = memory.reserve("acme", "one", charges)
    memory.settle("acme", "one", corrections(charges, verdict, 3000))
    assert left(memory, tokens(0)) == 0
    assert not memory.reserve("acme", "two", [tokens(1)]).admitted


def test_what_a_crash_left_behind_ages_out(memory: Memory, clock: Clock) -> None:
    for id in ("one", "two"):
        assert memory.reserve("acme", id, [UNDER_WAY, tokens(5000)]).admitted
    assert memory.reserve("acme", "three", [UNDER_WAY, tokens(1)]).states == [
        State(0, 0, -1),
        State(0, T + MINUTE, MINUTE + 6),
    ]
    clock.now = T + MINUTE
    assert left(memory, UNDER_WAY) == 2
    clock.now = T + 2 * MINUTE
    assert left(memory, tokens(0)) == 10_000


def test_who_is_still_at_work_holds_the_lease(memory: Memory, clock: Clock) -> None:
    for id in ("one", "two"):
        memory.reserve("acme", id, [UNDER_WAY])
    clock.now = T + 40_000
    memory.renew("acme", ["one", "never heard of"], [UNDER_WAY])
    clock.now = T + MINUTE
    assert left(memory, UNDER_WAY) == 1
    clock.now = T + 100_000
    assert left(memory, UNDER_WAY) == 2


def test_a_reset_forgets_what_was_counted_and_not_what_is_under_way(memory: Memory) -> None:
    memory.reserve("acme", "one", [UNDER_WAY, PER_MINUTE])
    memory.reserve("globex", "one", [PER_MINUTE])
    memory.reset("acme", "o")
    memory.reset("acme", "nobody")
    assert left(memory, PER_MINUTE) == 100
    assert left(memory, UNDER_WAY) == 1
    assert memory.reserve("globex", "x", [PER_MINUTE], dry=True).states[0].remaining == 99


def test_what_is_over_is_forgotten_and_nothing_else(memory: Memory, clock: Clock) -> None:
    for address in range(1000):
        one = Charge(subject=f"a:{address}", field="m", kind=Kind.SLIDING, limit=5, amount=1, window=MINUTE)
        memory.reserve("acme", "x", [one])
    memory.reserve("acme", "x", [PER_HOUR, UNDER_WAY])
    clock.now = T + 3 * MINUTE - 1
    assert memory.sweep() == 0
    clock.now = T + 3 * MINUTE
    assert memory.sweep() == 1000
    assert left(memory, PER_HOUR) == 299
    clock.now = T + 2 * HOUR + MINUTE
    assert memory.sweep() == 1
    assert memory.sweep() == 0


def test_a_debt_is_kept_until_it_is_paid(memory: Memory, clock: Clock) -> None:
    bucket = Charge(subject="o", field="b", kind=Kind.BUCKET, limit=100, burst=1000, amount=1, window=MINUTE)
    memory.reserve("acme", "x", [bucket])
    memory.settle("acme", "x", [Correction(charge=bucket, delta=10_000)])
    clock.now = T + 11 * MINUTE - 1
    assert memory.sweep() == 0
    assert left(memory, bucket) == 999
    clock.now = T + 12 * MINUTE
    assert memory.sweep() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_sweeping_changes_no_verdict(kind: str) -> None:
    limit: dict[str, Any] = KINDS[kind]
    window = limit["window"]
    clocks = Clock(T), Clock(T)
    swept, kept = (Memory(clock) for clock in clocks)
    for step in range(300):
        values = dict(limit)
        if limit["kind"] is Kind.CALENDAR:
            start = clocks[0].now - clocks[0].now % window
            values |= {"start": start, "end": start + window, "after": start + 2 * window}
        amount = limit["limit"] // 7 * (step % 3) + 1
        charge = Charge(subject="o", field="f", amount=amount, **values)
        assert swept.reserve("acme", "x", [charge]) == kept.reserve("acme", "x", [charge])
        for clock in clocks:
            clock.now += window * (step % 11) // 4
        swept.sweep()


DAY = Charge(
    subject="b:x", field="day", kind=Kind.CALENDAR, limit=1000, amount=0, start=T, end=T + HOUR, after=T + 2 * HOUR
)
SPENT = replace(DAY, field="day/spent", limit=UNLIMITED)


def known(memory: Memory, amount: int) -> tuple[int, int]:
    """What is then counted as spent, and as taken."""
    memory.raise_to("acme", "b:x", (replace(SPENT, amount=amount), DAY, OPEN))
    return UNLIMITED - left(memory, SPENT), 1000 - left(memory, DAY)


def test_what_is_known_to_be_spent_is_the_least(memory: Memory) -> None:
    assert known(memory, 0) == (0, 0)
    assert memory._subjects == {}, "nothing is kept of what was never used"
    assert known(memory, 300) == (300, 300)
    assert known(memory, 200) == (300, 300)
    assert known(memory, 301) == (301, 301)


def test_what_calls_under_way_hold_comes_on_top_and_what_none_holds_goes(memory: Memory, clock: Clock) -> None:
    for held, subjects in ((40, ("b:x",)), (5, ("b:y", "b:x")), (600, ("b:xy", "k:b:x"))):
        charges = [replace(DAY, amount=held), SPENT, OPEN]
        assert memory.reserve("acme", marked(f"call {held}", held, subjects), charges).admitted
    assert memory.reserve("acme", "300 b:x", [replace(DAY, amount=1)]).admitted
    assert known(memory, 100) == (100, 145)
    clock.now += HOUR - 1
    assert known(memory, 100) == (100, 145)
    clock.now += 1
    assert known(memory, 0) == (0, 0), "another window, and the leases are over"


def test_a_reset_may_spare_some_subjects(memory: Memory) -> None:
    memory.reserve("acme", "x", [PER_MINUTE, replace(DAY, amount=7)])
    memory.reset("acme", "", but="b:")
    assert (left(memory, PER_MINUTE), left(memory, DAY)) == (100, 993)
    memory.reset("acme", "")
    assert left(memory, DAY) == 1000
