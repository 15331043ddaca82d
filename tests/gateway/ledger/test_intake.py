"""What one transaction is made of: from where, how much, and what stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.intake import gather, waiting_since
from cognitude_plugins.gateway.ledger.records import ID
from cognitude_plugins.gateway.ledger.row import Row
from cognitude_plugins.gateway.ledger.segments import mark_consumed
from tests.gateway.ledger.book import NOON, row, write_segment

ROWS = [row(f"r{number:02d}", time_ms=NOON + number) for number in range(30)]


def size(rows: list[Row]) -> int:
    return sum(len(frame(one.encode())) for one in rows)


def test_all_segments_are_read_when_there_is_not_much(tmp_path: Path) -> None:
    paths = [write_segment(tmp_path, ROWS[start : start + 10]).path for start in (0, 10, 20)]
    intake = gather(tmp_path, {})
    assert list(intake.parts) == paths
    assert [one[ID] for part in intake.parts.values() for one in part.rows] == [one.id for one in ROWS]
    assert [(part.start, part.end) for part in intake.parts.values()] == [(0, path.stat().st_size) for path in paths]
    assert intake.whole
    assert intake.oldest_ms == NOON


@pytest.mark.parametrize("most", [1, 7, 10, 11, 29])
def test_no_more_rows_than_asked_for_and_the_oldest_of_all_is_known(tmp_path: Path, most: int) -> None:
    """What is read piece by piece is everything, once."""
    paths = [write_segment(tmp_path, ROWS[start : start + 10]).path for start in (20, 10, 0)]
    offsets = dict.fromkeys((path.name for path in paths), 0)
    found: list[str] = []
    for _ in range(60):
        intake = gather(tmp_path, offsets, most)
        assert sum(len(part.rows) for part in intake.parts.values()) <= most
        assert intake.whole == (len(found) + most >= 30)
        left = [one.time_ms for one in ROWS if one.id not in found]
        assert intake.oldest_ms == min(left)
        assert waiting_since(tmp_path, offsets) == min(left)
        found += [one[ID] for part in intake.parts.values() for one in part.rows]
        offsets.update({part.segment: part.end for part in intake.parts.values()})
        if intake.whole:
            break
    assert sorted(found) == [one.id for one in ROWS]
    assert waiting_since(tmp_path, offsets) is None


def test_reading_goes_on_where_the_offsets_or_the_journals_own_notes_say(tmp_path: Path) -> None:
    known = write_segment(tmp_path, ROWS[:10]).path
    noted = write_segment(tmp_path, ROWS[10:20]).path
    mark_consumed(noted, size(ROWS[10:15]))
    parts = gather(tmp_path, {known.name: size(ROWS[:3])}).parts
    assert [one[ID] for one in parts[known].rows] == [one.id for one in ROWS[3:10]]
    assert [one[ID] for one in parts[noted].rows] == [one.id for one in ROWS[15:20]]
    assert waiting_since(tmp_path, {known.name: size(ROWS[:10])}) == NOON + 15


def test_a_segment_that_is_only_noted_as_read_is_put_before_the_database_to_confirm(tmp_path: Path) -> None:
    path = write_segment(tmp_path, ROWS).path
    mark_consumed(path, size(ROWS))
    assert gather(tmp_path, {}).parts[path].rows == []
    assert gather(tmp_path, {path.name: size(ROWS)}).parts == {}


def test_lines_that_are_no_rows_are_named_beside_those_that_are(tmp_path: Path) -> None:
    path = write_segment(tmp_path, [ROWS[0], b"{}", ROWS[1]]).path
    assert [one[ID] for one in gather(tmp_path, {}, most_rows=2).parts[path].rows] == ["r00"]
    with path.open("ab") as file:
        file.write(b"garbage\n")
    intake = gather(tmp_path, {})
    assert [one[ID] for one in intake.parts[path].rows] == ["r00", "r01"]
    assert intake.unreadable[path] == [b"garbage", b"{}"]
    assert intake.parts[path].end == path.stat().st_size


def test_of_a_folder_that_is_not_there_nothing_waits(tmp_path: Path) -> None:
    assert gather(tmp_path / "nowhere", {}).parts == {}
    assert waiting_since(tmp_path / "nowhere", {}) is None


@pytest.mark.parametrize("line", [b"garbage\n", b"", frame(b"[]"), frame(b'{"time_ms": "x"}'), frame(b"nonsense")])
def test_when_a_line_that_is_no_row_came_is_not_known(tmp_path: Path, line: bytes) -> None:
    segment = write_segment(tmp_path, [], leave=False)
    segment.path.write_bytes(line)
    assert waiting_since(tmp_path, {}) is None
    segment.close()
