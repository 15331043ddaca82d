"""What the screens over a range have in common."""

from __future__ import annotations

import pytest

from cognitude_plugins.analytics.monitor.series_bodies import SeriesQuery
from cognitude_plugins.analytics.monitor.series_view import group_bars, labels, name_of, title, values

from ..drawn import said


@pytest.mark.parametrize(
    ("wanted", "label", "name"),
    [
        ("1h", "14:05", "last hour by 5 minutes"),
        ("24h", "14:00", "last 24 hours by hour"),
        ("7d", "Mon 14:00", "last 7 days by hour"),
        ("90d", "11-30", "last 90 days by day"),
    ],
)
def test_points_are_named_by_what_differs(wanted: str, label: str, name: str) -> None:
    found = said(SeriesQuery(range=wanted))  # type: ignore[arg-type]
    assert labels(found)[-1] == label
    assert title(found) == f"{name} (Europe/Berlin)"
    assert title(found).startswith(name_of(found))
    assert len(values(found, "calls")) == len(labels(found))


def test_groups_have_the_room_they_are_given() -> None:
    found = said(SeriesQuery(range="7d", by="model"))
    for most in range(2, 9):
        lines = group_bars(found, "calls", lambda one: str(one["calls"]), 40, most).plain.split("\n")
        assert lines[0] == "by model"
        assert len(lines) <= max(most, 3)
        assert lines[-1].endswith(" more") == (len(lines) < len(found["groups"]) + 1 or most < len(found["groups"]) + 1)
    assert "(none)" in group_bars(found, "calls", lambda one: "", 40, 9).plain
