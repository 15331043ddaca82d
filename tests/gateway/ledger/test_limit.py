"""The limit is noticed before it is reached, for as many bytes as were promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.limit import Limit

MIB = 1_048_576


def test_segments_are_small_against_the_limit() -> None:
    assert Limit.of(1024 * MIB, "drop_oldest", 8 * MIB, None).segment == 8 * MIB
    assert Limit.of(64 * MIB, "drop_oldest", 8 * MIB, None).segment == MIB
    assert Limit.of(MIB, "drop_oldest", 8 * MIB, None).segment == 16_384


def test_calls_in_flight_have_a_quarter_but_no_more_than_four_mebibytes() -> None:
    assert Limit.of(MIB, "reject", 8 * MIB, None).low == MIB // 4
    assert Limit.of(1024 * MIB, "reject", 8 * MIB, None).low == 4 * MIB


def test_what_was_close_is_so_until_there_is_clearly_more_room() -> None:
    limit = Limit.of(10 * MIB, "reject", MIB, MIB)
    assert [limit.close(room, False) for room in (MIB + 1, MIB)] == [False, True]
    assert [limit.close(room, True) for room in (2 * MIB - 1, 2 * MIB)] == [True, False]


@given(st.integers(MIB, 1 << 40), st.integers(0, 1 << 40), st.integers(1, 5000))
def test_a_process_alone_is_told_of_the_headroom_and_never_passes_the_limit(most: int, headroom: int, row: int) -> None:
    """Rows are written while they are granted; the one that is not is preceded by a look."""
    limit = Limit.of(most, "reject", 8 * MIB, headroom % (most // 2))
    room, closes = most, []
    for _ in range(400):
        closes.append(limit.close(room, False))
        if room < row:
            break
        granted = max(limit.grant(room), row)
        written = granted // row * row
        if not closes[-1]:
            assert room - written >= limit.low - row, "it is noticed within a row of the headroom's beginning"
        room -= written
        assert room >= 0


@given(st.integers(1, 1 << 40), st.integers(0, 1 << 40))
def test_an_empty_journal_is_never_close_to_its_limit(most: int, headroom: int) -> None:
    limit = Limit.of(most, "reject", 8 * MIB, headroom % most)
    assert not limit.close(most, before=True)


@given(st.integers(MIB, 1 << 40), st.integers(-(1 << 40), 0))
def test_where_the_oldest_are_dropped_something_is_always_granted(most: int, room: int) -> None:
    assert Limit.of(most, "drop_oldest", 8 * MIB, None).grant(room) > 0
