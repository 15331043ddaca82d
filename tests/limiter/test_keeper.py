"""Budgets are taken up when they are published, and count at least what the ledger says was spent of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.limiter import keeper as module
from cognitude_plugins.limiter.bound import Surprises
from cognitude_plugins.limiter.ceilings import spent_of
from cognitude_plugins.limiter.counters import InProcess
from cognitude_plugins.limiter.gate import Gate
from cognitude_plugins.limiter.keeper import Keeper
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.policies import Policies
from cognitude_plugins.limiter.refused import Refused
from cognitude_plugins.limiter.reservation import Reservation
from cognitude_plugins.limiter.settings import Config
from cognitude_plugins.limiter.settlement import Settlement
from hooks import Caller, Ceiling, Deployment, Outcome, Reply, Unanswerable, Unavailable
from hooks.testing import FakeCall, FakeGateway, FakeLedger, make_call

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SIM = Deployment(id="sim", model="m", provider="p", upstream_model="m", transport="direct")
OTHER = Deployment(id="other", model="m", provider="q", upstream_model="m", transport="direct")
MONTH = Ceiling(id="b1", organization="acme", nano_usd=1000, per="month", name="team")


class Ledger(FakeLedger):
    """``trouble`` is raised instead of an answer; ``asked`` counts."""

    trouble: Exception | None = None
    asked = 0

    async def spent(self, *args: Any, **options: Any) -> int:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return await super().spent(*args, **options)

    async def usage(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        return await super().usage(*args, **options)


@dataclass
class Place:
    """A limiter of one process, of which a token of an answer costs a billionth of a dollar."""

    ledger: Ledger = field(default_factory=Ledger)
    share: float = 1.0
    now: int = int(NOW.timestamp() * 1000)
    number: int = 0

    def __post_init__(self) -> None:
        models, prices = {"m": (SIM, OTHER)}, {"sim": (0, 1), "other": (0, 1)}
        self.gateway = FakeGateway(ledger=self.ledger, models=models, prices=prices)
        self.counters = InProcess(Memory(lambda: self.now), lambda: self.now)
        self.policies = Policies((), lambda name: (), zone=lambda name: "UTC")
        self.keeper = Keeper(self.gateway, self.policies, self.counters, Refused(), self.share)
        self.gate = Gate(
            Config(limits=[], completion_tokens=100), self.gateway, self.policies, self.counters, Refused(), self.keeper
        )
        self.settlement = Settlement(self.counters, self.gateway, Surprises())

    def publish(self, *ceilings: Ceiling) -> None:
        self.gateway.ceilings.publish("test", ceilings)

    async def ask(self, tokens: int, **fields: Any) -> Any:
        """A call that may cost so many nano-dollars; each some time after the last."""
        self.number += 1
        self.now += 300
        body = {"model": "m", "messages": [], "max_tokens": tokens, "stream": fields.pop("stream", False)}
        made = make_call(body, **fields)
        return await self.gate.ask(replace(made, id=f"call-{self.number}"))

    def end(self, reservation: Any, cost: int, deployment: Deployment = SIM) -> None:
        assert isinstance(reservation, Reservation)
        outcome = Outcome(
            status=200, source="provider", complete=True, cost_nano_usd=cost, deployment=deployment, attempts=1
        )
        self.settlement._settle(reservation, outcome)

    async def counted(self, caller: Caller | None = None) -> list[tuple[int, int]]:
        """Of each budget what is taken, and what was spent."""
        found = []
        for _, charge in self.policies.budgets(caller or Caller(organization="acme", key="key-1"), self.now):
            both = (charge, spent_of(charge))
            states = (await self.counters.look("acme", both)).states
            found.append(tuple(one.limit - state.remaining for one, state in zip(both, states, strict=True)))
        return found  # type: ignore[return-value]


def spent(*costs: int, **fields: Any) -> Iterable[FakeCall]:
    return [FakeCall(**{"at": NOW, "cost_nano_usd": cost, **fields}) for cost in costs]


def code(decided: Any) -> tuple[int, str]:
    assert isinstance(decided, Reply)
    return decided.status, decided.body["error"]["code"]


async def test_what_is_published_holds_for_the_next_call() -> None:
    one = Place()
    assert await one.ask(5000) is None
    one.publish(MONTH)
    assert isinstance(await one.ask(600), Reservation)
    assert code(await one.ask(600)) == (429, "budget_reserved")
    assert code(await one.ask(1001)) == (402, "budget_exceeded")
    one.publish()
    assert await one.ask(5000) is None


async def test_what_was_spent_before_counts_from_the_first_call_on() -> None:
    one = Place(Ledger(*spent(300, 500), *spent(10**6, organization="globex")))
    one.publish(MONTH)
    assert code(await one.ask(201)) == (402, "budget_exceeded")
    assert isinstance(await one.ask(200), Reservation)


async def test_another_amount_keeps_the_count_and_another_month_begins_anew() -> None:
    one = Place()
    one.publish(MONTH)
    one.end(await one.ask(900), 950)
    assert await one.counted() == [(950, 950)]
    one.publish(replace(MONTH, nano_usd=2000, status=429, name=""))
    assert code(await one.ask(1100)) == (429, "budget_exceeded")
    assert isinstance(await one.ask(1000), Reservation)
    one.now += 14 * 86_400_000
    assert await one.counted() == [(0, 0)]


async def test_the_ledger_raises_and_never_lowers() -> None:
    one = Place()
    one.publish(MONTH)
    one.end(await one.ask(100), 400)
    one.ledger.add(*spent(50))
    await one.keeper.read()
    assert await one.counted() == [(400, 400)]
    open_call = await one.ask(100)
    one.ledger.add(*spent(500))
    await one.keeper.read()
    assert await one.counted() == [(650, 550)]
    one.end(open_call, 90)
    assert await one.counted() == [(640, 640)]


async def test_what_a_dead_process_held_is_free_again() -> None:
    """Its leases end by themselves, and with the next reading what they held of the budget."""
    one = Place()
    one.publish(MONTH)
    await one.ask(700)
    one.now += 20_000
    alive = await one.ask(200)
    one.now += 15_000
    assert await one.counted() == [(900, 0)]
    one.keeper.compare(alive.rules, alive.charges, alive.verdict)
    await one.keeper.read()
    assert await one.counted() == [(200, 0)]


async def test_each_scope_asks_the_ledger_for_its_own() -> None:
    one = Place(
        Ledger(
            *spent(1, user="ann"), *spent(20, key="key-2"), *spent(300, tags={"team": "a"}), *spent(4000, provider="q")
        )
    )
    scopes: list[Any] = [("organization", ""), ("key", "key-1"), ("user", "ann"), ("tag", "team=a"), ("provider", "q")]
    one.publish(*(replace(MONTH, id=scope, scope=scope, value=value, nano_usd=10**6) for scope, value in scopes))
    await one.keeper.take()
    found = await one.counted(Caller(organization="acme", key="key-1", user="ann"))
    assert found == [(4321,) * 2, (4301,) * 2, (1,) * 2, (300,) * 2, (4000,) * 2]


async def test_many_that_count_alike_are_asked_about_at_once() -> None:
    one = Place(Ledger(*(call for number in range(30) for call in spent(number, key=f"k{number}"))))
    one.publish(*(replace(MONTH, id=f"b{number}", scope="key", value=f"k{number}") for number in range(30)))
    await one.keeper.take()
    assert one.ledger.asked == 1
    assert await one.counted(Caller(organization="acme", key="k17")) == [(17, 17)]


async def test_one_without_an_end_counts_from_its_beginning() -> None:
    one = Place(
        Ledger(*spent(700, at=datetime(2024, 1, 2, tzinfo=UTC)), *spent(50, at=datetime(2023, 1, 1, tzinfo=UTC)))
    )
    one.publish(replace(MONTH, per="total", since=datetime(2024, 1, 1, tzinfo=UTC)))
    assert code(await one.ask(301)) == (402, "budget_exceeded")
    admitted = await one.ask(300)
    one.end(admitted, 300)
    one.now += 400 * 86_400_000
    refused = await one.ask(1)
    assert code(refused) == (402, "budget_exceeded")
    assert "retry-after" not in refused.headers


async def test_a_ledger_that_does_not_answer_is_asked_again_and_said() -> None:
    one = Place()
    one.ledger.trouble = Unavailable("away")
    one.publish(MONTH)
    assert isinstance(await one.ask(100), Reservation), "it goes on with what is counted"
    assert one.keeper.status() == {"budgets": {"held": 1, "unread": 1}, "status": "degraded"}
    one.ledger.trouble = None
    one.ledger.add(*spent(950))
    await one.keeper.read()
    assert one.keeper.status() == {"budgets": {"held": 1, "unread": 0}}
    assert code(await one.ask(100)) == (402, "budget_exceeded")


async def test_a_slow_ledger_is_waited_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.01)
    one = Place()
    one.ledger.trouble = TimeoutError()
    one.publish(MONTH)
    assert isinstance(await one.ask(100), Reservation)
    assert one.keeper.status()["budgets"]["unread"] == 1


async def test_what_the_ledger_cannot_say_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    one = Place()
    one.ledger.trouble = Unanswerable("rows of before are no longer kept", what="time")
    one.publish(MONTH)
    with caplog.at_level(logging.WARNING):
        for _ in range(15):
            await one.keeper.read()
    assert [record.message for record in caplog.records] == [
        "budget b1 counts only what is spent from now on: rows of before are no longer kept"
    ]
    assert one.keeper.status()["budgets"]["unread"] == 0


async def test_the_ledger_is_read_often_at_first_and_then_each_minute() -> None:
    one = Place()
    one.publish(MONTH)
    at = []
    for second in range(1, 181):
        before = one.ledger.asked
        await one.keeper.read()
        at += [second] if one.ledger.asked > before + (second == 1) else []
    assert at == [1, 2, 3, 5, 10, 20, 40, 60, 120, 180]


async def test_a_counter_that_was_lost_is_noticed_by_the_next_call() -> None:
    one = Place(Ledger(*spent(950)))
    one.publish(MONTH)
    assert code(await one.ask(100)) == (402, "budget_exceeded")
    one.counters.forget("acme", "")
    for _ in range(70):
        await one.keeper.read()
    one.counters.forget("acme", "")
    assert isinstance(await one.ask(100), Reservation)
    await one.keeper.read()
    assert code(await one.ask(100)) == (402, "budget_exceeded")


async def test_of_several_processes_each_has_its_part() -> None:
    one = Place(Ledger(*spent(600)), share=0.5)
    one.publish(MONTH)
    assert code(await one.ask(201)) == (402, "budget_exceeded")
    assert isinstance(await one.ask(200), Reservation)


# A provider's


async def test_a_provider_whose_budget_is_spent_is_gone_around() -> None:
    one = Place(Ledger(*spent(950, provider="p")))
    one.publish(replace(MONTH, scope="provider", value="p"))
    decided = await one.ask(100)
    assert (decided.provider, decided.full) == ("q", frozenset({"p"}))
    one.end(decided, 80, OTHER)
    assert await one.counted() == [(950, 950)]
    one.publish(replace(MONTH, scope="provider", value="p"), replace(MONTH, id="b2", scope="provider", value="q"))
    one.ledger.add(*spent(990, provider="q"))
    await one.keeper.read()
    assert code(await one.ask(100)) == (402, "budget_exceeded")


async def test_a_fallback_whose_budget_is_spent_is_left_out_too() -> None:
    one = Place(Ledger(*spent(950, provider="q")))
    one.publish(replace(MONTH, scope="provider", value="q"))
    decided = await one.ask(100)
    assert (decided.provider, decided.full) == ("p", frozenset({"q"}))


async def test_what_another_provider_answered_counts_there() -> None:
    one = Place()
    one.publish(*(replace(MONTH, id=value, scope="provider", value=value) for value in ("p", "q")))
    decided = await one.ask(100)
    assert await one.counted() == [(100, 0), (0, 0)]
    one.end(decided, 120, OTHER)
    assert await one.counted() == [(0, 0), (120, 120)]


# How much can be overspent


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.booleans(), st.integers(0, 10), st.floats(0, 1)), min_size=1, max_size=60
    )
)
def test_of_all_calls_together_only_one_can_cost_more_than_was_estimated(
    calls: list[tuple[int, bool, int, float]],
) -> None:
    """Each has a length and may be a stream, of which less is estimated than it may come to. Before it comes, some of
    those under way end, each with any part of what it cannot exceed.
    """

    async def played() -> tuple[int, list[int]]:
        one, under_way, errors, total = Place(), [], [0], 0
        one.publish(MONTH)

        def end(place: int, part: float) -> int:
            reservation = under_way.pop(place % len(under_way))
            cost = round(part * reservation.demand.held)
            errors.append(cost - reservation.demand.needed)
            one.end(reservation, cost)
            return cost

        for tokens, stream, ended, part in calls:
            for number in range(min(ended, len(under_way))):
                total += end(number * 7, part)
            decided = await one.ask(tokens, stream=stream)
            if isinstance(decided, Reservation):
                under_way.append(decided)
            else:
                assert code(decided) in ((402, "budget_exceeded"), (429, "budget_reserved"))
        while under_way:
            total += end(0, 1.0)
        if len(errors) == 1:
            return 0, errors
        counters = one.counters._memory._subjects["acme", "b:b1"].counters
        assert {counter[1] for counter in counters.values()} == {total}
        return total, errors

    total, errors = asyncio.run(played())
    assert total <= MONTH.nano_usd + max(errors)
