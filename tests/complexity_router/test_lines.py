"""Lines over values."""

from __future__ import annotations

from cognitude_plugins.complexity_router.lines import lines
from cognitude_plugins.complexity_router.table import Table

from .labelled import sums


def test_lines_rank_rows_they_had_not_seen() -> None:
    table = Table.of(sums(300), seed=1)
    said = lines(table).held_out
    high = [one for one, gain in zip(said, table.gains, strict=True) if gain]
    low = [one for one, gain in zip(said, table.gains, strict=True) if not gain]
    assert sum(high) / len(high) > sum(low) / len(low) + 0.3


def test_there_is_a_line_for_every_kind() -> None:
    table = Table.of(sums(900), seed=1)
    assert len(lines(table).of_kind) == len(table.centres) == 2
