"""When a message is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cognitude_plugins.alert_channels.delivery.timetable import DELAYS, next_delay_ms


def test_it_is_that_of_standard_webhooks() -> None:
    seconds = [next_delay_ms(attempts, None, 0) for attempts in range(1, len(DELAYS) + 1)]
    assert seconds == [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000, None]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(seconds=3), 5_000),
        (timedelta(minutes=1), 60_000),
        (timedelta(days=9), 86_400_000),
        (timedelta(-1), 5_000),
    ],
)
def test_a_receiver_can_ask_for_more_time_up_to_a_day(after: timedelta, expected: int) -> None:
    assert next_delay_ms(1, after, 0) == expected


def test_what_failed_together_is_not_tried_together() -> None:
    assert {next_delay_ms(2, None, jitter) for jitter in (0, 0.5, 1)} == {300_000, 315_000, 330_000}
