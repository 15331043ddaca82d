"""The screen of what was spent and saved."""

from __future__ import annotations

from rich.cells import cell_len

from cognitude_plugins.analytics.monitor.costs_view import costs_screen
from cognitude_plugins.analytics.monitor.series_bodies import SeriesQuery
from hooks.testing import FakeLedger

from ..drawn import looked_at, said

TODAY = SeriesQuery(range="today", sort="cost")


def test_a_month_by_model() -> None:
    looked_at("costs", costs_screen(said(SeriesQuery(range="30d", by="model", sort="cost")), said(TODAY), 80, 24))


def test_today_by_key() -> None:
    found = said(SeriesQuery(range="today", by="key", sort="cost"))
    screen = costs_screen(found, said(TODAY), 80, 24)
    looked_at("costs_today", screen)
    assert f"{found['total']['cost_usd']} USD" in screen.plain


def test_nothing_was_spent() -> None:
    query, empty = SeriesQuery(range="24h", by="model", sort="cost"), FakeLedger()
    looked_at("costs_nothing", costs_screen(said(query, empty), said(TODAY, empty), 80, 24))


def test_it_grows_and_shrinks_with_the_terminal() -> None:
    found, today = said(SeriesQuery(range="7d", by="model", sort="cost")), said(TODAY)
    for width in range(1, 140, 11):
        for height in (None, 10, 24, 60):
            screen = costs_screen(found, today, width, height)
            assert all(cell_len(line) <= width for line in screen.plain.split("\n"))
