"""The reserve takes space only when there is plenty, and gives it back at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cognitude_plugins.gateway.ledger.reserve import Reserve, available


def test_the_reserve_takes_up_space_until_it_is_released(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, 65_536)
    reserve.keep()
    reserve.keep()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 65_536
    assert reserve.release()
    assert not reserve.release()
    assert list(tmp_path.iterdir()) == []


def test_a_reserve_that_is_half_there_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / "reserve").write_bytes(b"x")
    Reserve(tmp_path, 1000).keep()
    assert (tmp_path / "reserve").stat().st_size == 1000


def test_the_last_space_is_left_to_the_rows(tmp_path: Path) -> None:
    with (tmp_path / "any").open("wb") as file:
        most = available(file.fileno())
    with pytest.raises(OSError, match=os.strerror(28)):
        Reserve(tmp_path, most * 2 // 3).keep()
    assert not (tmp_path / "reserve").exists()
