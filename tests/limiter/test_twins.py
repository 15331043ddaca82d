"""``script.lua`` in Redis and `Memory`: the same operations, at the same times, give the same answers and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cognitude_plugins.limiter.charge import UNLIMITED, Charge, Correction, Kind, Verdict
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.packing import marked
from cognitude_plugins.limiter.windows import taken_in

from .scripted import PREFIX, Scripted, private_redis

START: Final = 1_760_000_000_000
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR

ORGANIZATIONS: Final = ("acme", "acme", "acme", "globex")
# What its kind has, by field. Odd sizes, so that little divides evenly.
LIMITS: Final[dict[str, dict[str, Any]]] = {
    "rps": {"kind": Kind.SLIDING, "limit": 3, "window": 1000},
    "rpm": {"kind": Kind.SLIDING, "limit": 7, "window": 60_000},
    "tpm": {"kind": Kind.SLIDING, "limit": 199_999, "window": 60_000},
    "cost": {"kind": Kind.SLIDING, "limit": 25_000_000_007, "window": DAY},
    "any": {"kind": Kind.SLIDING, "limit": UNLIMITED, "window": 60_000},
    "minute": {"kind": Kind.CALENDAR, "limit": 5, "window": 60_000},
    "day": {"kind": Kind.CALENDAR, "limit": 1000, "window": DAY},
    "burst": {"kind": Kind.BUCKET, "limit": 7, "window": 60_000, "burst": 7},
    "tokens": {"kind": Kind.BUCKET, "limit": 200_000, "window": 60_000, "burst": 30_001},
    "money": {"kind": Kind.BUCKET, "limit": 25_000_000_007, "window": DAY, "burst": 3_000_000_000},
    "running": {"kind": Kind.LEASE, "limit": 3, "window": 60_000},
    "open": {"kind": Kind.LEASE, "limit": UNLIMITED, "window": HOUR},
}
PLACES: Final = [(subject, field) for subject in ("o", "k:one") for field in LIMITS]


def charge(place: tuple[str, str, int], view: int) -> Charge:
    """As somebody makes it whose clock shows ``view``."""
    subject, field, amount = place
    limit = dict(LIMITS[field])
    if limit["kind"] is Kind.CALENDAR:
        window = limit.pop("window")
        start = view - view % window
        limit |= {"start": start, "end": start + window, "after": start + 2 * window}
    return Charge(subject=subject, field=field, amount=amount, **limit)


def amounts(field: str) -> some.SearchStrategy[int]:
    """A few of what is counted in ones; of tokens and money a part of the limit, or more than it."""
    limit = LIMITS[field]["limit"]
    if LIMITS[field]["kind"] is Kind.LEASE:
        return some.sampled_from((1, 1, 1, 1, 0))
    if limit < 10:
        return some.sampled_from((1, 1, 2, 3, 0, limit, limit + 1))
    most = min(limit, 10**12)
    return some.one_of(some.sampled_from((0, 1, most, most + 1)), some.integers(0, most), some.integers(0, most // 5))


class Twins(RuleBasedStateMachine):
    client: redis.Redis

    @initialize(
        offset=some.integers(0, DAY), places=some.lists(some.sampled_from(PLACES), min_size=1, max_size=4, unique=True)
    )
    def begin(self, offset: int, places: list[tuple[str, str]]) -> None:
        """A run is about a few limits, so that it gets to where they are full, over, and set back."""
        self.now = START + offset
        self.places = places
        self.client.flushall()
        self.script = Scripted(self.client, lambda: self.now)
        self.memory = Memory(lambda: self.now)
        self.calls: list[tuple[str, str, list[Correction]]] = []

    @rule(
        organization=some.sampled_from(ORGANIZATIONS),
        data=some.data(),
        flag=some.sampled_from(("", "", "", "", "dry", "force")),
        behind=some.sampled_from((0, 0, 0, -90_000, -40, 40, 90_000)),
    )
    def reserve(self, organization: str, data: Any, flag: str, behind: int) -> None:
        places = data.draw(some.lists(some.sampled_from(self.places), min_size=1, unique=True))
        wanted = [charge((*place, data.draw(amounts(place[1]))), self.now - behind) for place in places]
        id = marked(f"call-{len(self.calls)}", data.draw(some.integers(0, 400)), [one for one, _ in places])
        flags = {"dry": flag == "dry", "force": flag == "force"}
        verdict = self.memory.reserve(organization, id, wanted, **flags)
        assert self.script.reserve(organization, id, wanted, **flags) == verdict
        if verdict.admitted and not flags["dry"]:
            self.calls.append((organization, id, _given_back(wanted, verdict)))

    @rule(data=some.data(), share=some.sampled_from((0.4, 1.0, -0.3, 0.0)))
    def settle(self, data: Any, share: float) -> None:
        """One of the last calls, also for the second time; less was used than was taken, or more."""
        if self.calls:
            organization, id, back = data.draw(some.sampled_from(self.calls[-4:]))
            corrections = [Correction(charge=one.charge, delta=int(one.delta * share), start=one.start) for one in back]
            assert self.script.settle(organization, id, corrections) == self.memory.settle(
                organization, id, corrections
            )

    @rule(organization=some.sampled_from(ORGANIZATIONS), field=some.sampled_from(("running", "open")), data=some.data())
    def renew(self, organization: str, field: str, data: Any) -> None:
        ids = data.draw(some.lists(some.sampled_from([id for _, id, _ in self.calls] or ["none"]), max_size=3))
        held = [charge((subject, field, 1), self.now) for subject in ("o", "k:one")]
        self.script.renew(organization, ids, held)
        self.memory.renew(organization, ids, held)

    @rule(
        organization=some.sampled_from(ORGANIZATIONS),
        subject=some.sampled_from(("o", "k:one")),
        fields=some.permutations(("day", "minute")),
        amount=some.one_of(some.sampled_from((0, 1, 5)), some.integers(0, 2000)),
        behind=some.sampled_from((0, 0, 0, -90_000, 90_000)),
    )
    def raise_to(self, organization: str, subject: str, fields: Sequence[str], amount: int, behind: int) -> None:
        """To what the ledger has, and to what the calls under way hold."""
        known, taken = (charge((subject, field, amount), self.now - behind) for field in fields)
        wanted = (known, taken, charge(("o", "open", 1), self.now))
        assert self.script.raise_to(organization, subject, wanted) == self.memory.raise_to(
            organization, subject, wanted
        )

    @rule(organization=some.sampled_from(ORGANIZATIONS), subject=some.sampled_from(("o", "k:one")))
    def reset(self, organization: str, subject: str) -> None:
        self.script.reset(organization, subject)
        self.memory.reset(organization, subject)

    @rule(data=some.data(), windows=some.sampled_from((0.001, 0.1, 0.3, 0.7, 1.0, 1.6)))
    def later(self, data: Any, windows: float) -> None:
        self.now += int(windows * self.a_window(data)) + data.draw(some.integers(0, 3))

    @rule(data=some.data(), beside=some.integers(-1, 1), windows=some.sampled_from((1, 1, 1, 2, 3)))
    def at_a_boundary(self, data: Any, beside: int, windows: int) -> None:
        window = self.a_window(data)
        self.now += windows * window - self.now % window + beside

    @rule(data=some.data(), windows=some.sampled_from((0.001, 0.1, 0.7, 1.0, 2.5, 60.0)))
    def the_clock_is_set_back(self, data: Any, windows: float) -> None:
        self.now -= min(HOUR, int(windows * self.a_window(data)) + data.draw(some.integers(0, 3)))

    @rule(data=some.data(), milliseconds=some.integers(1, 400))
    def it_is_set_back_over_a_boundary(self, data: Any, milliseconds: int) -> None:
        self.now -= min(HOUR, self.now % self.a_window(data) + milliseconds)

    def a_window(self, data: Any) -> int:
        return int(data.draw(some.sampled_from([LIMITS[field]["window"] for _, field in self.places])))

    @invariant()
    def both_keep_the_same_numbers(self) -> None:
        if hasattr(self, "now"):
            assert self.script.stored() == _stored(self.memory)


def _given_back(wanted: list[Charge], verdict: Verdict) -> list[Correction]:
    return [
        Correction(charge=one, delta=-one.amount, start=taken_in(one, state))
        for one, state in zip(wanted, verdict.states, strict=True)
    ]


def _stored(memory: Memory) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for (organization, name), subject in memory._subjects.items():
        key = f"{PREFIX}:{{{organization}}}:{name}"
        for field, (start, count, previous) in subject.counters.items():
            numbers = {"s": start, "c": count}
            if LIMITS[field]["kind"] is Kind.SLIDING:
                numbers["p"] = previous
            found.setdefault(key, {}).update({f"{field}:{name}": float(value) for name, value in numbers.items()})
        for field, leases in subject.leases.items():
            if leases:
                found[f"{key}:{field}"] = {id: float(end) for id, end in leases.ends().items()}
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Redis]:
    with private_redis() as client:
        yield client


@pytest.mark.parametrize(
    ("examples", "steps"), [(200, 40), pytest.param(3000, 80, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_the_script_and_its_twin_do_not_diverge(server: redis.Redis, examples: int, steps: int) -> None:
    machine = type("TwinsOfThisServer", (Twins,), {"client": server})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, database=None
        ),
    )
