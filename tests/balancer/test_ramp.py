"""The canary: its share over time, who comes to it, and its end when it fails."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from cognitude_plugins.balancer.ramp import Ramp, share_at
from hooks.testing import FakeVitals

from .fleets import NOON, asked, deployment, seeded, user

STEPS = ((0.01, 1.0), (0.1, 24.0), (1.0, None))


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


def ramp(clock: Clock, vitals: FakeVitals | None = None, **options: Any) -> Ramp:
    settings: dict[str, Any] = {"start": NOON, "stays": True, "max_error_rate": 0.05, "min_calls": 20, **options}
    steps = settings.pop("steps", STEPS)
    return Ramp(
        "m#2",
        steps,
        vitals=vitals or FakeVitals(),
        random=seeded(),
        now=clock.now,
        clock=lambda: clock.seconds,
        **settings,
    )


def chosen(found: Ramp, name: str = "ada") -> bool:
    return found.of(user(name)).rank(deployment("m#2")) == 0


@pytest.mark.parametrize(
    ("hours", "share"), [(-1, 0), (0, 0.01), (0.99, 0.01), (1, 0.1), (24.9, 0.1), (25, 1), (9999, 1)]
)
def test_the_share_goes_up_by_its_steps(hours: float, share: float) -> None:
    assert share_at(STEPS, NOON, NOON + timedelta(hours=hours)) == share


def test_the_last_steps_share_stays_when_its_time_is_over() -> None:
    assert share_at([(0.2, 1.0)], NOON, NOON + timedelta(days=9)) == 0.2
    assert share_at([(0.2, None)], None, NOON) == 0.2


def test_of_the_users_that_share_comes_to_the_canary_and_nobody_leaves_it() -> None:
    clock = Clock()
    found = ramp(clock)
    names = [f"user-{number}" for number in range(5000)]
    at_canary: list[set[str]] = []
    for hours in (-1, 0, 2, 30):
        clock.seconds = hours * 3600
        at_canary.append({name for name in names if chosen(found, name)})
    assert [len(one) / 5000 for one in at_canary] == pytest.approx([0, 0.01, 0.1, 1], abs=0.01)
    assert at_canary[0] <= at_canary[1] <= at_canary[2] <= at_canary[3]


def test_by_call_each_is_drawn_for_itself() -> None:
    found = ramp(Clock(), steps=((0.3, None),), stays=False)
    assert sum(chosen(found) for _ in range(5000)) / 5000 == pytest.approx(0.3, abs=0.02)


def test_who_does_not_come_to_it_has_it_last() -> None:
    preferred = ramp(Clock(), steps=((0.0, None),)).of(user("ada"))
    assert [preferred.rank(deployment(id)) for id in ("m", "m#2", "m#3")] == [0, 1, 0]


def test_too_many_errors_end_it_for_good(caplog: pytest.LogCaptureFixture) -> None:
    clock, vitals = Clock(), FakeVitals(error_rate=0.06)
    found = ramp(clock, vitals, steps=((1.0, None),))
    assert [chosen(found) for _ in range(20)] == [True] * 20
    with caplog.at_level(logging.WARNING, "cognitude.balancer"):
        assert not chosen(found)
    assert "canary m#2: 6.0 % of its calls fail, more than 5.0 %" in caplog.text
    vitals.error_rate, clock.seconds = 0.0, 3600
    assert not chosen(found)
    assert found.status() == {"share": 0.0, "calls": 20, "aborted": True}


def test_an_error_rate_at_the_bound_is_allowed_and_a_later_one_noticed() -> None:
    clock, vitals = Clock(), FakeVitals(error_rate=0.05)
    found = ramp(clock, vitals, steps=((1.0, None),))
    assert all(chosen(found) for _ in range(50))
    vitals.error_rate, clock.seconds = 0.2, 1.0
    assert not chosen(found)


def test_a_dry_run_does_not_count() -> None:
    found = ramp(Clock(), FakeVitals(error_rate=1), steps=((1.0, None),))
    for _ in range(50):
        found.of(asked(user="ada", dry_run=True))
    assert found.calls == 0
    assert chosen(found)
