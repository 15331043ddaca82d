"""A summary in a terminal, as it was looked at."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.text import Text

from cognitude_plugins.analytics.breakdown.summary import RANGES, summary
from cognitude_plugins.analytics.breakdown.summary_bodies import told
from cognitude_plugins.analytics.breakdown.summary_view import summary_lines
from cognitude_plugins.analytics.midnights import zone_of
from hooks.testing import FakeLedger

from ..drawn import NOW, ZONE, looked_at, traffic


async def said(ledger: FakeLedger) -> Any:
    found = await summary(ledger, "acme", now=NOW, zone=zone_of(ZONE), since=NOW - RANGES["7d"], top=5)
    return told(found, organization="acme", time_zone=ZONE, range="7d")


async def test_a_week() -> None:
    looked_at("summary", Text("\n".join(summary_lines(await said(traffic())))))


async def test_nothing_was_spent() -> None:
    looked_at("summary_nothing", Text("\n".join(summary_lines(await said(FakeLedger())))))


async def test_nothing_changes_the_terminal_and_nothing_is_wider() -> None:
    found = await said(traffic())
    found["models"][0]["name"] = "\x1b[31m漢字" * 30
    assert all(line.isprintable() and cell_len(line) <= 80 for line in summary_lines(found))
