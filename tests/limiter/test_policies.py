"""Which limits are for a call, and whose counters they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from cognitude_plugins.limiter.charge import Charge, Kind
from cognitude_plugins.limiter.demand import NOTHING, Demand
from cognitude_plugins.limiter.layers import Layer, Override
from cognitude_plugins.limiter.policies import GLOBAL, Policies
from cognitude_plugins.limiter.settings import DEFAULT_LIMITS, Limit
from hooks import Call, Caller
from hooks.testing import make_call

NOON = 1_800_014_400_000


def override(layer: Layer, limits: Sequence[Limit], key: str = "") -> Override:
    return Override(organization="acme", key=key, layer=layer, limits=tuple(limits))


@dataclass
class Office:
    """Policies with overrides that a test can change."""

    limits: Sequence[Limit]
    overrides: dict[str, list[Override]] = field(default_factory=dict)
    share: float = 1.0

    def policies(self) -> Policies:
        return Policies(
            self.limits, lambda name: self.overrides.get(name, []), zone=lambda name: "Europe/Berlin", share=self.share
        )


def limit(
    scope: str = "organization", unit: str = "requests", per: str | None = "minute", n: Any = 10, **more: Any
) -> Limit:
    return Limit(**{"scope": scope, "unit": unit, "per": per, "limit": Decimal(n), **more})


def charges(policies: Policies, call: Call, demand: Demand = NOTHING, provider: str = "openai") -> list[Charge]:
    prepared = policies.of(call.caller)
    return list(policies.charges(prepared, call, call.model, demand, provider, NOON)[1])


def call_of(model: str = "m", **caller: Any) -> Call:
    call = make_call({"model": model, "messages": []})
    caller = {"organization": "acme", "key": "k1", "user": "ann", "address": "10.0.0.9", **caller}
    return Call(id=call.id, api="chat", caller=Caller(**caller), payload=call.payload)


def test_limits_that_are_alike_for_every_call_are_worked_out_once() -> None:
    policies = Office(DEFAULT_LIMITS).policies()
    prepared = policies.of(Caller(organization="acme", key="k"))
    assert prepared is policies.of(Caller(organization="acme", key="k", user="ann"))
    assert prepared.fixed is not None
    assert [(one.subject, one.limit, one.window, one.amount) for one in prepared.fixed] == [
        ("o", 100, 60_000, 1),
        ("o", 3000, 3_600_000, 1),
        ("o", 50_000, 86_400_000, 1),
    ]
    assert (prepared.tag, prepared.measured, prepared.settled) == ("acme", False, False)


def test_each_scope_has_counters_of_its_own() -> None:
    scopes = ("organization", "key", "user", "address", "model", "provider")
    policies = Office([limit(scope) for scope in scopes]).policies()
    assert [one.subject for one in charges(policies, call_of())] == [
        "o",
        "k:k1",
        "u:ann",
        "a:10.0.0.9",
        "m:m",
        "p:openai",
    ]


def test_a_limit_by_what_a_call_does_not_have_is_not_for_it() -> None:
    policies = Office([limit("user"), limit("address"), limit("provider")]).policies()
    assert charges(policies, call_of(user=None, address=""), provider="") == []


def test_a_name_of_any_length_makes_a_counter_of_bounded_length() -> None:
    policies = Office([limit("user")]).policies()
    long, other = ("x" * 100_000, "x" * 100_001)
    subjects = {charges(policies, call_of(user=name))[0].subject for name in (long, other, "\n", "ü", "#")}
    assert len(subjects) == 5
    assert all(len(subject) <= 66 and subject.isprintable() for subject in subjects)


def test_a_limit_of_models_is_for_these_only() -> None:
    policies = Office([limit(models=["gpt-4*", "o1"]), limit(n=99)]).policies()
    assert len(charges(policies, call_of("gpt-4o"))) == 2
    assert len(charges(policies, call_of("o1"))) == 2
    assert [one.limit for one in charges(policies, call_of("o1-mini"))] == [99]


def test_amounts_are_those_of_the_unit_and_a_lease_comes_last() -> None:
    limits = [
        limit(),
        limit(unit="tokens", n=1000),
        limit(unit="cost_usd", per="day", n="2.5", window="calendar"),
        limit(unit="concurrency", per=None, n=5),
    ]
    demand = Demand(prompt=30, completion=70, cost=123)
    found = charges(Office(limits).policies(), call_of(), demand)
    assert [(one.kind, one.limit, one.amount) for one in found[:4]] == [
        (Kind.SLIDING, 10, 1),
        (Kind.SLIDING, 1000, 100),
        (Kind.CALENDAR, 2_500_000_000, 123),
        (Kind.LEASE, 5, 1),
    ]
    assert (found[4].kind, found[4].field, found[4].amount) == (Kind.LEASE, "open", 1)
    day = found[2]
    assert (day.start, day.end) == (1_799_967_600_000, 1_800_054_000_000)


def test_a_global_limit_brings_all_counters_of_a_request_together() -> None:
    policies = Office([limit(), limit("global", n=1000)]).policies()
    one, other = charges(policies, call_of()), charges(policies, call_of(organization="other"))
    assert policies.of(Caller(organization="acme")).tag == GLOBAL
    assert [charge.subject for charge in one] == ["acme|o", "g"]
    assert [charge.subject for charge in other] == ["other|o", "g"]
    assert policies.place("acme", False) == (GLOBAL, "acme|", "acme|b:")


def test_an_operators_limit_takes_the_place_of_the_same_one_for_that_organization_only() -> None:
    office = Office(DEFAULT_LIMITS, {"acme": [override("operator", [limit(n=500), limit("key", n=7)])]})
    policies = office.policies()
    assert [(rule.limit, rule.origin) for rule in policies.rules("acme", "k1")] == [
        (500, "operator"),
        (3000, "configuration"),
        (50_000, "configuration"),
        (7, "operator"),
    ]
    assert [rule.limit for rule in policies.rules("other", "k1")] == [100, 3000, 50_000]


def test_what_is_set_for_a_key_is_for_that_key() -> None:
    of_one = override("operator", [limit("key", n=99)], key="k2")
    office = Office([limit("key", n=10)], {"acme": [of_one, override("operator", [limit("key", n=20)])]})
    policies = office.policies()
    assert [[rule.limit for rule in policies.rules("acme", key)] for key in ("k1", "k2", "")] == [[20], [99], [20]]


def test_an_organizations_own_limits_are_counted_apart_and_replace_nothing() -> None:
    office = Office([limit(n=10)], {"acme": [override("organization", [limit(n=1_000_000)])]})
    found = charges(office.policies(), call_of())
    assert [(one.subject, one.limit) for one in found] == [("o", 10), ("own:o", 1_000_000)]
    assert office.policies().place("acme", True) == ("acme", "own:", "b:")


def test_a_change_is_in_force_when_what_was_known_is_forgotten() -> None:
    office = Office([limit(n=10)])
    policies = office.policies()
    assert charges(policies, call_of())[0].limit == 10
    office.overrides["acme"] = [override("operator", [limit(n=11)])]
    policies.forget()
    assert charges(policies, call_of())[0].limit == 11


@pytest.mark.parametrize(("share", "expected"), [(1.0, 10), (0.5, 5), (0.26, 2), (0.01, 1)])
def test_a_share_of_a_limit_is_never_nothing(share: float, expected: int) -> None:
    assert charges(Office([limit(n=10)], share=share).policies(), call_of())[0].limit == expected


def test_what_is_kept_of_keys_is_bounded() -> None:
    policies = Office(DEFAULT_LIMITS).policies()
    for number in range(25_000):
        policies.of(Caller(organization="acme", key=str(number)))
    assert len(policies._kept) <= 10_000
