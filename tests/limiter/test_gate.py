"""Who is let in, against a gateway in miniature and a clock that a test sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from cognitude_plugins.limiter.charge import Charge
from cognitude_plugins.limiter.counters import Closed, Decision, InProcess
from cognitude_plugins.limiter.gate import Gate
from cognitude_plugins.limiter.memory import Memory
from cognitude_plugins.limiter.policies import Policies
from cognitude_plugins.limiter.refused import Refused
from cognitude_plugins.limiter.reservation import Reservation
from cognitude_plugins.limiter.settings import Config, Limit
from hooks import Call, Deployment, Reply
from hooks.testing import FakeGateway, make_call

START = 1_800_000_000_000


def deployment(id: str, provider: str) -> Deployment:
    return Deployment(id=id, model="m", provider=provider, upstream_model="m", transport="direct")


MODELS = {"m": (deployment("a", "first"), deployment("b", "second"), deployment("c", "first"))}


@dataclass
class Place:
    gate: Gate
    counters: InProcess
    time: list[int]

    async def ask(self, **fields: Any) -> Reservation | Reply | None:
        return await self.gate.ask(call(**fields))


def call(number: list[int] = [0], *, dry_run: bool = False, user: str | None = None, **body: Any) -> Call:  # noqa: B006
    number[0] += 1
    made = make_call({"model": "m", "messages": [], **body}, organization="acme", user=user, dry_run=dry_run)
    return replace(made, id=f"call-{number[0]}")


def place(*limits: Limit, prices: Mapping[str, tuple[int, int]] | None = None, cap: int = 100) -> Place:
    time = [START]
    counters = InProcess(Memory(lambda: time[0]), lambda: time[0])
    policies = Policies(limits, lambda name: (), zone=lambda name: "UTC")
    gateway = FakeGateway(models=MODELS, prices=prices or {})
    config = Config(limits=list(limits), completion_tokens=cap)
    return Place(Gate(config, gateway, policies, counters, Refused()), counters, time)


def limit(
    scope: str = "organization", unit: str = "requests", per: str | None = "minute", n: Any = 2, **more: Any
) -> Limit:
    return Limit(**{"scope": scope, "unit": unit, "per": per, "limit": Decimal(str(n)), **more})


def refused(decided: Any) -> dict[str, str]:
    assert isinstance(decided, Reply)
    assert decided.status == 429
    return dict(decided.headers)


async def test_who_fits_is_let_in_and_who_does_not_is_told_when() -> None:
    one = place(limit())
    for remaining in (1, 0):
        admitted = await one.ask()
        assert isinstance(admitted, Reservation)
        assert admitted.verdict.states[0].remaining == remaining
    headers = refused(await one.ask())
    wait = int(headers["retry-after-ms"])
    one.time[0] += wait - 1
    refused(await one.ask())
    one.time[0] += 1
    assert isinstance(await one.ask(), Reservation)


async def test_a_refusal_counts_nothing_in_the_other_limits() -> None:
    one = place(limit(), limit(per="hour", n=1000))
    for _ in range(500):
        await one.ask()
    hour = (await one.counters.look("acme", one.gate._policies.of(call().caller).fixed or ())).states[1]
    assert hour.remaining == 998


async def test_until_there_is_room_nobody_asks_the_counters() -> None:
    one = place(limit())
    asked = 0
    reserve = one.counters._memory.reserve

    def counted(*values: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return reserve(*values, **more)

    one.counters._memory.reserve = counted  # type: ignore[method-assign]
    for _ in range(1000):
        await one.ask()
    assert asked == 3


async def test_a_dry_run_is_decided_and_takes_nothing() -> None:
    one = place(limit())
    for _ in range(5):
        decided = await one.ask(dry_run=True)
        assert isinstance(decided, Reservation)
        assert decided.verdict.states[0].remaining == 2
    assert isinstance(await one.ask(), Reservation)


async def test_what_can_never_fit_is_told_so_and_not_to_wait() -> None:
    one = place(limit(unit="tokens", n=50))
    decided = await one.ask(max_tokens=100)
    assert isinstance(decided, Reply)
    assert (decided.status, decided.body["error"]["code"]) == (400, "request_exceeds_limit")
    assert isinstance(await one.ask(max_tokens=1), Reservation)


async def test_tokens_and_dollars_are_reserved_before_they_are_spent() -> None:
    one = place(
        limit(unit="tokens", n=500), limit(unit="cost_usd", per="day", n=1), prices={"a": (10, 20), "b": (1, 2)}
    )
    decided = await one.ask(max_tokens=50)
    assert isinstance(decided, Reservation)
    tokens, cost = (charge.amount for charge in decided.charges[:2])
    assert tokens == decided.demand.prompt + 50
    assert cost == decided.demand.prompt * 10 + 50 * 20
    assert decided.open


async def test_who_has_no_user_is_not_counted_as_one() -> None:
    one = place(limit("user", n=1))
    assert await one.ask() is None
    assert isinstance(await one.ask(user="ann"), Reservation)
    refused(await one.ask(user="ann"))
    assert isinstance(await one.ask(user="bob"), Reservation)


async def test_a_full_provider_is_gone_around_and_all_full_ones_refuse() -> None:
    one = place(limit("provider", n=1))
    decided = [await one.ask() for _ in range(3)]
    first, second, third = decided
    assert isinstance(first, Reservation)
    assert (first.provider, first.full) == ("first", frozenset())
    assert isinstance(second, Reservation)
    assert (second.provider, second.full) == ("second", frozenset({"first"}))
    refused(third)


async def test_a_limit_of_the_organization_is_not_gone_around() -> None:
    one = place(limit("provider", n=100), limit(n=1))
    assert isinstance(await one.ask(), Reservation)
    headers = refused(await one.ask())
    assert headers["x-ratelimit-remaining"] == "0"


class _Away(InProcess):
    """Redis does not answer, and the operator has said what becomes of the calls then."""

    def __init__(self, closed: bool) -> None:
        super().__init__(Memory(lambda: START), lambda: START)
        self._closed = closed

    async def reserve(self, tag: str, id: str, charges: Any, *, dry: bool = False) -> Decision:
        if self._closed:
            raise Closed
        return None, True


@pytest.mark.parametrize(("closed", "status"), [(True, 503), (False, None)])
async def test_without_redis_it_is_as_the_operator_wants_it(closed: bool, status: int | None) -> None:
    limits = (limit(),)
    policies = Policies(limits, lambda name: (), zone=lambda name: "UTC")
    gate = Gate(Config(limits=list(limits)), FakeGateway(models=MODELS), policies, _Away(closed), Refused())
    decided = await gate.ask(call())
    assert (decided.status if isinstance(decided, Reply) else decided) == status


def test_charges_are_alike_for_every_call_where_they_can_be() -> None:
    one = place(limit())
    prepared = one.gate._policies.of(call().caller)
    assert prepared.fixed is not None
    assert all(isinstance(charge, Charge) for charge in prepared.fixed)
