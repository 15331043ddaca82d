"""What a standing says to the lifecycle."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.alert_channels.budgets.alarms import above, observations
from cognitude_plugins.alert_channels.budgets.standing import Standing
from tests.alert_channels.budgets.made import USD, budget, standing

FIRES = {"budget:budget_all:50": "2026-11", "budget:budget_all:80": "2026-11"}


def told(one: Standing, firing: dict[str, str] | None = None, told: bool = False) -> list[tuple[str, Any]]:
    found = observations(one, firing or {}, told)
    return [(observation.rule.rpartition(":")[2], observation.broken) for observation in found]


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (0, []),
        (49.999999999, []),
        (50, [("50", True)]),
        (80, [("80", True)]),
        (100, [("100", True)]),
        (250, [("100", True)]),
    ],
)
def test_of_thresholds_reached_at_once_the_highest_is_told(usd: float, expected: list[Any]) -> None:
    assert told(standing(usd)) == expected


def test_the_others_that_were_reached_are_named() -> None:
    [found] = observations(standing(100), {})
    assert ("Also reached", "50 %, 80 %") in found.facts
    assert found.title == "Budget all is exceeded in 2026-11: $100.00 of $100.00"
    assert (found.severity, found.value, found.threshold, found.window) == ("critical", 100.0, 100.0, "2026-11")
    ends, found = observations(standing(85), {"budget:budget_all:50": "2026-10"})
    assert (ends.broken, found.broken, dict(found.facts)["Also reached"]) == (False, True, "50 %")


def test_those_that_fire_fire_on_while_they_are_reached() -> None:
    assert told(standing(90), FIRES) == [("50", True), ("80", True)]
    assert told(standing(60), FIRES) == [("50", True), ("80", False)]
    assert told(standing(0), FIRES) == [("50", False), ("80", False)]


def test_in_a_new_period_the_alerts_of_the_old_one_end() -> None:
    old = dict.fromkeys((*FIRES, "budget:budget_all:forecast"), "2026-10")
    assert told(standing(0), old) == [("50", False), ("80", False), ("forecast", False)]
    assert told(standing(55), old) == [("50", True), ("80", False), ("forecast", False)]


def test_a_lower_one_is_not_told_when_a_higher_one_was_in_this_period() -> None:
    assert told(standing(60), told=True) == []
    assert above(standing(60), "budget:budget_all:50") == ["budget:budget_all:80", "budget:budget_all:100"]


def test_what_is_not_known_changes_nothing() -> None:
    assert told(standing(None), FIRES) == []


def test_a_disabled_budget_ends_its_alerts_and_opens_none() -> None:
    off = budget(enabled=False)
    assert told(standing(90, off), FIRES) == [("50", False), ("80", False)]
    assert told(standing(90, off)) == []


def test_a_bad_forecast_is_told_and_is_good_again_below_95_per_cent() -> None:
    def at(usd: float) -> Standing:
        return standing(10, forecast=round(usd * USD))

    fires = {"budget:budget_all:forecast": "2026-11"}
    assert told(at(100)) == []
    assert told(at(100.1)) == [("forecast", True)]
    assert told(at(96), fires) == []
    assert told(at(94), fires) == [("forecast", False)]
    assert told(standing(120, forecast=130 * USD), fires) == [("100", True)]
    assert told(standing(10, budget(forecast=False), forecast=200 * USD)) == []


def test_an_alert_says_whose_budget_it_is() -> None:
    one = budget(scope="tag", value="team=a", channels=["ops"], hard=True)
    [found] = observations(standing(100, one), {})
    assert found.labels == {"budget": "all", "scope": "tag", "tag": "team=a"}
    assert found.channels == ("ops",)
    assert ("Calls beyond it", "refused with 402") in found.facts
