"""The range of a change is that of what differs between both sides."""

from __future__ import annotations

from dataclasses import replace

from cognitude_plugins.gateway.replay.result import Range, Result
from cognitude_plugins.gateway.replay.tally import Pair

ESTIMATED = Result(
    status=200, source="provider", deployment="m", model="m", cost=100, range=Range(0, 200), basis="estimated"
)


def change(before: Result, after: Result) -> tuple[str, str, str]:
    pair = Pair()
    pair.add(before, after, before.decision() != after.decision())
    cost = pair.as_dict()["cost"]
    return cost["change_low_usd"], cost["change_usd"], cost["change_high_usd"]


def test_a_call_that_is_estimated_alike_on_both_sides_has_no_range() -> None:
    assert change(ESTIMATED, ESTIMATED) == ("0.000000000",) * 3


def test_one_that_may_cost_more_by_the_change_has_one() -> None:
    longer = replace(ESTIMATED, range=Range(100, 300))
    assert change(ESTIMATED, longer) == ("0.000000000", "0.000000000", "0.000000200")
    dearer = replace(ESTIMATED, cost=200, range=Range(0, 400))
    assert change(ESTIMATED, dearer) == ("-0.000000100", "0.000000100", "0.000000300")
