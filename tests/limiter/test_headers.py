"""The headers of three dialects, from the same states."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.limiter.ceilings import rule_of as budget_rule
from cognitude_plugins.limiter.charge import State, Verdict
from cognitude_plugins.limiter.headers import go_duration, rate_limit_headers
from cognitude_plugins.limiter.rules import Rule, rule_of
from cognitude_plugins.limiter.settings import Limit
from hooks import Ceiling

NOW = 1_800_000_000_000


def rule(unit: str = "requests", per: str | None = "minute", limit: str = "100", **more: Any) -> Rule:
    return rule_of(Limit(**{"scope": "organization", "unit": unit, "per": per, "limit": Decimal(limit), **more}))


def told(*pairs: tuple[Rule, State]) -> dict[str, str]:
    return rate_limit_headers(tuple(one for one, _ in pairs), Verdict(NOW, [state for _, state in pairs]))


def test_of_several_limits_the_one_with_the_smallest_part_left_is_the_plain_one() -> None:
    headers = told(
        (rule(), State(99, NOW + 20_000, 0)),
        (rule(per="hour", limit="3000"), State(30, NOW + 1_000_001, 0)),
    )
    assert headers["x-ratelimit-limit"] == "3000"
    assert headers["x-ratelimit-remaining"] == "30"
    assert headers["x-ratelimit-reset"] == str(NOW // 1000 + 1001)


def test_every_window_is_told_by_its_name() -> None:
    headers = told(
        (rule(), State(99, NOW + 20_000, 0)),
        (rule(per="hour", limit="3000"), State(30, NOW + 1_000_000, 0)),
        (rule("tokens", limit="200000"), State(1234, NOW + 20_000, 0)),
        (rule("cost_usd", per="day", limit="25", window="calendar"), State(24_750_000_000, NOW + 5_000_000, 0)),
        (rule("concurrency", per=None, limit="50"), State(49, 0, 0)),
    )
    assert {name: value for name, value in headers.items() if name.startswith("x-ratelimit-limit-")} == {
        "x-ratelimit-limit-minute": "100",
        "x-ratelimit-limit-hour": "3000",
        "x-ratelimit-limit-tokens-minute": "200000",
        "x-ratelimit-limit-cost-day": "25",
        "x-ratelimit-limit-concurrency": "50",
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-limit-tokens": "200000",
    }
    assert headers["x-ratelimit-remaining-cost-day"] == "24.75"
    assert headers["x-ratelimit-remaining-concurrency"] == "49"


def test_openai_has_the_shortest_window_and_durations_of_go() -> None:
    headers = told(
        (rule(), State(99, NOW + 59_500, 0)),
        (rule(per="hour", limit="3000"), State(30, NOW + 360_000, 0)),
        (rule("tokens", limit="200000"), State(1234, NOW + 360_000, 0)),
    )
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"]) == ("99", "59.5s")
    assert (headers["x-ratelimit-remaining-tokens"], headers["x-ratelimit-reset-tokens"]) == ("1234", "6m0s")


def test_the_drafts_fields_have_a_policy_and_a_state_for_each() -> None:
    headers = told(
        (rule(), State(99, NOW + 59_500, 0)),
        (rule("tokens", limit="2000"), State(5, NOW + 1, 0)),
        (rule("concurrency", per=None, limit="50"), State(49, 0, 0)),
        (rule("cost_usd", per="day", limit="25"), State(1, NOW + 1, 0)),
    )
    assert headers["ratelimit-policy"] == (
        '"organization-requests-minute";q=100;w=60, "organization-tokens-minute";q=2000;w=60;qu="tokens", '
        '"organization-concurrency";q=50;qu="concurrent-requests"'
    )
    assert headers["ratelimit"] == (
        '"organization-requests-minute";r=99;t=60, "organization-tokens-minute";r=5;t=1, '
        '"organization-concurrency";r=49'
    )


def test_of_two_limits_of_one_window_the_tighter_one_is_told() -> None:
    loose, tight = (rule(), State(90, NOW + 1, 0)), (rule(scope="key", limit="10"), State(2, NOW + 1, 0))
    for pairs in ((loose, tight), (tight, loose)):
        headers = told(*pairs)
        assert (headers["x-ratelimit-limit-minute"], headers["x-ratelimit-remaining-minute"]) == ("10", "2")


def test_without_a_limit_there_is_nothing_to_tell() -> None:
    assert told() == {}


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0s"), (0, "0s"), (1, "1ms"), (999, "999ms"), (1000, "1s"), (1500, "1.5s"), (1050, "1.05s"),
        (60_000, "1m0s"), (360_000, "6m0s"), (3_600_000, "1h0m0s"), (86_399_999, "23h59m59.999s"),
    ],
)  # fmt: skip
def test_a_duration_as_go_prints_it(ms: int, text: str) -> None:
    assert go_duration(ms) == text


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_can_be_read_back(ms: int) -> None:
    text = go_duration(ms)
    if text.endswith("ms"):
        assert int(text[:-2]) == ms
        return
    hours, _, rest = text.rpartition("h")
    minutes, _, seconds = rest.rpartition("m")
    total = Decimal(hours or 0) * 3600 + Decimal(minutes or 0) * 60 + Decimal(seconds.removesuffix("s"))
    assert total * 1000 == ms


def test_budgets_are_not_told_of() -> None:
    budget = budget_rule(Ceiling(id="b", organization="acme", nano_usd=0, per="month"))
    minute = rule()
    state, spent = State(99, NOW + 20_000, 0), State(0, NOW + 10**9, 0)
    assert told((minute, state), (budget, spent)) == told((minute, state))
    assert told((budget, spent)) == {}
