"""``cognitude cost alerts configure`` against a gateway in a process of its own."""

from __future__ import annotations

from typing import Any

from tests.alert_channels.budgets.test_commands import _clean, bad, good, one, run
from tests.processes import Running

__all__ = ["_clean", "one"]


def rules(one: Running) -> list[tuple[Any, ...]]:
    with one.client() as http:
        found = http.get("/alerts/configs").json()["data"]
    return sorted(
        (rule["name"], rule["metric"], rule["operator"], rule["threshold"], rule["severity"]) for rule in found
    )


def test_the_rules_are_made_once_and_changed_then(one: Running) -> None:
    words = ("alerts", "configure", "--daily", "50", "--weekly", "200", "--monthly", "900", "--error-rate", "0.05")
    first = good(one, *words)
    assert rules(one) == [
        ("daily_cost", "daily_cost", ">", 50, "warning"),
        ("error_rate", "error_rate", ">", 0.05, "warning"),
        ("monthly_cost", "monthly_cost", ">", 900, "warning"),
        ("weekly_cost", "weekly_cost", ">", 200, "warning"),
    ]
    again = good(one, *words)
    assert [rule["id"] for rule in again] == [rule["id"] for rule in first]
    good(one, "alerts", "configure", "--daily", "60", "--severity", "critical")
    assert rules(one)[0] == ("daily_cost", "daily_cost", ">", 60, "critical")
    assert len(rules(one)) == 4


def test_people_see_what_was_made(one: Running) -> None:
    found = run(one, "alerts", "configure", "--error-rate", "0.05")
    assert found.stdout == "error_rate: error_rate > 0.05 (warning), to every channel that hears it\n"


def test_what_is_missing_or_wrong_is_said(one: Running) -> None:
    assert "say at least one of --daily" in bad(one, "alerts", "configure", code=2)
    assert "--error-rate" in bad(one, "alerts", "configure", "--error-rate", "5", code=2)
