"""What ``GET /analytics/series`` is asked and answers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cognitude_plugins.analytics.series_bodies import SeriesQuery, amounts
from hooks import Sums

from .drawn import said


def test_rates_are_of_the_calls_and_money_is_exact() -> None:
    sums = Sums(
        group={},
        calls=8,
        errors=2,
        hits=4,
        prompt_tokens=5,
        completion_tokens=2,
        cost_nano_usd=1,
        seconds=(1.0, 2.0, 3.0),
    )
    found = amounts(sums)
    assert (found["error_rate"], found["hit_rate"], found["total_tokens"]) == (0.25, 0.5, 7)
    assert (found["cost_usd"], found["saved_usd"]) == ("0.000000001", "0")
    assert (found["p50_seconds"], found["p95_seconds"], found["p99_seconds"]) == (1.0, 2.0, 3.0)


def test_without_calls_rates_are_not_known() -> None:
    found = amounts(Sums(group={}))
    assert found["error_rate"] is found["hit_rate"] is found["p50_seconds"] is None


def test_the_body_says_of_when_it_is() -> None:
    body = said(SeriesQuery(range="24h", by="tag:team"))
    assert (body["start"], body["end"]) == ("2026-11-29T14:00+00:00", "2026-11-30T13:07+00:00")
    assert (body["step"], body["time_zone"], body["by"]) == ("hour", "Europe/Berlin", "tag:team")
    assert body["points"][-1]["time"] == "2026-11-30T14:00+01:00"
    assert [one["group"] for one in body["groups"]] == [""]


@pytest.mark.parametrize(
    "query",
    [{"range": "2h"}, {"by": "day"}, {"by": "tag:"}, {"by": "model,day"}, {"sort": "name"}, {"from": "1"}],
    ids=str,
)
def test_what_there_is_not_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SeriesQuery.model_validate(query)
