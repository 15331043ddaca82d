"""A breakdown in a terminal, as it was looked at."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text

from cognitude_plugins.analytics.breakdown.bodies import told
from cognitude_plugins.analytics.breakdown.breakdown import Asked, breakdown
from cognitude_plugins.analytics.breakdown.view import breakdown_lines
from cognitude_plugins.analytics.midnights import begun, zone_of
from cognitude_plugins.analytics.settings import MetricSettings

from ..drawn import NOW, ZONE, looked_at, traffic

METRICS = [
    MetricSettings(name="usd_per_call", expression="cost_usd / calls"),
    MetricSettings(name="tail", expression="p99 / p50"),
    MetricSettings(name="a_name_that_is_longer_than_there_is_room", expression="1 / (hits - hits)"),
    MetricSettings(name="tokens_each", expression="total_tokens / calls"),
]


async def said(group_by: str, *, metrics: list[MetricSettings] | None = None, **values: Any) -> Any:
    where, names = zone_of(ZONE), tuple(group_by.split(","))
    first, last = NOW.date().replace(day=24), NOW.date()
    asked = Asked(since=begun(first, where), until=NOW, zone=ZONE, group_by=names, **values)
    head = {"organization": "acme", "time_zone": ZONE, "group_by": list(names)}
    found = await breakdown(traffic(), "acme", asked)
    return told(found, metrics or [], start_date=first.isoformat(), end_date=last.isoformat(), **head)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("model", {"group_by": "model"}),
        ("model_metrics", {"group_by": "model", "metrics": METRICS}),
        ("day_model", {"group_by": "day,model", "limit": 12}),
        ("hour", {"group_by": "hour", "limit": 5}),
        ("key", {"group_by": "key"}),
        ("user", {"group_by": "user"}),
    ],
)
async def test_it_is_what_it_was(name: str, asked: dict[str, Any]) -> None:
    found = await said(**asked)
    looked_at(f"breakdown_{name}", Text("\n".join(breakdown_lines(found))))


async def test_nothing_changes_the_terminal_and_nothing_is_wider() -> None:
    found = await said("model,key")
    for number, one in enumerate(found["data"]):
        one["group"] = {"model": "\x1b[31m漢字" * (number * 5 + 1), "key": "k\u202eey\n" * (number * 4)}
    lines = list(breakdown_lines(found))
    assert all(line.isprintable() and cell_len(line) <= 80 for line in lines)
