"""``script.lua`` in a real Redis: what it leaves there, for how long, and how large."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, State, Verdict
from cognitude_plugins.limiter.windows import taken_in

from .scripted import PREFIX, SOURCE, Scripted, private_redis
from .waiting import KINDS, Clock, check_waits

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T = 1_760_004_000_000  # A whole hour.


def sliding(field: str, limit: int, window: int, amount: int = 1, subject: str = "o") -> Charge:
    return Charge(subject=subject, field=field, kind=Kind.SLIDING, limit=limit, amount=amount, window=window)


def today(limit: int, amount: int, at: int, subject: str = "o") -> Charge:
    start = at - at % DAY
    ends = {"start": start, "end": start + DAY, "after": start + 2 * DAY}
    return Charge(subject=subject, field="day", kind=Kind.CALENDAR, limit=limit, amount=amount, **ends)


OPEN = Charge(subject="o", field="open", kind=Kind.LEASE, limit=UNLIMITED, amount=1, window=HOUR)
RUNNING = Charge(subject="o", field="running", kind=Kind.LEASE, limit=2, amount=1, window=MINUTE)
BUCKET = Charge(subject="o", field="burst", kind=Kind.BUCKET, limit=100, amount=1, window=MINUTE, burst=1000)
PER_MINUTE, PER_HOUR = sliding("minute", 100, MINUTE), sliding("hour", 300, HOUR)
ISSUE = [
    PER_MINUTE,
    sliding("tokens", 200_000, MINUTE, 15),
    today(25_000_000_000, 123_456, T, "k:8f14e45f"),
    Charge(subject="o", field="concurrency", kind=Kind.LEASE, limit=50, amount=1, window=90_000),
]


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Redis]:
    with private_redis() as client:
        yield client


@pytest.fixture
def client(server: redis.Redis) -> redis.Redis:
    server.flushall()
    return server


@pytest.fixture
def clock() -> Clock:
    return Clock(T)


@pytest.fixture
def script(client: redis.Redis, clock: Clock) -> Scripted:
    return Scripted(client, clock)


def left(script: Scripted, charge: Charge) -> int:
    verdict = script.reserve("acme", "x", [charge], dry=True)
    assert verdict is not None
    return verdict.states[0].remaining


def admitted(script: Scripted, id: str, charges: list[Charge]) -> Verdict:
    verdict = script.reserve("acme", id, charges)
    assert verdict is not None
    assert verdict.admitted
    return verdict


def test_the_script_can_be_read_at_a_sitting() -> None:
    lines = SOURCE.splitlines()
    assert sum(bool(line.strip()) and not line.lstrip().startswith("--") for line in lines) <= 150
    assert max(map(len, lines)) <= 120


def test_no_key_is_made_up_in_the_script() -> None:
    """A cluster has to know all of them before: each is one of KEYS, held as ``x.key`` or as a key of a table by it."""
    calls = re.findall(r"redis\.call\('(\w+)'(?:, ([\w.]+))?", SOURCE)
    assert {command for command, _ in calls} == {
        *("TIME", "HGETALL", "HSET", "PTTL", "PEXPIRE"),
        *("ZCOUNT", "ZADD", "ZREM", "ZRANGEBYSCORE", "ZREMRANGEBYSCORE"),
    }
    assert {key for command, key in calls if command != "TIME"} == {"x.key", "key"}


def test_it_goes_by_the_clock_of_the_server(client: redis.Redis) -> None:
    before = time.time_ns() // 1_000_000
    verdict = admitted(Scripted(client), "x", [PER_MINUTE])
    assert before <= verdict.now <= time.time_ns() // 1_000_000
    assert verdict.states[0].reset == verdict.now - verdict.now % MINUTE + MINUTE


def test_who_asks_too_late_changes_nothing(script: Scripted, clock: Clock) -> None:
    assert script.reserve("acme", "x", [PER_MINUTE], not_after=T - 1) is None
    assert script.names() == []
    assert script.reserve("acme", "x", [PER_MINUTE], not_after=T) == Verdict(T, [State(99, T + MINUTE, 0)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_wait_is_exact(client: redis.Redis, kind: str) -> None:
    check_waits(lambda clock: Scripted(client, clock), KINDS[kind], states=30, seed=2)


def test_the_reset_is_the_same_all_through_a_window(script: Scripted, clock: Clock) -> None:
    resets = set()
    for number in range(100):
        clock.now = T + number * MINUTE // 100
        verdict = script.reserve("acme", "x", [sliding("minute", 50, MINUTE), today(1000, 1, clock.now)])
        assert verdict is not None
        resets.add(tuple(state.reset for state in verdict.states))
    assert resets == {(T + MINUTE, T - T % DAY + DAY)}


@pytest.mark.parametrize(
    ("charges", "lifetime"),
    [
        ([PER_MINUTE], 2 * MINUTE),
        ([PER_MINUTE, PER_HOUR], 2 * HOUR),
        ([today(5, 1, T)], 2 * DAY),
        ([BUCKET], 11 * MINUTE),
        ([RUNNING], 2 * MINUTE),
    ],
    ids=["sliding", "the longest of two", "calendar", "until a bucket is full", "lease"],
)
def test_a_key_is_kept_while_it_counts_and_a_minute_more(
    script: Scripted, client: redis.Redis, charges: list[Charge], lifetime: int
) -> None:
    admitted(script, "x", charges)
    (key,) = script.names()
    assert lifetime + MINUTE - 5000 < client.pttl(key) <= lifetime + MINUTE


def test_every_key_has_an_end_and_each_its_own(script: Scripted, client: redis.Redis) -> None:
    """What lives a minute does not live a day because another limit of the call does."""
    verdict = admitted(script, "x", ISSUE)
    script.renew("acme", ["x"], [ISSUE[-1]])
    script.settle("acme", "x", [Correction(charge=ISSUE[1], delta=-5, start=taken_in(ISSUE[1], verdict.states[1]))])
    ends = {key.removeprefix(f"{PREFIX}:{{acme}}:"): client.pttl(key) for key in script.names()}
    assert ends.keys() == {"o", "k:8f14e45f", "o:concurrency"}
    assert 2 * MINUTE < ends["o"] <= 3 * MINUTE
    assert 2 * 90_000 < ends["o:concurrency"] <= 2 * 90_000 + MINUTE
    assert 2 * DAY < ends["k:8f14e45f"] <= 2 * DAY + MINUTE


def test_a_shorter_limit_of_the_same_subject_does_not_cut_its_end(script: Scripted, client: redis.Redis) -> None:
    admitted(script, "x", [PER_HOUR])
    admitted(script, "x", [PER_MINUTE])
    (key,) = script.names()
    assert client.pttl(key) > 2 * HOUR


def test_a_refusal_writes_nothing(script: Scripted, client: redis.Redis, clock: Clock) -> None:
    for number in range(2):
        admitted(script, f"call-{number}", [*ISSUE[:3], BUCKET, RUNNING])
    before = {key: client.dump(key) for key in script.names()}
    ends = {key: client.pttl(key) for key in before}
    clock.now += 90
    for _ in range(20):
        verdict = script.reserve("acme", "other", [*ISSUE[:3], BUCKET, RUNNING, sliding("new", 5, HOUR)])
        assert verdict is not None
        assert verdict.refused == (4,)
        assert script.reserve("globex", "other", [sliding("minute", 0, MINUTE)], dry=True) is not None
    assert {key: client.dump(key) for key in script.names()} == before
    assert all(client.pttl(key) <= end for key, end in ends.items())


def test_the_hour_is_full_and_the_minute_is_untouched(script: Scripted, clock: Clock) -> None:
    for _ in range(3):
        for number in range(100):
            admitted(script, str(number), [PER_MINUTE, PER_HOUR])
        clock.now += 2 * MINUTE
    for number in range(500):
        verdict = script.reserve("acme", str(number), [PER_MINUTE, PER_HOUR])
        assert verdict is not None
        assert verdict.refused == (1,)
    assert left(script, PER_MINUTE) == 100


@pytest.mark.parametrize(
    "charges",
    [[PER_MINUTE, PER_HOUR, sliding("day", 50_000, DAY)], [*ISSUE, OPEN]],
    ids=["the defaults", "the example of four limits"],
)
def test_an_organization_takes_two_kilobytes_whatever_it_does(
    script: Scripted, client: redis.Redis, clock: Clock, charges: list[Charge]
) -> None:
    for number in range(10_000):
        id = f"{number:016x}"
        if not number % 90:
            clock.now += 2 * MINUTE
        verdict = script.reserve("acme", id, charges, force=True)
        assert verdict is not None
        leases = [Correction(charge=one, delta=-1) for one in charges if one.kind is Kind.LEASE]
        settled = [Correction(charge=charges[1], delta=-1, start=taken_in(charges[1], verdict.states[1]))]
        script.settle("acme", id, [*leases, *settled])
    used = sum(client.memory_usage(key, samples=0) for key in script.names())
    print(f"{used} bytes in {len(script.names())} keys")
    assert used <= 2048


def test_settling_twice_is_settling_once(script: Scripted) -> None:
    charges = [OPEN, sliding("tokens", 10_000, MINUTE, 1000)]
    verdict = admitted(script, "one", charges)
    back = [
        Correction(charge=OPEN, delta=-1),
        Correction(charge=charges[1], delta=-400, start=taken_in(charges[1], verdict.states[1])),
    ]
    assert script.settle("acme", "one", back)
    assert not script.settle("acme", "one", back)
    assert left(script, charges[1]) == 9400


@pytest.mark.parametrize(("delta", "remaining"), [(-6000, 7000), (-60_000, 9000), (-2, 4001), (3000, 2500)])
def test_a_late_settlement_lands_in_the_window_in_which_was_taken(
    script: Scripted, clock: Clock, delta: int, remaining: int
) -> None:
    tokens = sliding("tokens", 10_000, MINUTE, 10_000)
    verdict = admitted(script, "one", [OPEN, tokens])
    clock.now = T + MINUTE + 30_000
    admitted(script, "two", [sliding("tokens", 10_000, MINUTE, 1000)])
    start = taken_in(tokens, verdict.states[1])
    assert script.settle(
        "acme", "one", [Correction(charge=OPEN, delta=-1), Correction(charge=tokens, delta=delta, start=start)]
    )
    assert left(script, tokens) == remaining


def test_what_a_crash_left_behind_ages_out(script: Scripted, clock: Clock) -> None:
    for id in ("one", "two"):
        admitted(script, id, [RUNNING, sliding("tokens", 10_000, MINUTE, 5000)])
    clock.now = T + MINUTE - 1
    assert left(script, RUNNING) == 0
    clock.now = T + MINUTE
    assert left(script, RUNNING) == 2
    clock.now = T + 2 * MINUTE
    assert left(script, sliding("tokens", 10_000, MINUTE)) == 10_000


def test_a_lease_that_is_renewed_holds_and_one_that_ended_is_not_brought_back(script: Scripted, clock: Clock) -> None:
    for id in ("one", "two"):
        admitted(script, id, [RUNNING])
    clock.now = T + 40_000
    script.renew("acme", ["one", "never heard of"], [RUNNING])
    clock.now = T + MINUTE
    assert left(script, RUNNING) == 1
    clock.now = T + 2 * MINUTE
    admitted(script, "three", [RUNNING])
    script.renew("acme", ["two"], [RUNNING])
    assert script.stored()[f"{PREFIX}:{{acme}}:o:running"].keys() == {"one", "three"}


def test_who_was_kept_from_renewing_for_a_while_has_his_place_again(script: Scripted, clock: Clock) -> None:
    admitted(script, "one", [RUNNING])
    clock.now = T + MINUTE + 20_000
    admitted(script, "two", [RUNNING])
    assert left(script, RUNNING) == 1
    script.renew("acme", ["one"], [RUNNING])
    assert left(script, RUNNING) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_that_was_full_when_the_clock_was_set_back_is_not_full_for_ever(
    script: Scripted, clock: Clock, kind: str
) -> None:
    def ask() -> bool:
        values: dict[str, Any] = dict(KINDS[kind])
        if values["kind"] is Kind.CALENDAR:
            start = clock.now - clock.now % values["window"]
            values |= {"start": start, "end": start + values["window"], "after": start + 2 * values["window"]}
        amount = values.get("burst", values["limit"])
        verdict = script.reserve("acme", "x", [Charge(subject="o", field="f", amount=amount, **values)])
        return verdict is not None and verdict.admitted

    assert ask()
    clock.now -= 3600 * 1000 * 24 * 365
    assert not ask()
    clock.now += 3 * KINDS[kind]["window"]
    assert ask()


def test_leases_end_a_window_after_the_clock_was_set_back(script: Scripted, clock: Clock) -> None:
    for id in ("one", "two"):
        admitted(script, id, [RUNNING])
    clock.now = T - HOUR
    assert script.reserve("acme", "three", [RUNNING]) == Verdict(T - HOUR, [State(0, 0, -1)], (0,))
    clock.now += MINUTE
    admitted(script, "three", [RUNNING])


def test_a_window_that_begins_in_the_future_stands_still_until_then(script: Scripted, clock: Clock) -> None:
    tokens = [sliding("tokens", 1000, MINUTE, amount) for amount in (400, 100, 501)]
    admitted(script, "x", tokens[:1])
    clock.now = T + MINUTE
    admitted(script, "x", tokens[1:2])
    clock.now = T + MINUTE - 50
    verdict = script.reserve("acme", "x", tokens[2:])
    assert verdict == Verdict(T + MINUTE - 50, [State(500, T + 2 * MINUTE, 50 + 150)], (0,))
    clock.now += 200
    admitted(script, "x", tokens[2:])


def test_beside_a_large_count_a_small_part_still_counts(script: Scripted, clock: Clock) -> None:
    """A nano-dollar of yesterday, a millisecond before it is forgotten, is 1e-8: added to 25 dollars it would be 0."""
    limit = 25_000_000_000
    admitted(script, "x", [sliding("cost", limit, DAY)])
    whole = [sliding("cost", limit, DAY, limit)]
    start = T - T % DAY
    verdict = script.reserve("acme", "x", whole)
    assert verdict == Verdict(T, [State(limit - 1, start + DAY, start + 2 * DAY - T)], (0,))
    clock.now = start + 2 * DAY - 1
    verdict = script.reserve("acme", "x", whole)
    assert verdict == Verdict(clock.now, [State(limit - 1, start + 2 * DAY, 1)], (0,))


def test_a_lease_ends_at_its_end_and_for_a_window_more_its_call_can_be_settled(script: Scripted, clock: Clock) -> None:
    admitted(script, "one", [RUNNING])
    clock.now = T + MINUTE - 1
    assert left(script, RUNNING) == 1
    clock.now = T + MINUTE
    assert left(script, RUNNING) == 2
    admitted(script, "two", [RUNNING])
    clock.now = T + 2 * MINUTE - 1
    admitted(script, "three", [RUNNING])
    assert script.settle("acme", "one", [Correction(charge=RUNNING, delta=-1)])
    clock.now = T + 3 * MINUTE
    admitted(script, "four", [RUNNING])
    assert not script.settle("acme", "two", [Correction(charge=RUNNING, delta=-1)])
    assert script.settle("acme", "four", [Correction(charge=RUNNING, delta=-1)])


def test_a_bucket_is_in_debt_by_at_most_what_a_window_refills(script: Scripted, clock: Clock) -> None:
    for _ in range(3):
        script.reserve("acme", "x", [replace(BUCKET, amount=5000)], force=True)
    clock.now += MINUTE
    assert script.reserve("acme", "x", [BUCKET]) == Verdict(clock.now, [State(0, clock.now + 10 * MINUTE, 600)], (0,))


def test_a_calendar_count_goes_on_when_the_clock_is_set_back_over_the_boundary(script: Scripted, clock: Clock) -> None:
    midnight = T - T % DAY + DAY
    clock.now = midnight + 5
    admitted(script, "x", [today(100, 60, clock.now)])
    clock.now = midnight - 5
    verdict = script.reserve("acme", "x", [today(100, 50, clock.now)])
    assert verdict == Verdict(clock.now, [State(40, midnight + DAY, DAY + 5)], (0,))


def test_what_is_owed_from_before_the_clock_was_set_back_counts_and_what_would_be_given_back_does_not(
    script: Scripted, clock: Clock
) -> None:
    tokens = sliding("tokens", 10_000, MINUTE, 4000)
    for id, delta, remaining in (("one", -4000, 6000), ("two", 3000, 0)):
        clock.now = T if id == "one" else clock.now
        verdict = admitted(script, id, [OPEN, tokens])
        clock.now -= HOUR
        script.reserve("acme", "x", [replace(tokens, amount=0)])
        correction = Correction(charge=tokens, delta=delta, start=taken_in(tokens, verdict.states[1]))
        assert script.settle("acme", id, [Correction(charge=OPEN, delta=-1), correction])
        assert left(script, tokens) == remaining


def test_asking_for_no_lease_takes_none(script: Scripted) -> None:
    admitted(script, "one", [replace(RUNNING, amount=0)])
    assert script.names() == []


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.99])
def test_setting_the_clock_back_an_hour_admits_nothing_more_in_the_window(
    script: Scripted, clock: Clock, phase: float
) -> None:
    """Half of the limit was taken: in a window's length from there, whatever the clock shows, the other half is."""
    clock.now = T + int(phase * MINUTE)
    half = sum(admitted(script, "x", [PER_MINUTE]).admitted for _ in range(50))
    clock.now -= HOUR
    for _ in range(59):
        for _ in range(4):
            verdict = script.reserve("acme", "x", [PER_MINUTE])
            half += verdict is not None and verdict.admitted
        clock.now += 1000
    assert half == 100 if phase == 0 else half >= 100
