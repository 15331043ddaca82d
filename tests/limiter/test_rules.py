"""Limits beside each other, and a limit made ready."""

from __future__ import annotations

import pytest

from cognitude_plugins.limiter.charge import Kind
from cognitude_plugins.limiter.rules import consistent, identity, rule_of, usd
from cognitude_plugins.limiter.settings import Limit
from tests.limiter.overridden import limit


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (
            [limit(100), limit(50, "hour")],
            "per_hour 50 is lower than per_minute 100 (requests of each organization): "
            "the shorter window could never be used up",
        ),
        (
            [limit(0.5, "month", "cost_usd", window="calendar"), limit(1, "day", "cost_usd", scope="organization")],
            "per_month 0.5 is lower than per_day 1 (cost_usd of each organization): "
            "the shorter window could never be used up",
        ),
        (
            [limit(9, "hour", scope="global"), limit(10, "second", scope="global")],
            "per_hour 9 is lower than per_second 10 (requests of all together): "
            "the shorter window could never be used up",
        ),
        ([limit(1), limit(2)], "there are two limits of requests per_minute of each organization"),
        (
            [limit(1, scope="key", models=["a", "b"]), limit(1, scope="key", models=["b", "a", "b"])],
            "there are two limits of requests per_minute of each key",
        ),
        (
            [limit(1, None, "concurrency"), limit(2, None, "concurrency")],
            "there are two limits of concurrency at once of each organization",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_named_with_the_rule(limits: list[Limit], rule: str) -> None:
    with pytest.raises(ValueError) as caught:
        consistent(limits)
    assert str(caught.value) == rule


@pytest.mark.parametrize(
    "limits",
    [
        [],
        [limit(100), limit(100, "hour")],
        [limit(100), limit(50, "hour", scope="key")],
        [limit(100), limit(50, "hour", "tokens")],
        [limit(100), limit(50, "hour", models=["gpt-*"])],
        [limit(100), limit(50, window="calendar")],
        [limit(100), limit(1, None, "concurrency")],
    ],
)
def test_limits_of_different_things_may_differ(limits: list[Limit]) -> None:
    consistent(limits)


def test_a_limit_is_the_same_one_whatever_its_number() -> None:
    assert identity(limit(5)) == identity(limit(7)) == "requests/minute/sliding"
    assert identity(limit(5, window="bucket", burst=1)) == identity(limit(5, window="bucket", burst=2))
    others = [limit(5, "hour"), limit(5, unit="tokens"), limit(5, window="bucket"), limit(5, models=["a"])]
    assert len({identity(one) for one in [limit(5), *others]}) == 5


def test_the_order_of_models_and_a_model_named_twice_make_no_other_limit() -> None:
    assert identity(limit(models=["a", "b"])) == identity(limit(models=["b", "a", "a"]))
    assert rule_of(limit(models=["b", "a", "a"])).models == ("a", "b")


def test_a_rule_counts_whole_numbers() -> None:
    rule = rule_of(limit("0.123456789", "day", "cost_usd", window="calendar"), "operator", "k")
    assert (rule.limit, rule.kind, rule.window) == (123_456_789, Kind.CALENDAR, 86_400_000)
    assert (rule.origin, rule.key, rule.field) == ("operator", "k", "cost_usd/day/calendar")
    bucket = rule_of(limit(10, window="bucket", burst=3))
    assert (bucket.kind, bucket.limit, bucket.burst) == (Kind.BUCKET, 10, 3)
    assert rule_of(limit(5, None, "concurrency")).kind is Kind.LEASE


@pytest.mark.parametrize(
    ("patterns", "model", "applies"),
    [
        (["gpt-*"], "gpt-4o", True),
        (["gpt-*"], "claude", False),
        (["gpt-*"], "my-gpt-4", False),
        (["a", "b"], "b", True),
        (["a"], "ab", False),
        (["a"], "a\n", False),
        (["m?"], "mx", False),
        (["m?"], "m?", True),
        (["m[12]"], "m1", False),
        (["m[12]*"], "m[12]-large", True),
        (None, "anything", True),
        (["a.b"], "axb", False),
    ],
)
def test_only_a_star_stands_for_something_else(patterns: list[str] | None, model: str, applies: bool) -> None:
    assert rule_of(limit(models=patterns)).applies(model) is applies


def test_many_stars_take_no_time() -> None:
    assert not rule_of(limit(models=["*a" * 127])).applies("a" * 126 + "b" * 20_000)


@pytest.mark.parametrize(
    ("nano", "shown"), [(0, "0"), (1, "0.000000001"), (25 * 10**9, "25"), (100 * 10**9, "100"), (1_500_000_000, "1.5")]
)
def test_dollars_are_shown_without_zeros_that_say_nothing(nano: int, shown: str) -> None:
    assert usd(nano) == shown


def test_a_rule_is_shown_in_words() -> None:
    assert rule_of(limit(100)).shown == "100 requests per minute"
    assert rule_of(limit(100, "day", "cost_usd")).shown == "100 USD per day"
    assert rule_of(limit(5, None, "concurrency")).shown == "5 calls under way"
