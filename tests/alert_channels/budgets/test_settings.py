"""What is a budget, and what is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cognitude_plugins.alert_channels.budgets.settings import Budget, DeclaredBudget, DeclaredBudgets
from tests.alert_channels.budgets.made import budget

DECLARED: TypeAdapter[list[DeclaredBudget]] = TypeAdapter(DeclaredBudgets)


def test_a_budget_alerts_at_50_80_and_100_per_cent_and_refuses_nothing() -> None:
    found = budget()
    assert [(one.label, one.severity) for one in found.thresholds] == [
        ("50", "info"),
        ("80", "warning"),
        ("100", "critical"),
    ]
    assert (found.forecast, found.hard, found.status, found.scope) == (True, False, 402, "organization")


def test_thresholds_are_numbers_or_say_their_severity_and_are_ordered() -> None:
    found = budget(thresholds=[120, {"percent": 90, "severity": "info"}, 33.3])
    assert [(one.label, one.severity) for one in found.thresholds] == [
        ("33.3", "info"),
        ("90", "info"),
        ("120", "critical"),
    ]


@pytest.mark.parametrize(("amount", "nano"), [("0.000000001", 1), (100, 100 * 10**9), (0.1, 10**8)])
def test_an_amount_is_exact_to_the_billionth_of_a_dollar(amount: Any, nano: int) -> None:
    assert budget(amount=amount).nano_usd == nano


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"amount_usd": 0}, "greater than 0"),
        ({"amount_usd": "0.0000000001"}, "nine decimal places"),
        ({"amount_usd": "1e-300"}, "nine decimal places"),
        ({"amount_usd": "2e9"}, "more than"),
        ({"amount_usd": "1000000.01", "hard": True}, "a hard budget is at most 1000000 dollars"),
        ({"amount_usd": "NaN"}, "finite"),
        ({"per": "year"}, "day"),
        ({"scope": "key"}, "needs a value"),
        ({"value": "k1"}, "has no value"),
        ({"scope": "tag", "value": "team"}, "name=value"),
        ({"scope": "tag", "value": "=x"}, "name=value"),
        ({"scope": "user", "value": "a\x00"}, "NUL"),
        ({"since": "2026-11-01"}, "per: total"),
        ({"per": "total", "since": "0001-01-01"}, "1971"),
        ({"per": "total", "since": "9999-12-31"}, "9998"),
        ({"thresholds": [50, 50.0]}, "same percent"),
        ({"thresholds": [0]}, "greater than 0"),
        ({"thresholds": [True]}, "dictionary"),
        ({"thresholds": ["much"]}, "percent"),
        ({"thresholds": [50] * 11}, "at most 10"),
        ({"status": 500}, "402"),
        ({"name": "a b"}, "pattern"),
        ({"colour": "red"}, "Extra"),
    ],
)
def test_what_is_no_budget_is_refused_with_the_rule(changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule.replace("(", r"\(")):
        Budget.model_validate({"name": "all", "amount_usd": 100, "per": "month", **changed})


def test_a_declared_total_says_since_when() -> None:
    with pytest.raises(ValidationError, match="needs since"):
        DECLARED.validate_python([{"name": "all", "amount_usd": 1, "per": "total", "organization": "acme"}])


def test_two_declared_budgets_have_two_names() -> None:
    one = {"name": "all", "amount_usd": 1, "per": "day", "organization": "acme"}
    with pytest.raises(ValidationError, match="two budgets are called 'all'"):
        DECLARED.validate_python([one, {**one, "organization": "*"}])


def test_the_schema_takes_a_threshold_that_is_a_number() -> None:
    items = Budget.model_json_schema()["properties"]["thresholds"]["items"]
    found = Budget.model_json_schema()["$defs"]["Threshold"] if "$ref" in items else items
    assert [one.get("type") for one in found["anyOf"]] == ["number", "object"]


def test_what_was_dumped_is_read_as_the_same() -> None:
    found = budget(amount="12.345678901", thresholds=[10, 20.5], scope="tag", value="team=a=b")
    assert Budget.model_validate_json(found.model_dump_json()) == found
    assert found.amount_usd == Decimal("12.345678901")
