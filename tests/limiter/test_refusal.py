"""What is answered to a call that is not let through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cognitude_plugins.limiter.charge import Charge, Kind, State, Verdict
from cognitude_plugins.limiter.refusal import longest, never_fits, too_many, waiting
from cognitude_plugins.limiter.rules import Origin, Rule, rule_of
from cognitude_plugins.limiter.settings import Limit

UNTIL = 1_800_000_012_345


def rule(unit: str = "requests", per: str | None = "minute", limit: str = "100", scope: str = "organization",
         origin: Origin = "configuration", **more: Any) -> Rule:  # fmt: skip
    return rule_of(Limit(**{"scope": scope, "unit": unit, "per": per, "limit": Decimal(limit), **more}), origin)


def said(one: Rule, retry: int = 12_345) -> tuple[dict[str, Any], dict[str, str]]:
    reply = too_many(one, UNTIL)
    assert reply.status == 429
    return dict(reply.body["error"]), waiting(one, retry)


def test_a_rate_limit_is_told_as_openai_tells_it() -> None:
    error, headers = said(rule())
    assert error == {
        "message": "Rate limit reached: the limit of this organization is 100 requests per minute. "
        "There is room again at 2027-01-15 08:00:12.345 UTC.",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert headers == {"retry-after": "13", "retry-after-ms": "12345"}


def test_money_that_is_spent_is_a_quota_and_no_reason_to_retry() -> None:
    error, headers = said(rule("cost_usd", "day", "25.50", window="calendar"))
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "25.5 USD per day" in error["message"]
    assert headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("one", "retry", "expected"),
    [
        (rule(per="day", limit="5"), 1000, "false"),
        (rule(per="month", limit="5", window="calendar"), 1000, "false"),
        (rule(per="hour"), 120_001, "false"),
        (rule(per="hour"), 120_000, None),
        (rule("tokens"), 1000, None),
        (rule("concurrency", None), 1000, None),
    ],
)
def test_whether_a_retry_makes_sense(one: Rule, retry: int, expected: str | None) -> None:
    assert said(one, retry)[1].get("x-should-retry") == expected


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (rule("concurrency", None, "50"), "Too many calls at once: the limit of this organization is 50."),
        (rule("tokens", scope="key"), "the limit of this key is 100 tokens per minute"),
        (rule(scope="global"), "the limit of the gateway is 100 requests per minute"),
        (rule(origin="organization"), "the organization's own limit of this organization is 100 requests per minute"),
    ],
)
def test_it_names_the_limit(one: Rule, words: str) -> None:
    assert words in said(one)[0]["message"]


def test_what_can_never_fit_is_not_to_be_retried() -> None:
    one = rule("tokens", limit="1000")
    charge = Charge(subject="o", field="f", kind=Kind.SLIDING, limit=1000, amount=1001, window=60_000)
    reply = never_fits(one, charge)
    assert reply.status == 400
    assert reply.body["error"]["code"] == "request_exceeds_limit"
    assert reply.body["error"]["message"] == (
        "This request may use 1001 tokens, more than the organization limit of 1000 tokens per minute ever allows. "
        "Send a shorter prompt, or a lower max_tokens."
    )


def test_of_several_refusals_the_longest_wait_is_told() -> None:
    sliding = Charge(subject="o", field="f", kind=Kind.SLIDING, limit=1, amount=1, window=60_000)
    lease = Charge(subject="o", field="l", kind=Kind.LEASE, limit=1, amount=1, window=60_000)
    states = [State(0, 0, 500), State(0, 0, -1), State(5, 0, 0), State(0, 0, 999)]
    rules, charges = [rule("tokens", limit="1000")] * 4, (sliding, lease, sliding, sliding)
    assert longest(rules, charges, Verdict(0, states, (0, 1, 3))) == (1, 1000, "")
    assert longest(rules, charges, Verdict(0, states, (0, 3))) == (3, 999, "")
