"""Reading segments, whatever has become of them: every intact record is read, none is made up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger import segments as module
from cognitude_plugins.gateway.ledger.frames import frame
from cognitude_plugins.gateway.ledger.segments import (
    Batch,
    consumed,
    finished,
    mark_consumed,
    read_batch,
    remove,
    segments,
)

RECORDS = [b'{"n":%d}' % number for number in range(5)]


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """As if a process were writing to it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def written(folder: Path, data: bytes) -> Path:
    path = folder / "0000000000000001-aa.journal"
    path.write_bytes(data)
    return path


def everything(path: Path) -> Batch:
    records: list[bytes] = []
    corrupt: list[bytes] = []
    end = 0
    while (batch := read_batch(path, end)).end != end:
        assert batch.end > end
        records += batch.records
        corrupt += batch.corrupt
        end = batch.end
    return Batch(records=records, end=end, corrupt=corrupt)


def lines(records: list[bytes]) -> bytes:
    return b"".join(map(frame, records))


def test_records_come_in_the_order_they_were_written(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS))
    assert everything(path) == Batch(records=RECORDS, end=path.stat().st_size, corrupt=[])


def test_reading_goes_on_from_where_it_ended(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS[:2]))
    first = read_batch(path, 0)
    with path.open("ab") as file:
        file.write(lines(RECORDS[2:]))
    assert read_batch(path, first.end).records == RECORDS[2:]


def test_a_line_that_is_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    whole = lines(RECORDS)
    path = written(tmp_path, whole[:-3])
    with owned(path):
        batch = everything(path)
        assert batch == Batch(records=RECORDS[:-1], end=len(lines(RECORDS[:-1])), corrupt=[])
        with path.open("ab") as file:
            file.write(whole[-3:])
        assert read_batch(path, batch.end).records == RECORDS[-1:]


def test_a_torn_line_of_an_owner_that_has_left_is_corrupt(tmp_path: Path) -> None:
    whole = lines(RECORDS)
    batch = everything(written(tmp_path, whole[:-3]))
    assert (batch.records, batch.corrupt, batch.end) == (RECORDS[:-1], [frame(RECORDS[-1])[:-3]], len(whole) - 3)


Damage = st.tuples(
    st.sampled_from(["flip", "cut", "put"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 90),
    st.binary(max_size=90),
)


@given(
    st.lists(st.integers(0, 10**30).map(b'{"n":%d}'.__mod__), unique=True, max_size=12),
    st.lists(Damage, max_size=4),
    st.booleans(),
)
def test_after_any_damage_every_intact_record_is_read_and_none_is_made_up(
    records: list[bytes], damages: list[tuple[str, float, int, bytes]], longer_than_a_line: bool
) -> None:
    """With a longest line that most damaged places are shorter than, and with one that many are longer than."""
    data = [(byte, place) for place, byte in enumerate(lines(records))]
    for kind, where, size, put in damages:
        place = int(where * len(data))
        if kind == "flip" and data:
            data[place] = (data[place][0] ^ (size or 1), -1)
        elif kind == "cut":
            del data[place : place + size]
        elif kind == "put":
            data[place:place] = [(byte, -1) for byte in put]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LONGEST_LINE", 64 if longer_than_a_line else 1000)
        path = written(Path(folder), bytes(byte for byte, _ in data))
        found = []
        end = 0
        while (batch := read_batch(path, end, 64)).end != end:
            found += batch.records
            end = batch.end
        assert end == len(data)
    assert set(found) <= set(records)
    assert [record for record in found if record in intact(records, data)] == intact(records, data)


def intact(records: list[bytes], data: list[tuple[int, int]]) -> list[bytes]:
    """Those whose line stands in the data as it was, byte for byte."""
    at = {origin: place for place, (_, origin) in enumerate(data) if origin >= 0}
    result, start = [], 0
    for record in records:
        origins = range(start, start + len(frame(record)))
        start = origins.stop
        places = [at.get(origin) for origin in origins]
        if places[0] is not None and places == list(range(places[0], places[0] + len(places))):
            result.append(record)
    return result


@pytest.mark.parametrize(
    "garbage", [bytes(3_500_000), b"{" * 3_500_000, b"deadbeef " * 300_000], ids=["nul", "{", "hex"]
)
def test_megabytes_of_garbage_without_a_newline_are_one_corrupt_line(tmp_path: Path, garbage: bytes) -> None:
    path = written(tmp_path, lines(RECORDS[:2]) + garbage + lines(RECORDS[2:]))
    batch = everything(path)
    assert (batch.records, batch.end) == (RECORDS, path.stat().st_size)
    assert batch.corrupt == [garbage[:4096]]


def test_garbage_without_an_end_waits_for_the_owner(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS) + bytes(2_500_000))
    with owned(path):
        assert everything(path).end == len(lines(RECORDS))
    assert everything(path).end == path.stat().st_size


