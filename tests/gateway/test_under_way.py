"""One timer looks at every deadline, and only while there are calls."""

from __future__ import annotations

import asyncio

from cognitude_plugins.gateway.lifeline import Lifeline
from cognitude_plugins.gateway.under_way import UnderWay


async def test_a_deadline_that_has_passed_is_seen_within_a_tick() -> None:
    calls, lifeline, patient = UnderWay(0.01), Lifeline(), Lifeline()
    calls.add(lifeline)
    calls.add(patient)
    lifeline.expect(0.03, lifeline.drop)
    patient.expect(60, patient.drop)
    await asyncio.sleep(0.1)
    assert (lifeline.gone, patient.gone) == ("client_disconnect", None)


async def test_calls_that_came_later_are_looked_at_too() -> None:
    calls, first, second = UnderWay(0.01), Lifeline(), Lifeline()
    calls.add(first)
    calls.discard(first)
    await asyncio.sleep(0.05)
    calls.add(second)
    second.expect(0.01, second.drop)
    first.expect(0.01, first.drop)
    await asyncio.sleep(0.1)
    assert (first.gone, second.gone) == (None, "client_disconnect")


async def test_no_timer_is_left_when_nothing_is_under_way() -> None:
    calls, lifeline = UnderWay(0.01), Lifeline()
    calls.add(lifeline)
    assert len(calls) == 1
    assert calls._timer is not None
    calls.discard(lifeline)
    await asyncio.sleep(0.05)
    assert calls._timer is None
    assert not calls
