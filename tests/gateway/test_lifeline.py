"""The only way to interrupt a call, and what it leaves untouched."""

from __future__ import annotations

import asyncio
from time import perf_counter

import pytest

from cognitude_plugins.gateway.lifeline import Lifeline


async def test_an_abort_interrupts_only_what_is_inside() -> None:
    lifeline = Lifeline()
    reached = False
    asyncio.get_running_loop().call_soon(lifeline.abort, "shutdown")
    with lifeline:
        await asyncio.sleep(10)
        reached = True
    assert not reached
    assert lifeline.gone == "shutdown"
    assert not lifeline.foreign
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
    await asyncio.sleep(0)


async def test_an_abort_outside_is_noted_and_interrupts_nothing() -> None:
    lifeline = Lifeline()
    asyncio.get_running_loop().call_soon(lifeline.abort, "client_disconnect")
    await asyncio.sleep(0.01)
    assert lifeline.gone == "client_disconnect"
    assert not lifeline.reachable
    with lifeline:
        pass
    await asyncio.sleep(0)
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_the_first_reason_stands() -> None:
    lifeline = Lifeline()
    lifeline.abort("shutdown")
    lifeline.abort("client_disconnect")
    assert lifeline.gone == "shutdown"
    assert lifeline.reachable


async def test_a_hang_up_after_the_last_byte_is_none_and_a_shutdown_still_is() -> None:
    lifeline = Lifeline()
    lifeline.over = True
    lifeline.abort("client_disconnect")
    assert lifeline.gone is None
    asyncio.get_running_loop().call_soon(lifeline.abort, "shutdown")
    async with asyncio.timeout(1):
        with lifeline:
            await asyncio.sleep(10)
    assert lifeline.gone == "shutdown"


async def test_a_foreign_cancellation_is_swallowed_once_and_remembered() -> None:
    async def work() -> Lifeline:
        lifeline = Lifeline()
        with lifeline:
            await asyncio.sleep(10)
        return lifeline

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    lifeline = await task
    assert (lifeline.gone, lifeline.foreign, lifeline.reachable) == ("shutdown", True, False)


async def test_other_exceptions_pass() -> None:
    lifeline = Lifeline()
    with pytest.raises(KeyError), lifeline:
        raise KeyError
    assert lifeline.gone is None


async def test_a_dropped_client_is_gone_even_at_the_last_byte() -> None:
    dropped: list[bool] = []
    lifeline = Lifeline(lambda: dropped.append(True))
    lifeline.over = True
    asyncio.get_running_loop().call_soon(lifeline.drop)
    async with asyncio.timeout(1):
        with lifeline:
            await asyncio.sleep(10)
    assert (lifeline.gone, dropped) == ("client_disconnect", [True])


async def test_only_what_is_expected_can_be_late() -> None:
    lifeline = Lifeline()
    lifeline.look(perf_counter() + 1000)
    lifeline.expect(50, lifeline.drop)
    lifeline.look(perf_counter() + 49)
    lifeline.relax()
    lifeline.look(perf_counter() + 1000)
    assert lifeline.gone is None
    lifeline.expect(50, lifeline.drop)
    lifeline.look(perf_counter() + 51)
    assert lifeline.gone == "client_disconnect"


async def test_what_is_late_is_told_once() -> None:
    told: list[bool] = []
    lifeline = Lifeline()
    lifeline.expect(1, lambda: told.append(True))
    lifeline.look(perf_counter() + 2)
    lifeline.look(perf_counter() + 3)
    assert told == [True]


async def test_a_call_that_lingers_goes_on_until_its_time_is_over() -> None:
    lifeline = Lifeline(linger=50)
    with lifeline:
        lifeline.abort("client_disconnect")
        await asyncio.sleep(0.01)
        assert (lifeline.gone, lifeline.lingers, lifeline.reachable) == ("client_disconnect", True, False)
        lifeline.look(perf_counter() + 49)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(lifeline.look, perf_counter() + 51)
        async with asyncio.timeout(1):
            await asyncio.sleep(10)
        raise AssertionError("it was not interrupted")
    assert lifeline.gone == "client_disconnect"


async def test_the_time_to_linger_runs_on_where_nothing_can_be_interrupted() -> None:
    lifeline = Lifeline(linger=50)
    lifeline.abort("client_disconnect")
    lifeline.relax()
    with lifeline:
        asyncio.get_running_loop().call_soon(lifeline.look, perf_counter() + 51)
        async with asyncio.timeout(1):
            await asyncio.sleep(10)
        raise AssertionError("it was not interrupted")


async def test_nothing_lingers_when_the_process_must_go() -> None:
    lifeline = Lifeline(linger=50)
    with lifeline:
        lifeline.abort("client_disconnect")
        asyncio.get_running_loop().call_soon(lifeline.abort, "shutdown")
        async with asyncio.timeout(1):
            await asyncio.sleep(10)
        raise AssertionError("it was not interrupted")
    assert (lifeline.gone, lifeline.lingers) == ("client_disconnect", False)


@pytest.mark.parametrize(("lent", "lingers"), [(True, True), (False, False)])
async def test_a_client_who_takes_nothing_is_lingered_for_where_his_connection_can_be_dropped(
    lent: bool, lingers: bool
) -> None:
    dropped: list[bool] = []
    lifeline = Lifeline((lambda: dropped.append(True)) if lent else None, linger=50)
    asyncio.get_running_loop().call_soon(lifeline.drop)
    went_on = False
    with lifeline:
        await asyncio.sleep(0.02)
        went_on = True
    assert (went_on, lifeline.lingers, dropped) == (lingers, lingers, [True] * lent)


async def test_a_call_that_others_want_goes_on_as_long_as_they_do() -> None:
    lifeline = Lifeline()
    wanted = True
    lifeline.wanted = lambda: wanted
    with lifeline:
        lifeline.abort("client_disconnect")
        await asyncio.sleep(0)
        assert (lifeline.gone, lifeline.lingers, lifeline.reachable) == ("client_disconnect", True, False)
        for later in (1, 2, 3):
            lifeline.look(perf_counter() + later)
            await asyncio.sleep(0)
        wanted = False
        assert not lifeline.lingers
        lifeline.look(perf_counter() + 4)
        await asyncio.sleep(10)
    assert lifeline.gone == "client_disconnect"
    assert not lifeline.foreign


async def test_what_others_want_does_not_outlive_the_process() -> None:
    lifeline = Lifeline()
    lifeline.wanted = lambda: True
    lifeline.abort("client_disconnect")
    asyncio.get_running_loop().call_soon(lifeline.abort, "shutdown")
    async with asyncio.timeout(1):
        with lifeline:
            await asyncio.sleep(10)
    assert (lifeline.gone, lifeline.lingers) == ("client_disconnect", False)


async def test_nobody_is_waited_for_whose_wish_is_over_before_the_client_leaves() -> None:
    lifeline = Lifeline()
    lifeline.wanted = lambda: False
    reached = False
    asyncio.get_running_loop().call_soon(lifeline.abort, "client_disconnect")
    with lifeline:
        await asyncio.sleep(10)
        reached = True
    assert not reached
