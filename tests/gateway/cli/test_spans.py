"""Times as people write them on a command line."""

from __future__ import annotations

import click
import pytest

from cognitude_plugins.gateway.cli.spans import moment_ms, span_ms

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(("text", "hours"), [("24h", 24), ("7d", 168), ("2w", 336), ("90m", 1.5), ("0", 0)])
def test_a_span_is_a_number_and_a_unit(text: str, hours: float) -> None:
    assert span_ms("--since", text) == hours * 3_600_000
    if hours:
        assert moment_ms("--since", text, NOW_MS) == NOW_MS - hours * 3_600_000


def test_a_time_is_a_date_or_iso_8601_in_utc_where_it_says_no_zone() -> None:
    assert moment_ms("--since", "2026-11-01", NOW_MS) == moment_ms("--since", "2026-11-01T01:00:00+01:00", NOW_MS)


@pytest.mark.parametrize("text", ["7", "d", "0d", "-1d", "1.5h", "yesterday", "7 d", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no"):
        moment_ms("--since", text, NOW_MS)
