"""The limits of one process while Redis is away, and what it owes afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
import redis

from cognitude_plugins.limiter import fallback
from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, Verdict
from cognitude_plugins.limiter.fallback import Degraded
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.windows import taken_in

from .scripted import PREFIX, Scripted, private_redis

WINDOW: Final = 60_000
START: Final = 1_760_000_000_000 - 1_760_000_000_000 % WINDOW
HALF_FULL: Final = 50

REQUESTS: Final = Charge(subject="o", field="rpm", kind=Kind.SLIDING, limit=100, amount=1, window=WINDOW)
TOKENS: Final = replace(REQUESTS, field="tpm", limit=10_000, amount=1000)
LEASE: Final = Charge(subject="o", field="open", kind=Kind.LEASE, limit=1000, amount=1, window=30_000)
BUCKET: Final = Charge(subject="o", field="burst", kind=Kind.BUCKET, limit=60, amount=1, window=WINDOW, burst=40)


class World:
    """A Redis and a process beside it, both with the clock of the test."""

    def __init__(self, client: redis.Redis, share: float = 0.5) -> None:
        client.flushall()
        self.now = START + 10_000
        self.redis = Scripted(client, lambda: self.now)
        self.local = Degraded(lambda: self.now, prefix=PREFIX, share=share)
        self._client = client
        self._ids = 0

    def in_redis(self, *charges: Charge, tag: str = "acme", times: int = 1) -> Verdict:
        for _ in range(times):
            self._ids += 1
            verdict = self.redis.reserve(tag, f"r{self._ids}", charges)
            assert verdict is not None
            self.local.saw(tag, charges, verdict)
        return verdict

    def admitted(self, *charges: Charge, tag: str = "acme", tries: int = 200) -> int:
        """How many of these the process lets through by itself."""
        return sum(self._let(tag, charges) for _ in range(tries))

    def back(self) -> int:
        """How many commands it took to pay."""
        commands = self.local.paid(self.now)
        for command in commands:
            self.redis._call(command)
        return len(commands)

    def counted(self, field: str = "rpm") -> float:
        stored = self.redis.stored().get(f"{PREFIX}:{{acme}}:o", {})
        return stored.get(f"{field}:c", 0) + stored.get(f"{field}:p", 0)

    def _let(self, tag: str, charges: tuple[Charge, ...]) -> bool:
        self._ids += 1
        return self.local.reserve(tag, f"l{self._ids}", charges).admitted


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with private_redis() as client:
        yield client


@pytest.fixture
def world(client: redis.Redis) -> World:
    return World(client)


# How much is let through


def test_a_share_of_the_limit_is_let_through_where_redis_was_never_asked(world: World) -> None:
    assert world.admitted(REQUESTS) == 50


@pytest.mark.parametrize(("taken", "share", "left"), [(50, 0.5, 25), (99, 0.5, 0), (100, 1, 0), (30, 1, 70)])
def test_a_share_of_what_was_left_is_let_through(client: redis.Redis, taken: int, share: float, left: int) -> None:
    world = World(client, share)
    world.in_redis(REQUESTS, times=taken)
    assert world.admitted(REQUESTS) == left


def test_a_window_that_begins_while_redis_is_away_has_the_whole_share(world: World) -> None:
    world.in_redis(REQUESTS, times=100)
    assert world.admitted(REQUESTS) == 0
    world.now += 3 * WINDOW
    assert world.admitted(REQUESTS) == 50


def test_every_limit_has_at_least_one(client: redis.Redis) -> None:
    assert World(client, 0.001).admitted(REQUESTS) == 1


def test_a_bucket_begins_with_a_share_of_what_was_in_it(world: World) -> None:
    world.in_redis(BUCKET, times=20)
    assert world.admitted(BUCKET) == 10


def test_other_organizations_are_not_touched(world: World) -> None:
    world.in_redis(REQUESTS, times=100)
    assert world.admitted(REQUESTS, tag="globex") == 50


def test_to_look_changes_nothing(world: World) -> None:
    world.in_redis(REQUESTS, times=HALF_FULL)
    seen = [world.local.reserve("acme", "x", (REQUESTS,), dry=True) for _ in range(100)]
    assert seen[0] == seen[-1]
    assert world.admitted(REQUESTS) == 25
    assert world.back() == 1


def test_away_twice_in_a_window_what_was_left_is_not_given_twice(world: World) -> None:
    world.in_redis(REQUESTS, times=HALF_FULL)
    assert world.admitted(REQUESTS) == 25
    world.back()
    assert world.admitted(REQUESTS) == 12
    world.back()
    assert world.counted() == HALF_FULL + 25 + 12


# What is owed


def test_what_was_let_through_is_counted_when_redis_is_back(world: World) -> None:
    world.in_redis(REQUESTS, TOKENS, times=2)
    assert world.admitted(REQUESTS, TOKENS) == 4
    assert world.back() == 2
    assert (world.counted("rpm"), world.counted("tpm")) == (6, 6000)
    assert world.back() == 0


def test_a_debt_of_the_last_window_is_counted_there(world: World) -> None:
    world.in_redis(REQUESTS)
    assert world.admitted(REQUESTS, tries=7) == 7
    world.now += WINDOW
    world.in_redis(REQUESTS)
    world.back()
    assert world.redis.stored()[f"{PREFIX}:{{acme}}:o"] == {"rpm:s": START + WINDOW, "rpm:c": 1, "rpm:p": 8}


def test_a_debt_that_does_not_count_any_more_is_not_paid(world: World) -> None:
    assert world.admitted(REQUESTS, tries=7) == 7
    world.now += 2 * WINDOW
    assert world.back() == 0


def test_a_debt_that_arrives_when_its_window_is_over_does_nothing(world: World) -> None:
    assert world.admitted(REQUESTS, tries=7) == 7
    (command,) = world.local.paid(world.now)
    world.now = START + WINDOW
    assert len(world.redis._call(command)) == 1
    assert world.counted() == 0


def test_a_debt_of_a_calendar_window_is_counted_in_that_window_only(world: World) -> None:
    hour = 60 * WINDOW
    day = Charge(subject="o", field="day", kind=Kind.CALENDAR, limit=100, amount=1, window=hour,
                 start=START, end=START + hour, after=START + 2 * hour)  # fmt: skip
    assert world.admitted(day, tries=9) == 9
    world.back()
    assert world.counted("day") == 9
    assert world.admitted(day, tries=9) == 9
    world.now += hour
    assert world.back() == 0


def test_a_bucket_keeps_its_size_when_a_debt_is_paid(client: redis.Redis) -> None:
    world = World(client, 0.25)
    world.in_redis(BUCKET, times=40)
    assert world.admitted(BUCKET) == 0
    world.now += 10_000
    assert world.admitted(BUCKET) == 2
    world.back()
    verdict = world.in_redis(replace(BUCKET, amount=0))
    assert verdict.states[0].remaining == 10 - 2


def test_what_has_come_back_into_a_bucket_is_not_owed(client: redis.Redis) -> None:
    world = World(client, 1)
    total = 0
    for _ in range(300):
        world.now += 1000
        total += world.admitted(BUCKET, tries=1)
    assert total == 300
    world.back()
    assert world.in_redis(replace(BUCKET, amount=0)).states[0].remaining == 39


# Settled


def test_a_call_is_settled_in_what_is_owed(world: World) -> None:
    verdict = world.local.reserve("acme", "x", (TOKENS, LEASE))
    assert world.local.settle("acme", "x", _settled(verdict, -400)) == ()
    world.back()
    assert world.counted("tpm") == 600


def test_what_is_given_back_may_be_taken_again(client: redis.Redis) -> None:
    world = World(client, 1)
    verdict = world.local.reserve("acme", "x", (replace(TOKENS, amount=10_000), LEASE))
    assert world.admitted(TOKENS, tries=1) == 0
    world.local.settle("acme", "x", _settled(verdict, -9000))
    assert world.admitted(TOKENS) == 9


def test_to_settle_twice_does_nothing(world: World) -> None:
    verdict = world.local.reserve("acme", "x", (TOKENS, LEASE))
    for _ in range(2):
        world.local.settle("acme", "x", _settled(verdict, -400))
    assert world.local.settle("acme", "unheard of", _settled(verdict, -400)) == ()
    world.back()
    assert world.counted("tpm") == 600


def test_what_was_paid_meanwhile_is_settled_in_redis_once_and_without_its_lease(world: World) -> None:
    verdict = world.local.reserve("acme", "x", (TOKENS, LEASE))
    world.back()
    left = world.local.settle("acme", "x", _settled(verdict, -400))
    assert [(one.charge, one.delta) for one in left] == [(TOKENS, -400)]
    assert world.local.settle("acme", "x", _settled(verdict, -400)) == ()


# Late


def test_what_redis_had_counted_after_all_is_not_owed(world: World) -> None:
    world.local.reserve("acme", "x", (REQUESTS,))
    world.in_redis(REQUESTS)
    assert world.local.late("acme", "x", (REQUESTS,))
    assert world.back() == 0
    assert world.counted() == 1


def test_what_redis_had_counted_and_was_refused_here_must_be_undone(world: World) -> None:
    world.in_redis(REQUESTS, times=100)
    assert not world.local.reserve("acme", "x", (REQUESTS,)).admitted
    assert not world.local.late("acme", "x", (REQUESTS,))


def test_what_redis_had_counted_of_the_same_call_for_something_else_is_not_taken_for_it(world: World) -> None:
    """A stream reserves more money under the same id."""
    world.local.reserve("acme", "x", (REQUESTS,))
    assert not world.local.late("acme", "x", (replace(REQUESTS, amount=16),))
    assert world.back() == 1


def test_a_call_that_redis_had_counted_is_settled_there(world: World) -> None:
    verdict = world.local.reserve("acme", "x", (TOKENS, LEASE))
    world.local.late("acme", "x", (TOKENS, LEASE))
    left = world.local.settle("acme", "x", _settled(verdict, -400))
    assert [one.delta for one in left] == [-400]


# Bounded


def test_what_was_reset_is_neither_owed_nor_remembered(world: World) -> None:
    own = replace(REQUESTS, subject="own:o")
    world.in_redis(REQUESTS, own, times=100)
    world.local.reserve("acme", "x", (replace(REQUESTS, field="other"), replace(own, field="other")))
    world.local.reset("acme", "own:")
    assert world.admitted(own) == 50
    assert world.admitted(REQUESTS) == 0
    world.local.reset("acme", "")
    assert world.back() == 0


def test_what_is_remembered_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_MOST_SEEN", "_MOST_DECIDED", "_MOST_OWED"):
        monkeypatch.setattr(fallback, name, 10)
    verdict = Verdict(world.now, [Memory(lambda: world.now).reserve("", "", (REQUESTS,)).states[0]])
    for number in range(100):
        charge = replace(REQUESTS, subject=f"u:{number}")
        world.local.saw("acme", (charge,), verdict)
        world.local.reserve("acme", str(number), (charge,))
    assert world.back() == 10
    assert len(world.local._seen) <= 11
    assert len(world.local._decided) <= 10


def test_what_does_not_count_any_more_is_swept(world: World) -> None:
    for number in range(100):
        world.admitted(replace(REQUESTS, subject=f"u:{number}"), tries=1)
    world.now += 2 * WINDOW
    world.local.sweep()
    (away,) = world.local._away.values()
    assert not away.debts
    assert not away.begun


def _settled(verdict: Verdict, delta: int) -> tuple[Correction, ...]:
    start = taken_in(TOKENS, verdict.states[0])
    return Correction(charge=LEASE, delta=-1), Correction(charge=TOKENS, delta=delta, start=start)


# Budgets

DAY: Final = 86_400_000
BUDGET: Final = Charge(
    subject="b:x",
    field="month",
    kind=Kind.CALENDAR,
    limit=1000,
    amount=10,
    start=START - DAY,
    end=START + DAY,
    after=START + 2 * DAY,
)
SPENT: Final = replace(BUDGET, field="month/spent", limit=UNLIMITED, amount=0)


def test_what_the_ledger_says_counts_without_redis_too(world: World) -> None:
    world.local.raise_to("acme", "b:x", (replace(SPENT, amount=600), BUDGET, LEASE))
    assert world.admitted(BUDGET, SPENT) == 20
    world.local.raise_to("acme", "b:x", (replace(SPENT, amount=1000), BUDGET, LEASE))
    assert world.admitted(BUDGET, SPENT) == 0


def test_what_is_held_beyond_the_estimate_needs_no_room_and_leaves_less(world: World) -> None:
    """Of a share of 500, 100 is needed and 300 taken: two calls get in, by their estimate."""
    held = replace(BUDGET, amount=300, limit=1200, beyond=200)
    assert world.admitted(held, SPENT) == 2


def test_what_was_seen_in_redis_is_without_what_needs_no_room(world: World) -> None:
    held = replace(BUDGET, amount=300, limit=1200, beyond=200)
    world.in_redis(held, SPENT)
    assert world.admitted(BUDGET, SPENT) == 35
    world.back()
    stored = world.redis.stored()[f"{PREFIX}:{{acme}}:b:x"]
    assert stored["month:c"] == 300 + 350
