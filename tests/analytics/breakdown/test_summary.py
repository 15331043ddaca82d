"""This day, week and month, and as much of those before."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cognitude_plugins.analytics.breakdown.summary import spans, summary
from hooks.testing import FakeCall, FakeLedger


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        (
            "UTC",
            "2026-11-18T10:30:00+00:00",
            [
                "11-18 00:00, 11-17 00:00 to 11-17 10:30",
                "11-16 00:00, 11-09 00:00 to 11-11 10:30",
                "11-01 00:00, 10-01 00:00 to 10-18 10:30",
            ],
        ),
        # The clock went back on Sunday: the same time of its day is an hour more.
        (
            "Europe/Berlin",
            "2026-10-25T12:00:00+01:00",
            [
                "10-25 00:00, 10-24 00:00 to 10-24 12:00",
                "10-19 00:00, 10-12 00:00 to 10-18 12:00",
                "10-01 00:00, 09-01 00:00 to 09-25 12:00",
            ],
        ),
        # February has no 31st: all of it.
        (
            "UTC",
            "2026-03-31T08:00:00+00:00",
            [
                "03-31 00:00, 03-30 00:00 to 03-30 08:00",
                "03-30 00:00, 03-23 00:00 to 03-24 08:00",
                "03-01 00:00, 02-01 00:00 to 03-01 00:00",
            ],
        ),
        (
            "UTC",
            "2026-01-01T08:00:00+00:00",
            [
                "01-01 00:00, 12-31 00:00 to 12-31 08:00",
                "12-29 00:00, 12-22 00:00 to 12-25 08:00",
                "01-01 00:00, 12-01 00:00 to 12-01 08:00",
            ],
        ),
    ],
)
def test_spans_are_by_the_zones_clock(zone: str, now: str, expected: list[str]) -> None:
    where = ZoneInfo(zone)

    def shown(moment: datetime) -> str:
        return f"{moment.astimezone(where):%m-%d %H:%M}"

    found = [
        f"{shown(one.since)}, {shown(one.before_since)} to {shown(one.before_until)}"
        for one in spans(datetime.fromisoformat(now), where)
    ]
    assert found == expected


async def test_who_spent_most_comes_first() -> None:
    now = datetime.fromisoformat("2026-11-18T10:30:00+00:00")
    book = FakeLedger(
        *(
            FakeCall(at=now - timedelta(hours=hours), model=model, key=f"key-{model}", cost_nano_usd=cost)
            for hours, model, cost in ((1, "a", 1), (2, "b", 5), (3, "c", 3), (30, "a", 40), (500, "c", 900))
        )
    )
    found = await summary(book, "acme", now=now, zone=ZoneInfo("UTC"), since=now - timedelta(hours=24), top=2)
    assert [one.group["model"] for one in found.models] == ["b", "c"]
    assert [one.group["key"] for one in found.keys] == ["key-b", "key-c"]
    assert found.total.cost_nano_usd == 9
    assert [(this.cost_nano_usd, before.cost_nano_usd) for _, this, before in found.spans] == [
        (9, 40),
        (49, 0),
        (49, 0),
    ]
