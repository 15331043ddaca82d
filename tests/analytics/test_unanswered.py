"""What the ledger cannot answer, in the words of an endpoint."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cognitude_plugins.analytics.unanswered import not_answered
from hooks import Unanswerable

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def told(error: Unanswerable) -> Any:
    reply = not_answered(error, start_date=date(2026, 10, 1), zone=ZoneInfo("Europe/Berlin")).reply
    return reply.body["error"] if reply.body else None


def test_of_a_time_it_says_which_day_can_be_asked_for() -> None:
    error = told(Unanswerable("internal", what="time", name="calls", since=SINCE))
    assert error["param"] == "start_date"
    assert error["message"] == (
        "start_date 2026-10-01 is before 2026-11-02: it takes single calls, which are kept since "
        "2026-11-01T00:00:00+00:00: ask for a later start_date."
    )


@pytest.mark.parametrize(
    ("what", "name", "param"), [("dimension", "x", "group_by"), ("filter", "user", "user"), ("zone", None, "zone")]
)
def test_the_parameter_is_the_one_that_is_wrong(what: Any, name: str | None, param: str) -> None:
    error = told(Unanswerable("there is no such thing", what=what, name=name))
    assert (error["param"], error["message"]) == (param, "There is no such thing.")
