"""What ``GET /analytics/series`` is asked and answers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cognitude_plugins.analytics.monitor.series_bodies import SeriesBody, SeriesQuery

from ..drawn import said


def test_the_body_says_of_when_it_is() -> None:
    body = said(SeriesQuery(range="24h", by="tag:team"))
    assert (body["start"], body["end"]) == ("2026-11-29T14:00+00:00", "2026-11-30T13:07+00:00")
    assert (body["step"], body["time_zone"], body["by"]) == ("hour", "Europe/Berlin", "tag:team")
    assert body["points"][-1]["time"] == "2026-11-30T14:00+01:00"
    assert [one["group"] for one in body["groups"]] == [{"tag:team": ""}]
    assert SeriesBody.model_validate(body).total.p50_seconds is None


@pytest.mark.parametrize(
    "query",
    [{"range": "2h"}, {"by": "day"}, {"by": "tag:"}, {"by": "model,day"}, {"sort": "name"}, {"from": "1"}],
    ids=str,
)
def test_what_there_is_not_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SeriesQuery.model_validate(query)
