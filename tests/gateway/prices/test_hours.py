from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cognitude_plugins.gateway.prices.hours import Hours

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WORKDAYS = [1, 2, 3, 4, 5]


def hours(*spans: str, weekdays: object = WORKDAYS, **block: object) -> Hours:
    return Hours.of({"windows": [{"hours_utc": list(spans), "weekdays": weekdays}], **block})


@pytest.mark.parametrize(
    ("clock", "inside"),
    [("00:29", False), ("00:30", True), ("16:29", True), ("16:30", False), ("23:59", False)],
)
def test_a_window_has_its_start_and_not_its_end(clock: str, inside: bool) -> None:
    hour, minute = map(int, clock.split(":"))
    assert (MONDAY.replace(hour=hour, minute=minute) in hours("00:30-16:30")) is inside


def test_a_window_may_go_over_midnight_or_last_all_day() -> None:
    night = hours("22:00-06:00")
    assert MONDAY.replace(hour=23) in night
    assert MONDAY.replace(hour=5, minute=59) in night
    assert MONDAY.replace(hour=6) not in night
    assert MONDAY in hours("00:00-00:00")
    assert MONDAY.replace(hour=23, minute=59) in hours("10:00-00:00")


def test_weekdays_are_those_of_the_zone_that_is_named() -> None:
    sunday_evening = MONDAY - timedelta(hours=2)
    assert sunday_evening not in hours("00:00-00:00")
    assert sunday_evening in hours("00:00-00:00", weekday_timezone="Asia/Shanghai")


def test_a_moment_may_be_told_in_any_zone() -> None:
    assert MONDAY.astimezone(timezone(timedelta(hours=-11))) in hours("00:00-01:00")


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"windows": []},
        {"windows": ["00:00-01:00"]},
        {"windows": [{"hours_utc": "25:00-26:00"}]},
        {"windows": [{"hours_utc": "01:00-02:00", "weekdays": [0]}]},
        {"windows": [{"hours_utc": "01:00-02:00"}], "weekday_timezone": "Mars/Olympus"},
    ],
)
def test_what_is_no_list_of_hours_is_refused(block: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Hours.of(block)
