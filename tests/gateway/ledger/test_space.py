"""What the journal takes up, and what is lost when some of it is given up."""

from __future__ import annotations

import os
from pathlib import Path

from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.own_segment import Segment
from cognitude_plugins.gateway.ledger.segments import mark_consumed
from cognitude_plugins.gateway.ledger.space import Found, give_up, look, tidy


def segment(folder: Path, name: str, rows: int) -> Path:
    path = folder / f"{name}.journal"
    path.write_bytes(frame(b'{"n":1}') * rows)
    return path


def test_what_the_database_has_does_not_count(tmp_path: Path) -> None:
    first, second = segment(tmp_path, "1", 10), segment(tmp_path, "2", 10)
    (tmp_path / "reserve").write_bytes(bytes(1000))
    line = len(frame(b'{"n":1}'))
    mark_consumed(first, 7 * line)
    assert look(tmp_path) == [Found(path=first, waiting=3 * line), Found(path=second, waiting=10 * line)]
    assert (give_up(first), give_up(second)) == (3, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]


def test_a_segment_somebody_else_gave_up_is_counted_there(tmp_path: Path) -> None:
    path = segment(tmp_path, "1", 10)
    assert (give_up(path), give_up(path)) == (10, 0)


def test_what_killed_processes_left_is_taken_away_and_what_lives_is_not(tmp_path: Path) -> None:
    kept = segment(tmp_path, "1", 1)
    mark_consumed(kept, 5)
    gone = segment(tmp_path, "2", 1)
    mark_consumed(gone, 5)
    gone.unlink()
    born = Segment.create(tmp_path)
    hidden = [tmp_path / name for name in (".old.journal", ".new.journal", ".held.journal")]
    for path in hidden:
        path.touch()
    (tmp_path / ".gitignore").touch()
    for path in (hidden[0], tmp_path / ".gitignore"):
        os.utime(path, (0, 0))
    born.path.rename(hidden[2])
    os.utime(hidden[2], (0, 0))
    tidy(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "1.journal",
        "1.journal.read",
        ".gitignore",
        ".new.journal",
        ".held.journal",
    }
    born.close()
