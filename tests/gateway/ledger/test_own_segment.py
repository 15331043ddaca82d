"""The segment a process writes to: locked from the beginning, and not spoilt by a write that failed."""

from __future__ import annotations

from pathlib import Path

from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.own_segment import Segment
from cognitude_plugins.gateway.ledger.segments import finished, read_batch, segments
from tests.gateway.ledger.refusing import child


def test_a_new_segment_is_private_and_held(tmp_path: Path) -> None:
    segment = Segment.create(tmp_path / "deep" / "journal")
    assert segment.path.stat().st_mode & 0o777 == 0o600
    assert segment.path.parent.stat().st_mode & 0o777 == 0o700
    assert not finished(segment.path)
    segment.write(frame(b"{}"))
    segment.close()
    assert finished(segment.path)


def test_names_are_in_the_order_of_creation_and_never_the_same(tmp_path: Path) -> None:
    made = [Segment.create(tmp_path) for _ in range(50)]
    assert [one.path for one in made] == segments(tmp_path)
    for one in made:
        one.close()


def test_a_segment_nothing_was_written_to_is_taken_away(tmp_path: Path) -> None:
    Segment.create(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


SHORT_WRITE = """
import json, errno
from cognitude_plugins.gateway.ledger.own_segment import Segment
segment = Segment.create(folder)
segment.write(b"a" * 59 + b"\\n")
files_at_most(100)
if {refused}:
    refuse("ftruncate", errno.EIO)
for _ in range(3):
    try:
        segment.write(b"b" * 59 + b"\\n")
    except OSError as error:
        last = error.errno
size = segment.path.stat().st_size
files_at_most(None)
segment.write(b"c" * 59 + b"\\n")
segment.write(b"d" * 59 + b"\\n")
print(json.dumps({{"error": last == errno.EFBIG, "size": size, "text": segment.path.read_text(), "own": segment.size}}))
"""


def test_what_a_full_disk_cut_short_is_taken_back(tmp_path: Path) -> None:
    done = child(SHORT_WRITE.format(refused=False), tmp_path / "journal")
    assert done["error"]
    assert done["size"] == 60
    assert done["text"].split() == ["a" * 59, "c" * 59, "d" * 59]
    assert done["own"] == len(done["text"])


def test_what_cannot_be_taken_back_does_not_spoil_the_next_line(tmp_path: Path) -> None:
    done = child(SHORT_WRITE.format(refused=True), tmp_path / "journal")
    assert done["error"]
    assert done["size"] == 100
    assert done["text"].split() == ["a" * 59, "b" * 40, "c" * 59, "d" * 59]
    assert done["own"] == len(done["text"])


def test_a_reader_waits_for_a_line_cut_short_and_never_sees_it(tmp_path: Path) -> None:
    """What a reader has consumed is always whole lines, so that taking back the rest of one is safe."""
    segment = Segment.create(tmp_path)
    segment.write(frame(b"{}"))
    with segment.path.open("ab") as file:
        file.write(b"0000")
    batch = read_batch(segment.path, 0)
    assert (batch.records, batch.end, batch.corrupt) == ([b"{}"], segment.size, [])
    segment.close()
