"""Which budgets are for a call, what it takes from each, and in which window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cognitude_plugins.limiter.calendar import calendar_window
from cognitude_plugins.limiter.ceilings import MOST_NANO, begun, charges, compiled, elsewhere, rule_of, window
from cognitude_plugins.limiter.charge import UNLIMITED
from cognitude_plugins.limiter.demand import Demand
from hooks import Caller, Ceiling
from hooks.testing import make_call

NOW = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
DEMAND = Demand(cost=5, needed=7, held=30)


def ceiling(scope: Any = "organization", value: str = "", **fields: Any) -> Ceiling:
    values: dict[str, Any] = {"id": f"{scope}-{value}", "organization": "acme", "nano_usd": 100, "per": "month"}
    return Ceiling(scope=scope, value=value, **(values | fields))


ALL = (
    ceiling(),
    ceiling("key", "key-1"),
    ceiling("key", "key-2"),
    ceiling("user", "ann"),
    ceiling("tag", "team=search"),
    ceiling("tag", "team=ads"),
    ceiling("provider", "openai"),
    ceiling(organization="globex"),
)


def ids(*found: Any) -> list[str]:
    return [rule.ceiling.id for rule in found]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["organization-", "key-key-1", "provider-openai"]),
        ({"user": "ann"}, ["organization-", "key-key-1", "user-ann", "provider-openai"]),
        ({"user": "bob", "key": "k"}, ["organization-", "provider-openai"]),
        ({"tags": {"x": "y", "team": "ads"}}, ["organization-", "key-key-1", "tag-team=ads", "provider-openai"]),
        ({"organization": "globex"}, ["organization-"]),
    ],
)
def test_a_call_is_held_to_the_budgets_of_what_it_has(fields: dict[str, Any], expected: list[str]) -> None:
    call = make_call(**fields)
    budgets = compiled(map(rule_of, ALL))[call.caller.organization]
    assert ids(*budgets.of(call)) == expected


def test_nobody_is_told_of_the_budgets_of_other_keys_and_users() -> None:
    seen = ids(*compiled(map(rule_of, ALL))["acme"].seen_by(Caller(organization="acme", key="key-2")))
    assert seen == ["organization-", "key-key-2", "tag-team=search", "tag-team=ads", "provider-openai"]


def test_there_must_be_room_for_the_estimate_and_more_is_held() -> None:
    taken, spent = charges(rule_of(ceiling()), "b:x", DEMAND, "openai", (1, 2, 3))
    assert (taken.needed, taken.amount, taken.limit, taken.beyond) == (7, 30, 123, 23)
    assert (spent.field, spent.amount, spent.limit) == ("month/spent", 0, UNLIMITED)
    assert (taken.start, taken.end, taken.after) == (spent.start, spent.end, spent.after) == (1, 2, 3)


def test_nothing_is_taken_from_another_providers_and_it_refuses_nothing() -> None:
    rule = rule_of(ceiling("provider", "openai"))
    assert elsewhere(rule, "anthropic")
    taken, _ = charges(rule, "b:x", DEMAND, "anthropic", (1, 2, 3))
    assert (taken.amount, taken.needed, taken.limit) == (0, -MOST_NANO, 100 + MOST_NANO)
    assert charges(rule, "b:x", DEMAND, "openai", (1, 2, 3))[0].amount == 30


def test_windows_are_those_of_the_calendar_and_one_without_an_end_goes_on() -> None:
    assert window(ceiling(), "Europe/Berlin", NOW) == calendar_window("month", "Europe/Berlin", NOW)
    total = ceiling(per="total", since=SINCE)
    start, end, after = window(total, "UTC", NOW)
    assert start == SINCE.timestamp() * 1000
    assert NOW + 365 * 86_400_000 < end < after
    assert window(total, "UTC", NOW + 1000) == (start, end, after)


def test_one_that_lies_ahead_does_not_count_yet() -> None:
    rule = rule_of(ceiling(per="total", since=SINCE))
    start = int(SINCE.timestamp() * 1000)
    assert (begun(rule, start - 1), begun(rule, start)) == (False, True)
    assert begun(rule_of(ceiling()), 0)


def test_a_process_may_have_a_part_of_it_only() -> None:
    assert rule_of(ceiling(nano_usd=101), 0.5).limit == 50
    assert rule_of(ceiling(nano_usd=2**60)).limit == MOST_NANO
    assert rule_of(ceiling()).shown == "0.0000001 USD per month"
    assert rule_of(ceiling(per="total", since=SINCE)).shown == "0.0000001 USD in all"
