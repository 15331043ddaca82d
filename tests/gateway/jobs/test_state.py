"""Which tick of a job may be claimed, by what the database has of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cognitude_plugins.gateway.jobs.state import Look, State

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OVER = State(due=NOON, fence=1, started=NOON, done=True, left=timedelta(0), seconds=0.1, error=None)


def free(state: State | None, due: datetime, now: datetime = NOON + MINUTE) -> bool:
    return Look(now=now, state=state).free_for(due)


def test_what_was_never_claimed_is_free() -> None:
    assert free(None, NOON)


def test_after_a_run_a_later_tick_is_free_and_the_same_is_not() -> None:
    assert free(OVER, NOON + MINUTE)
    assert not free(OVER, NOON)
    assert not free(OVER, NOON - MINUTE)


def test_beside_a_run_none_is_free() -> None:
    running = replace(OVER, done=False, left=timedelta(seconds=1))
    assert not free(running, NOON)
    assert not free(running, NOON + MINUTE)


def test_the_tick_of_a_dead_holder_is_free_and_what_was_before_it_is_not() -> None:
    dead = replace(OVER, done=False)
    assert free(dead, NOON)
    assert free(dead, NOON + MINUTE)
    assert not free(dead, NOON - MINUTE)


def test_a_tick_that_the_clock_has_not_come_to_holds_nothing_up() -> None:
    assert free(replace(OVER, due=NOON + 60 * MINUTE), NOON + MINUTE)
