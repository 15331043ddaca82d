"""Series against what its calls come to when they are counted one by one."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from cognitude_plugins.analytics.monitor.series import MOST_GROUPS, Asked, Series, Sort, series
from cognitude_plugins.analytics.monitor.stretches import Range
from hooks.testing import FakeCall, FakeLedger

from ..drawn import NOW, ZONE, traffic


async def made(
    wanted: Range,
    by: str | None = None,
    *,
    sort: Sort = "calls",
    latency: bool = True,
    ledger: FakeLedger | None = None,
) -> Series:
    asked = Asked(range=wanted, by=by, sort=sort, latencies=latency)
    return await series(ledger or traffic(), "acme", asked, now=NOW, zone=ZONE)


@pytest.mark.parametrize("wanted", ["1h", "24h", "today", "7d", "30d", "90d"])
async def test_every_point_has_the_calls_of_its_step(wanted: Range) -> None:
    calls, found = traffic().made, await made(wanted)
    starts = [*found.stretch.steps.values(), found.stretch.until]
    for (name, sums), (since, until) in zip(found.points.items(), pairwise(starts), strict=True):
        own = [call for call in calls if since <= call.at < until]
        assert (name, sums.calls, sums.cost_nano_usd, sums.errors) == (
            name,
            len(own),
            sum(call.cost_nano_usd or 0 for call in own),
            sum(call.status >= 400 for call in own),
        )
        assert sums.seconds == () or sums.seconds[0] in [call.seconds for call in own]
    assert found.total.calls == sum(one.calls for one in found.points.values())
    before = [call for call in calls if found.stretch.before_since <= call.at < found.stretch.before_until]
    assert (found.before.calls, found.before.errors) == (len(before), sum(call.status >= 400 for call in before))


async def test_groups_are_the_range_split_largest_first() -> None:
    by_calls, by_cost = await made("7d", "model"), await made("7d", "model", sort="cost")
    assert sum(one.calls for one in by_calls.groups) == by_calls.total.calls
    assert [one.calls for one in by_calls.groups] == sorted((one.calls for one in by_calls.groups), reverse=True)
    costs = [one.cost_nano_usd for one in by_cost.groups]
    assert costs == sorted(costs, reverse=True)
    assert all(len(one.seconds) == 3 for one in by_calls.groups)
    assert (await made("7d")).groups == ()


async def test_latency_is_there_for_whoever_asks_for_it() -> None:
    found = await made("24h", "model", latency=False)
    assert {one.seconds for one in (found.total, *found.groups, *found.points.values())} == {()}
    by_key = await made("24h", "key")
    assert by_key.total.seconds
    assert {one.seconds for one in by_key.groups} == {()}


async def test_only_the_largest_groups_are_told() -> None:
    hour = timedelta(hours=1)
    ledger = FakeLedger(*(FakeCall(at=NOW - hour, user=f"u{number}") for number in range(MOST_GROUPS + 7)))
    found = await made("24h", "user", ledger=ledger)
    assert (len(found.groups), found.left_out) == (MOST_GROUPS, 7)


async def test_without_calls_there_is_nothing_but_the_steps() -> None:
    found = await made("24h", "model", ledger=FakeLedger())
    assert len(found.points) == 24
    assert not any(one.calls for one in found.points.values())
    assert (found.total.calls, found.groups) == (0, ())