def test_a_batch_is_bounded_and_does_not_cut_a_record(tmp_path: Path) -> None:
    records = [b"%06d" % number + b"x" * 300_000 for number in range(20)]
    path = written(tmp_path, lines(records))
    assert len(read_batch(path, 0).records) == 3
    assert everything(path).records == records


@pytest.mark.parametrize("data", [b"", b"\n\n\n"])
def test_nothing_is_nothing(tmp_path: Path, data: bytes) -> None:
    assert everything(written(tmp_path, data)) == Batch(records=[], end=len(data), corrupt=[])


def test_a_file_that_vanished_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "gone.journal"
    mark_consumed(path, 10)
    assert read_batch(path, 7) == Batch(records=[], end=7, corrupt=[])
    assert (finished(path), remove(path, 7), consumed(path)) == (True, True, 0)
    assert (segments(tmp_path), segments(tmp_path / "none")) == ([], [])


def test_segments_are_in_order_and_nothing_else_is_one(tmp_path: Path) -> None:
    names = ["0000000000000002-aa.journal", "0000000000000001-ff.journal", "0000000000000010-00.journal"]
    for name in [*names, ".0000000000000003-aa.journal", "reserve", "writer.lock"]:
        (tmp_path / name).touch()
    mark_consumed(tmp_path / names[0], 5)
    assert [path.name for path in segments(tmp_path)] == sorted(names)


def test_a_segment_stays_while_its_owner_may_write(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS))
    size = path.stat().st_size
    with owned(path):
        assert not finished(path)
        assert not remove(path, size)
        assert path.exists()
    assert finished(path)
    mark_consumed(path, size)
    assert remove(path, size)
    assert list(tmp_path.iterdir()) == []


def test_a_segment_stays_when_there_is_more_in_it_than_was_read(tmp_path: Path) -> None:
    """Its owner may have written between the last batch and its leave."""
    path = written(tmp_path, lines(RECORDS))
    assert not remove(path, path.stat().st_size - 1)
    assert path.exists()


def test_readers_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert finished(path)


def test_how_far_a_segment_is_consumed_is_noted_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, lines(RECORDS))
    assert consumed(path) == 0
    mark_consumed(path, 1234567)
    mark_consumed(path, 89)
    assert consumed(path) == 89
    (tmp_path / (path.name + ".read")).write_bytes(b"\0" * 20)
    assert consumed(path) == 0


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    def left_open() -> list[str]:
        return [
            path
            for fd in os.listdir("/dev/fd")
            if (path := os.path.realpath(f"/dev/fd/{fd}")).startswith(str(tmp_path))
        ]

    path = written(tmp_path, lines(RECORDS)[:-1])
    with path.open("rb"):
        assert left_open() == [str(path)]
    everything(path)
    mark_consumed(path, 1)
    assert not left_open()
    remove(path, 0)
    assert not left_open()
