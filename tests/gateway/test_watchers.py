"""Told exactly once, in order, and waited for."""

from __future__ import annotations

import asyncio
import logging

import pytest

from cognitude_plugins.gateway.watchers import Background, tell
from hooks import Outcome
from hooks.stream import Watch

OUTCOME = Outcome(status=200, source="provider", complete=True)


async def test_an_asynchronous_watcher_goes_on_when_the_call_is_cancelled() -> None:
    background = Background()
    told: list[int] = []

    async def slow(outcome: Outcome) -> None:
        await asyncio.sleep(0.03)
        told.append(outcome.status)

    task = asyncio.create_task(tell([(Watch(watcher=slow), OUTCOME)], background))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == []
    await background.finished()
    assert told == [200]


async def test_a_failure_is_logged_and_the_rest_are_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def fails(outcome: Outcome) -> None:
        raise ValueError("plain failure")

    async def fails_later(outcome: Outcome) -> None:
        raise ValueError("later failure")

    async def works(outcome: Outcome) -> None:
        told.append("works")

    watches = [Watch(watcher=one) for one in (fails, fails_later, works, lambda outcome: told.append("plain"))]
    with caplog.at_level(logging.ERROR):
        await tell([(watch, OUTCOME) for watch in watches], Background())
    assert told == ["plain", "works"]
    assert "plain failure" in caplog.text
    assert "later failure" in caplog.text


async def test_a_stray_cancelled_error_does_not_stop_the_watchers_behind_it() -> None:
    told: list[str] = []

    async def strays(outcome: Outcome) -> None:
        raise asyncio.CancelledError

    async def works(outcome: Outcome) -> None:
        told.append("works")

    await tell([(Watch(watcher=strays), OUTCOME), (Watch(watcher=works), OUTCOME)], Background())
    assert told == ["works"]


async def test_finished_waits_for_what_is_begun_while_it_waits() -> None:
    background = Background()
    done: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0.01)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0.01)
        background.start(second())
        done.append("first")

    background.start(first())
    await background.finished()
    assert done == ["first", "second"]


async def test_what_never_ends_does_not_hold_up_the_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()
    task = background.start(asyncio.sleep(60))
    async with asyncio.timeout(5):
        await background.finished(0.05)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert "1 watchers did not end within 0.05 s" in caplog.text
