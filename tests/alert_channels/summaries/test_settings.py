"""When summaries are sent."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.alert_channels.summaries.settings import Summaries


def test_by_default_they_come_at_eight_and_on_mondays() -> None:
    assert (Summaries().daily_clock, Summaries().weekly_clock) == (time(8), (0, time(8)))
    assert Summaries(daily=None).daily_clock is None
    assert Summaries(weekly=None).weekly_clock is None
    assert Summaries(weekly="sun 23:59").weekly_clock == (6, time(23, 59))


@pytest.mark.parametrize(
    "wrong",
    [{"daily": "8:00"}, {"daily": "24:00"}, {"weekly": "monday 08:00"}, {"zone": "Mars"}, {"hourly": "00"}],
)
def test_what_is_no_time_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Summaries(**wrong)
