"""Request ids: unique, in the order of time, and safe wherever they are written."""

from __future__ import annotations

import re
import time

from cognitude_plugins.gateway.ids import new_id


def test_ids_are_unique_and_of_one_form() -> None:
    made = {new_id() for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(re.fullmatch(r"req_[0-9a-f]{32}", one) for one in made)


def test_a_later_id_sorts_behind_an_earlier_one() -> None:
    first = new_id()
    time.sleep(0.003)
    assert first < new_id()
