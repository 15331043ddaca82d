"""Days and hours of time zones: as Python's own clock has them, at every moment."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.zone import cuts, known_zone, named, offsets

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"),
    # Midnight was skipped; a minute past midnight; three quarters of an hour; a day left out; 44 min 30 s.
    *("America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia"),
)
TIMES = st.one_of(
    st.integers(0, 70 * 365 * DAY_MS),
    # Around the day that Apia left out, and the last year of Monrovia's seconds.
    st.integers(1_325_000_000_000, 1_325_400_000_000),
    st.integers(0, 3 * 365 * DAY_MS),
)


@given(st.sampled_from(ZONES), TIMES, st.integers(1, 400 * DAY_MS), st.integers(0, 400 * DAY_MS))
def test_an_offset_is_in_force_until_the_next(zone: str, start: int, length: int, after: int) -> None:
    found = offsets(zone, start, start + length)
    assert found[0][0] == start
    moment = start + after % length
    [*_, (_, offset)] = [one for one in found if one[0] <= moment]
    local = (EPOCH + timedelta(milliseconds=moment)).astimezone(ZoneInfo(zone))
    assert local.utcoffset() == timedelta(milliseconds=offset)


@given(st.sampled_from(ZONES), TIMES, st.integers(1, 3 * DAY_MS), st.sampled_from(("day", "hour")), st.data())
def test_between_two_cuts_it_is_the_same_day_or_hour(
    zone: str, start: int, length: int, span: str, data: st.DataObject
) -> None:
    end = start + length
    borders = list(cuts(span, offsets(zone, start, end), end))  # type: ignore[arg-type]
    assert borders == sorted(set(borders))
    assert all(start < one < end for one in borders)

    def named_by_python(moment: int) -> str:
        local = (EPOCH + timedelta(milliseconds=moment)).astimezone(ZoneInfo(zone))
        return f"{local:%Y-%m-%d}" if span == "day" else f"{local:%Y-%m-%dT%H}{local.utcoffset()}"

    one, other = (data.draw(st.integers(start, end - 1)) for _ in range(2))
    together = bisect_right(borders, one) == bisect_right(borders, other)
    assert together == (named_by_python(one) == named_by_python(other))


def test_names_are_those_of_iso_8601() -> None:
    assert named("day", 20_000 * DAY_MS, 0) == "2024-10-04"
    assert named("hour", 20_000 * DAY_MS, -12_600_000) == "2024-10-04T00:00-03:30"


@pytest.mark.parametrize("name", ["Europe/Bielefeld", "../../etc/passwd", "/etc/localtime", "", "\x00", "Europe"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        known_zone(name)


def test_all_of_time_cannot_be_split_by_a_zones_days() -> None:
    with pytest.raises(ValueError, match="200 years"):
        offsets("Europe/Berlin", 0, 8000 * 365 * DAY_MS)
    assert len(offsets("UTC", 0, 8000 * 365 * DAY_MS)) == 1
    assert offsets("Europe/Berlin", 8028 * 365 * DAY_MS, 8030 * 365 * DAY_MS)
