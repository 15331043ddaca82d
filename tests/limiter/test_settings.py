"""What can be written as a limit, and how each mistake is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.limiter.settings import DEFAULT_LIMITS, Config, Limit

LIMIT = {"scope": "organization", "unit": "requests", "per": "minute", "limit": 100}


def refusal(**values: Any) -> tuple[str, str]:
    """The field and the rule of the one thing that is wrong."""
    given = {name: value for name, value in {**LIMIT, **values}.items() if value is not ...}
    with pytest.raises(ValidationError) as caught:
        Limit.model_validate_json(json.dumps(given))
    [first] = caught.value.errors()
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (-1, "Input should be greater than 0"),
        (0, "Input should be greater than 0"),
        ("-0", "Input should be greater than 0"),
        (1e-400, "Input should be greater than 0"),
        (1.5, "limit 1.5 of requests is not a whole number"),
        (10**12 + 1, "limit 1000000000001 of requests is more than 1000000000000"),
        ("1e999999", "limit 1e+999999 of requests is more than 1000000000000"),
        ("9" * 5000, "limit 1.00000000000000e+5000 of requests is more than 1000000000000"),
        (float("inf"), "Input should be a finite number"),
        (float("nan"), "Input should be a finite number"),
        ("many", "Input should be a valid decimal"),
        (True, "Decimal input should be an integer, float, string or Decimal object"),
        (None, "Decimal input should be an integer, float, string or Decimal object"),
        ([100], "Decimal input should be an integer, float, string or Decimal object"),
        (..., "Field required"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_its_rule(limit: Any, rule: str) -> None:
    assert refusal(limit=limit) == ("limit", rule)


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        (-0.5, "Input should be greater than 0"),
        (1_000_000.5, "limit 1000000.5 of cost_usd is more than 1000000"),
        ("0.0000009", "limit 9e-7 is less than a millionth of a dollar"),
        ("0.0000012345", "limit 0.0000012345 of cost_usd has more than nine decimal places"),
    ],
)
def test_a_number_of_dollars_that_cannot_be_is_refused_with_its_rule(limit: Any, rule: str) -> None:
    assert refusal(unit="cost_usd", limit=limit) == ("limit", rule)


@pytest.mark.parametrize("limit", [0.000001, 0.1, "25", "0.123456789", 1_000_000])
def test_dollars_are_kept_to_the_billionth(limit: Any) -> None:
    given = json.dumps({**LIMIT, "unit": "cost_usd", "limit": limit})
    assert Limit.model_validate_json(given).limit == Decimal(str(limit))


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"unit": "concurrency"}, "concurrency is calls under way: it has no per and no window"),
        (
            {"unit": "concurrency", "per": None, "window": "bucket"},
            "concurrency is calls under way: it has no per and no window",
        ),
        ({"per": None}, "a limit of requests needs per: second, minute, hour, day, week or month"),
        ({"per": ...}, "a limit of requests needs per: second, minute, hour, day, week or month"),
        ({"per": "week"}, "per: week needs window: calendar"),
        ({"per": "month", "window": "bucket"}, "per: month needs window: calendar"),
        ({"burst": 5}, "burst is for window: bucket"),
        ({"burst": 5, "window": "calendar"}, "burst is for window: bucket"),
    ],
)
def test_fields_that_do_not_go_together_are_refused_with_the_rule(values: dict[str, Any], rule: str) -> None:
    assert refusal(**values) == ("", rule)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("scope", "team", "Input should be 'organization', 'key', 'user', 'address', 'model', 'provider' or 'global'"),
        ("unit", "dollars", "Input should be 'requests', 'tokens', 'cost_usd' or 'concurrency'"),
        ("per", "year", "Input should be 'second', 'minute', 'hour', 'day', 'week' or 'month'"),
        ("window", "fixed", "Input should be 'sliding', 'calendar' or 'bucket'"),
        ("per_hour", 50, "Extra inputs are not permitted"),
        ("models", [], "List should have at least 1 item after validation, not 0"),
    ],
)
def test_a_field_or_value_that_does_not_exist_is_refused(field: str, value: Any, rule: str) -> None:
    assert refusal(**{field: value}) == (field, rule)


@pytest.mark.parametrize("burst", [0, -3, 2.5, 10**13])
def test_a_burst_has_the_rules_of_a_limit(burst: Any) -> None:
    assert refusal(window="bucket", burst=burst)[0] == "burst"


def test_without_any_there_are_limits_on_requests_of_each_organization() -> None:
    assert Config().limits == list(DEFAULT_LIMITS)
    assert [(one.per, int(one.limit)) for one in DEFAULT_LIMITS] == [("minute", 100), ("hour", 3000), ("day", 50_000)]
    assert Config(limits=[]).limits == []


def test_limits_of_a_configuration_are_looked_at_together() -> None:
    hour = {**LIMIT, "per": "hour", "limit": 50}
    with pytest.raises(ValidationError, match="per_hour 50 is lower than per_minute 100"):
        Config.model_validate({"limits": [LIMIT, hour]})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("completion_tokens", 0),
        ("completion_tokens", 10_000_000),
        ("redis_timeout", 0),
        ("redis_timeout", 60),
        ("machines", 0),
        ("machines", -1),
        ("on_redis_error", "ignore"),
        ("prefix", "a b"),
        ("prefix", "{a}"),
        ("per_minute", 100),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
