"""What a summary says."""

from __future__ import annotations

from datetime import date
from typing import Any

from cognitude_plugins.alert_channels.summaries.due import span
from cognitude_plugins.alert_channels.summaries.figures import Figures, OpenAlert
from cognitude_plugins.alert_channels.summaries.wording import message
from hooks import EVERY_ORGANIZATION, Part, Sums
from tests.alert_channels.budgets.made import NOW, USD, standing


def sums(calls: int, usd: float, **group: str) -> Sums:
    return Sums(
        group=group,
        calls=calls,
        errors=calls // 10,
        hits=calls // 5,
        prompt_tokens=calls * 1000,
        completion_tokens=calls,
        cost_nano_usd=round(usd * USD),
        saved_nano_usd=USD,
        unpriced=2,
    )


def figures(organization: str = "acme", **changed: Any) -> Figures:
    values: dict[str, Any] = {
        "span": span("daily", organization, "Europe/Berlin", date(2026, 11, 28)),
        "this": sums(100, 12.5),
        "before": sums(80, 10),
        "models": [sums(70, 9, model="gpt-4o"), sums(30, 3.5, model="")],
        "keys": [sums(100, 12.5, key="k1")],
        "budgets": [standing(85, forecast=120 * USD)],
        "alerts": [OpenAlert(organization, "critical", "<!channel> errors")],
        "open_count": 3,
        "parts": [Part(heading="Forecast", text="more")],
        **changed,
    }
    return Figures(**values)


def test_a_summary_says_what_was_spent_against_the_day_before() -> None:
    found = message(figures(), NOW)
    assert found.title == "Daily summary of acme, 2026-11-28: $12.50 (+25%)"
    assert found.text == "100 calls cost $12.50; $1.00 were saved. Of 2 calls the cost is not known."
    spending = found.parts[0]
    assert spending.columns == ("", "This time", "The day before", "Change")
    assert spending.rows == (
        ("Spent", "$12.50", "$10.00", "+25%"),
        ("Calls", "100", "80", "+25%"),
        ("Tokens", "100,100", "80,080", "+25%"),
        ("Errors", "10 (10.0%)", "8 (10.0%)", "+25%"),
        ("Cache hits", "20 (20.0%)", "16 (20.0%)", "+25%"),
        ("Saved", "$1.00", "$1.00", "+0%"),
    )


def test_it_names_models_keys_budgets_alerts_and_what_other_plugins_say() -> None:
    found = {part.heading: part for part in message(figures(), NOW).parts}
    assert list(found) == ["Spending", "Top models", "Top keys", "Budgets", "Open alerts", "Forecast"]
    assert found["Top models"].rows == (("gpt-4o", "70", "70,070", "$9.00"), ("(none)", "30", "30,030", "$3.50"))
    assert found["Budgets"].rows == (("all", "$85.00", "$100.00", "85.0 %", "$120.00"),)
    assert found["Open alerts"].rows == (("critical", "<!channel> errors"),)
    assert found["Open alerts"].text == "and 2 more"


def test_every_row_is_as_long_as_its_columns() -> None:
    for organization in ("acme", EVERY_ORGANIZATION):
        tops = [sums(1, 1, organization="acme")] if organization == EVERY_ORGANIZATION else []
        for part in message(figures(organization, organizations=tops), NOW).parts:
            assert all(len(row) == len(part.columns) for row in part.rows)
            assert all(isinstance(cell, str) for row in part.rows for cell in row)


def test_one_of_all_organizations_names_them() -> None:
    found = message(figures(EVERY_ORGANIZATION, keys=[], organizations=[sums(9, 3, organization="globex")]), NOW)
    parts = {part.heading: part for part in found.parts}
    assert found.title.startswith("Daily summary of all organizations, ")
    assert parts["Top organizations"].rows == (("globex", "9", "9,009", "$3.00"),)
    assert parts["Budgets"].rows[0][0] == "acme: all"
    assert parts["Open alerts"].columns == ("Severity", "Organization", "Alert")


def test_a_time_without_calls_says_so() -> None:
    nothing = Sums(group={})
    found = figures(this=nothing, before=nothing, models=[], keys=[], budgets=[], alerts=[], open_count=0, parts=[])
    said = message(found, NOW)
    assert (said.title, said.text) == ("Daily summary of acme, 2026-11-28: $0.00", "There were no calls.")
    assert [part.heading for part in said.parts] == ["Spending"]
    assert found.empty


def test_machines_get_the_same_as_values() -> None:
    found = message(figures(), NOW).data
    assert (found["first"], found["last"], found["open_alerts"]) == ("2026-11-28", "2026-11-28", 3)
    assert found["this"]["cost_usd"] == "12.5"
    assert found["models"][0]["name"] == "gpt-4o"
    assert found["budgets"][0] == {
        "organization": "acme",
        "id": "budget_all",
        "name": "all",
        "period": "2026-11",
        "spent_usd": "85",
        "amount_usd": "100",
        "percent": 85.0,
        "forecast_usd": "120",
        "state": "warned",
    }
