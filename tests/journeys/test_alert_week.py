"""A week of alerts by a clock that nobody waits for, over the end of summer time in two zones (R13).

Each notice comes at its minute and once, though evaluations are repeated, come late, and die in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.target import QuietHours, Target
from cognitude_plugins.alert_channels.delivery.outbox import enqueue
from cognitude_plugins.alert_channels.lifecycle import stored
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle
from cognitude_plugins.alert_channels.lifecycle.silence import Silence
from cognitude_plugins.alert_channels.rules.bound import Bound
from cognitude_plugins.alert_channels.rules.evaluation import Evaluation
from cognitude_plugins.alert_channels.rules.settings import Rule
from hooks import Database
from hooks.testing import FakeCall, FakeGateway
from tests.borrowed import Tables
from tests.journeys.simulated_time import KnownCalls, Minutes, Process, outbox

START: Final = datetime(2026, 10, 24, 12, 1, tzinfo=UTC)
WEEK: Final = 7 * 24 * 60
ZONES: Final = {"acme": "Europe/Berlin", "globex": "Europe/London"}
"""Both leave summer time on Sunday the 25th at 1:00 UTC: that day has 25 hours."""

NIGHT: Final = QuietHours(start=time(22), end=time(7))
TARGETS: Final = (
    Target(id="pager", name="pager", organization="*"),
    Target(id="office", name="office", organization="acme", quiet_hours=NIGHT, group="none"),
)
RULES: Final = [
    {
        "name": "errors",
        "metric": "error_rate",
        "threshold": 0.5,
        "for": "2m",
        "severity": "critical",
        "repeat": "30m",
        "channels": ["pager"],
    },
    {"name": "slow", "metric": "latency_mean", "threshold": 5, "window": "10m", "filters": {"model": "sim"}},
    {"name": "spend", "metric": "daily_cost", "threshold": 7.3, "channels": ["pager"]},
    {"name": "quiet", "metric": "calls", "operator": "<", "threshold": 1, "window": "30m", "channels": ["pager"]},
]


class Everyone:
    def targets(self, organization: str) -> tuple[Target, ...]:
        return tuple(one for one in TARGETS if one.organization in ("*", organization))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-10-{text}:00+00:00")


def calls() -> Iterator[FakeCall]:
    """Of both organizations one of 5 cents every ten minutes: 7.20 dollars in 24 hours, 7.50 in 25."""
    at = utc("24 00:02")
    while at < utc("31 23:59"):
        for organization in ZONES:
            if organization == "acme" or not utc("29 08:00") <= at < utc("29 10:00"):
                yield FakeCall(at=at, organization=organization, cost_nano_usd=50_000_000, seconds=1.0)
        at += timedelta(minutes=10)
    yield from every_minute("25 00:30", "25 01:30", organization="globex", status=500, model="small")
    yield from every_minute("28 10:30", "28 12:30", status=500, model="small")
    yield from every_minute("28 15:00", "28 15:01", status=500, model="small")
    yield from every_minute("24 23:00", "25 07:00", seconds=9.0)
    yield from every_minute("27 02:00", "27 03:00", seconds=9.0)


def every_minute(first: str, last: str, **values: Any) -> Iterator[FakeCall]:
    at = utc(first) + timedelta(seconds=30)
    while at < utc(last):
        yield FakeCall(**{"at": at, "organization": "acme", **values})
        at += timedelta(minutes=1)


EXPECTED: Final = [
    # Slow from 1:00 in Berlin on; at 7:00 by its clocks, an hour later than the night before, the office hears of it.
    ("24 23:02", "pager", "firing", "slow"),
    ("25 00:33", "pager", "firing", "errors"),
    ("25 01:03", "pager", "firing", "errors"),
    ("25 01:33", "pager", "firing", "errors"),
    ("25 01:34", "pager", "resolved", "errors"),
    ("25 06:00", "office", "firing", "slow"),
    ("25 07:09", "office", "resolved", "slow"),
    ("25 07:09", "pager", "resolved", "slow"),
    # The day of 25 hours costs more than is right: at its end, in Berlin and then in London.
    ("25 23:00", "pager", "firing", "spend"),
    ("26 00:00", "pager", "firing", "spend"),
    ("26 00:00", "pager", "resolved", "spend"),
    ("26 01:00", "pager", "resolved", "spend"),
    # In the night: the office never hears of it.
    ("27 02:02", "pager", "firing", "slow"),
    ("27 03:09", "pager", "resolved", "slow"),
    # Silenced until noon; told again half an hour later. Of the one at 15:00 nobody hears.
    ("28 12:00", "pager", "firing", "errors"),
    ("28 12:30", "pager", "firing", "errors"),
    ("28 12:34", "pager", "resolved", "errors"),
    ("29 08:23", "pager", "firing", "quiet"),
    ("29 10:03", "pager", "resolved", "quiet"),
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("start", "minutes"),
    [
        pytest.param(utc("24 22:50"), 9 * 60, id="the night of the change"),
        pytest.param(START, WEEK, id="the week", marks=pytest.mark.soak),
    ],
)
async def test_each_notice_comes_at_its_minute_and_once(
    each_database: Any, tmp_path: Path, start: datetime, minutes: int
) -> None:
    database = Tables(each_database, tmp_path, plugin).lent()
    world = FakeGateway(ledger=KnownCalls(*calls()), time_zones=ZONES)
    rules = [Bound(id=f"yaml:{one['name']}", organization="*", rule=Rule.model_validate(one)) for one in RULES]
    silence = Silence(
        id="s",
        organization="acme",
        matchers={"rule": "errors"},
        from_ms=ms(utc("28 10:00")),
        until_ms=ms(utc("28 12:00")),
        operator=True,
    )
    await database.write("acme", lambda connection: stored.add_silence(connection, silence))

    def process(lent: Database) -> Process:
        life = Lifecycle(database=lent, targets=Everyone(), enqueue=enqueue, zone=world.time_zone)
        return Evaluation(world, life, lambda: rules).run

    await Minutes(database=database, process=process).run(start, minutes)
    found = [
        (f"{at:%d %H:%M}", channel, message.kind, str(message.data["name"]))
        for at, channel, message in await outbox(database)
    ]
    end = f"{start + timedelta(minutes=minutes):%d %H:%M}"
    assert sorted(found) == sorted(one for one in EXPECTED if f"{start:%d %H:%M}" <= one[0] < end)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
