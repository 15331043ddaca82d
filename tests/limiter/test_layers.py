"""What is in force where something was set over the limits of plugins.yaml."""

from __future__ import annotations

from collections.abc import Sequence

from cognitude_plugins.limiter.layers import Override, effective
from cognitude_plugins.limiter.settings import Limit
from tests.limiter.overridden import limit


def in_force(below: Sequence[Limit], above: Sequence[Limit]) -> list[Limit]:
    over = Override(organization="acme", key="", layer="operator", limits=tuple(above))
    return [one.limit for one in effective(below, [over])]


def test_what_is_set_over_others_takes_the_place_of_the_same_and_is_added_otherwise() -> None:
    below = [limit(100), limit(3000, "hour")]
    above = [limit(500), limit(5, None, "concurrency"), limit(20, scope="key")]
    assert in_force(below, above) == [above[0], below[1], above[1], above[2]]


def test_what_is_set_over_others_is_in_force_even_where_they_contradict_it() -> None:
    assert in_force([limit(100), limit(3000, "hour")], [limit(5000)]) == [limit(5000), limit(3000, "hour")]
