"""The screen of calls, errors and latency over time."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from cognitude_plugins.analytics.monitor.metrics_view import metrics_screen
from cognitude_plugins.analytics.monitor.series_bodies import SeriesQuery
from hooks.testing import FakeLedger

from ..drawn import looked_at, said


@pytest.mark.parametrize("wanted", ["1h", "24h", "7d", "30d"])
def test_each_range_has_its_screen(wanted: str) -> None:
    looked_at(f"metrics_{wanted}", metrics_screen(said(SeriesQuery(range=wanted, latencies=True)), 80, 24))  # type: ignore[arg-type]


def test_groups_are_bars() -> None:
    looked_at("metrics_by_model", metrics_screen(said(SeriesQuery(by="model", latencies=True)), 80, 24))
    looked_at("metrics_by_key", metrics_screen(said(SeriesQuery(by="key", latencies=True)), 60, 24), width=60)


def test_without_calls_there_are_empty_axes() -> None:
    looked_at("metrics_nothing", metrics_screen(said(SeriesQuery(by="model", latencies=True), FakeLedger()), 80, 24))


def test_it_grows_and_shrinks_with_the_terminal() -> None:
    found = said(SeriesQuery(range="24h", by="model", latencies=True))
    for width in range(1, 140, 11):
        for height in (None, 10, 24, 60):
            screen = metrics_screen(found, width, height)
            assert all(cell_len(line) <= width for line in screen.plain.split("\n"))
    assert len(metrics_screen(found, 80, 60).plain.split("\n")) > 24
