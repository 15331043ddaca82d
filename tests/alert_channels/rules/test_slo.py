"""Objectives: the workbook's windows, and what cannot be one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cognitude_plugins.alert_channels.rules.slo import Slo


def test_without_windows_they_are_those_of_the_workbook() -> None:
    """2 % of the budget of 30 days in an hour, 5 % in six hours, 10 % in three days."""
    pairs = Slo(objective=0.999).windows
    burnt = [pair.factor * (pair.long.total_seconds() / (30 * 86_400)) for pair in pairs]
    assert burnt == pytest.approx([0.02, 0.05, 0.1])
    assert [pair.name for pair in pairs] == ["1h/5m", "6h/30m", "3d/6h"]
    assert all(pair.long == 12 * pair.short for pair in pairs)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"objective": 1}, "less than 1"),
        ({"objective": 0.9}, "nothing burns 14.4 times faster than is allowed: 10 times is when every call is bad"),
        ({"objective": 0.99, "of": "latency"}, "seconds are of latency"),
        ({"objective": 0.99, "seconds": 1}, "seconds are of latency"),
        ({"objective": 0.99, "windows": [["5m", "1h", 2]]}, "is not shorter than the long one"),
        ({"objective": 0.99, "windows": [["1h", "5m", 2], ["1h", "5m", 3]]}, "two pairs of windows are the same"),
        ({"objective": 0.99, "windows": [["1h", "5m", 2, "info", 7]]}, "valid dictionary"),
        ({"objective": 0.99, "windows": [["1h", "5m"]]}, "Field required"),
    ],
)
def test_what_cannot_be_an_objective_is_refused(values: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Slo.model_validate(values)
