"""Trouble is said once, with what it cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.ledger.episode import Episode


def test_trouble_is_said_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    episode = Episode(Path("journal"), "rows are lost")
    for why, lost in [
        (None, 3),
        ("full", 5),
        ("full", 9),
        ("fuller", 10),
        (None, 11),
        (None, 11),
        ("full", 12),
        (None, 12),
    ]:
        episode.tell(why, lost)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("ERROR", "journal journal: full; rows are lost"),
        ("WARNING", "journal journal: in order again; 8 rows were lost"),
        ("ERROR", "journal journal: full; rows are lost"),
        ("WARNING", "journal journal: in order again; 1 rows were lost"),
    ]
