"""What the client of a call is told for which a budget has no room."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cognitude_plugins.limiter.budget_refusal import no_budget, why_refused
from cognitude_plugins.limiter.ceilings import charges, rule_of
from cognitude_plugins.limiter.charge import UNLIMITED, State, Verdict
from cognitude_plugins.limiter.demand import Demand
from cognitude_plugins.limiter.refusal import LEASE_RETRY_MS, longest, turned_away, waiting
from cognitude_plugins.limiter.rules import Rule
from hooks import Ceiling

UNTIL = 1_796_083_200_000
"""2026-12-01 00:00:00 UTC."""


def rule(**fields: Any) -> Rule:
    values: dict[str, Any] = {"id": "b1", "organization": "acme", "nano_usd": 10**9, "per": "month", "name": "team"}
    return rule_of(Ceiling(**(values | fields)))


@pytest.mark.parametrize(
    ("needed", "spent", "why", "retry"),
    [(200, 900, "spent", 5000), (200, 700, "reserved", LEASE_RETRY_MS), (1001, 0, "never", 1)],
)
def test_a_budget_is_spent_or_held_by_calls_under_way_or_too_small(
    needed: int, spent: int, why: Any, retry: int
) -> None:
    one = rule(nano_usd=1000)
    both = charges(one, "b:b1", Demand(needed=needed, held=5 * needed), "p", (0, UNTIL, UNTIL + 1))
    verdict = Verdict(0, [State(0, UNTIL, -1 if why == "never" else 5000), State(UNLIMITED - spent, UNTIL, 0)], (0,))
    assert why_refused([one], both, verdict, 0) == why
    assert longest([one], both, verdict) == (0, retry, why)


@pytest.mark.parametrize("status", [402, 429])
def test_a_spent_one_says_what_it_is_and_when_it_begins_anew(status: Any) -> None:
    reply = turned_away(rule(status=status), UNTIL, "spent")
    assert reply.status == status
    assert reply.body["error"] == {
        "message": "The budget 'team' (1 USD per month) has no room for this request. "
        "It begins anew at 2026-12-01 00:00:00 UTC.",
        "type": "insufficient_quota",
        "param": None,
        "code": "budget_exceeded",
    }
    assert waiting(rule(), 90_500, "spent") == {
        "retry-after": "91",
        "retry-after-ms": "90500",
        "x-should-retry": "false",
    }


def test_what_calls_under_way_hold_may_be_had_in_a_moment() -> None:
    reply = no_budget(rule(name="", scope="key", value="k"), UNTIL, "reserved")
    assert (reply.status, reply.body["error"]["code"]) == (429, "budget_reserved")
    assert reply.body["error"]["type"] != "insufficient_quota", "which clients take for the end of it"
    assert "budget of this key (1 USD per month)" in reply.body["error"]["message"]
    assert waiting(rule(), 1000, "reserved") == {"retry-after": "1", "retry-after-ms": "1000"}


def test_what_never_fits_and_what_never_begins_anew_have_no_time() -> None:
    reply = no_budget(rule(), UNTIL, "never")
    assert (reply.status, reply.body["error"]["code"]) == (402, "budget_exceeded")
    assert "a lower max_tokens" in reply.body["error"]["message"]
    total = rule(per="total", since=datetime(2026, 1, 1, tzinfo=UTC))
    assert no_budget(total, UNTIL, "spent").body["error"]["message"] == (
        "The budget 'team' (1 USD in all) has no room for this request."
    )
    assert waiting(rule(), 1, "never") == waiting(total, 10**9, "spent") == {"x-should-retry": "false"}
