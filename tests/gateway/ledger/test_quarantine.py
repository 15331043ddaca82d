"""Corrupt lines are kept, and not more of them than there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.ledger import quarantine as module
from cognitude_plugins.gateway.ledger.quarantine import quarantine


def test_lines_are_kept_under_the_name_of_their_segment(tmp_path: Path) -> None:
    assert quarantine(tmp_path / "a.journal", [b"one", b"\0two"]) == 2
    assert quarantine(tmp_path / "a.journal", [b"three"]) == 1
    kept = tmp_path / "corrupt" / "a.journal"
    assert kept.read_bytes() == b"one\n\0two\nthree\n"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_nothing_leaves_no_file(tmp_path: Path) -> None:
    assert quarantine(tmp_path / "a.journal", []) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_folder_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    counts = [quarantine(tmp_path / f"{number}.journal", [b"x" * 29, b"y" * 29]) for number in range(5)]
    assert counts == [2, 1, 0, 0, 0]
    assert sum(path.stat().st_size for path in (tmp_path / "corrupt").iterdir()) == 90


def test_a_disk_that_refuses_is_not_the_ledgers_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "corrupt").write_text("in the way")
    assert quarantine(tmp_path / "a.journal", [b"one"]) == 0
    assert "a.journal" in caplog.text
