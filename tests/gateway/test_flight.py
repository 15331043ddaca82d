"""An attempt is in flight until its answer is there, a stream's until its end, and what became of it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.flight import Flight
from cognitude_plugins.gateway.providers import Broke
from cognitude_plugins.gateway.providers.verdict import failure
from cognitude_plugins.gateway.vitals import Vital
from hooks import Call, Reply, hookimpl
from tests.gateway.calls import CHAT, STREAM, Chunks, Client, Upstream, events, runtime_of, settled, whole


def test_a_flight_is_counted_once_however_often_it_lands() -> None:
    vital = Vital()
    flight = Flight(vital)
    assert vital.in_flight == 1
    flight.answered()
    flight.land()
    flight.failed()
    flight.answered()
    assert (vital.in_flight, vital.error_rate) == (0, 0.0)
    assert vital.seconds is not None


def test_an_answer_that_breaks_off_counts_as_a_failure_too() -> None:
    vital = Vital()
    flight = Flight(vital)
    flight.answered()
    flight.failed()
    assert (vital.in_flight, vital.error_rate) == (0, 0.5)


async def test_a_whole_answer_is_in_flight_until_its_head(tmp_path: Path) -> None:
    seen = []

    async def answer(call: Call) -> Reply:
        seen.append(runtime.vitals.of("up").in_flight)
        await asyncio.sleep(0.02)
        return whole()

    runtime = runtime_of(tmp_path, upstream=Upstream(answer))
    await Client(CHAT).ask(runtime)
    vital = runtime.vitals.of("up")
    assert (seen, vital.in_flight, vital.error_rate) == ([1], 0, 0.0)
    assert vital.seconds is not None
    assert vital.seconds >= 0.02


async def test_a_failure_is_told_of_the_deployment_that_failed(tmp_path: Path) -> None:
    answers: list[Any] = [failure("connect", "no"), whole()]

    async def answer(call: Call) -> Reply:
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said  # type: ignore[no-any-return]

    runtime = runtime_of(tmp_path, upstream=Upstream(answer))
    assert (await Client(CHAT).ask(runtime)).status == 200
    first, second = runtime.vitals.of("up"), runtime.vitals.of("up#2")
    assert (first.error_rate, first.seconds, first.in_flight) == (1.0, None, 0)
    assert (second.error_rate, second.in_flight) == (0.0, 0)


async def in_flight_while(runtime: Any, client: Client) -> list[int]:
    """What was in flight as each message was sent, and at the end."""
    vital = runtime.vitals.of("up")
    seen: list[int] = []

    async def watch(_client: Client, _message: Any) -> None:
        seen.append(vital.in_flight)

    client._on_send = watch
    await client.ask(runtime)
    await settled()
    return [*seen, vital.in_flight]


class Through:
    @hookimpl
    async def post_response(self, reply: Reply) -> Reply:
        return reply.map(lambda event: event)


class Other:
    @hookimpl
    async def post_response(self, reply: Reply) -> Reply:
        return Reply.error(500, "something else")


@pytest.mark.parametrize("plugins", [(), (Through(),)], ids=["as it comes", "changed"])
async def test_a_stream_is_in_flight_until_its_end(tmp_path: Path, plugins: Any) -> None:
    source = Chunks(events("Hel", "lo"))
    runtime = runtime_of(tmp_path, *plugins, upstream=Upstream(lambda call: Reply(chunks=source)))
    seen = await in_flight_while(runtime, Client(STREAM))
    assert seen[:2] == [1, 1]
    assert seen[-1] == 0
    assert runtime.vitals.of("up").error_rate == 0.0


@pytest.mark.parametrize("plugins", [(), (Through(),)], ids=["as it comes", "changed"])
async def test_a_stream_that_breaks_off_has_failed(tmp_path: Path, plugins: Any) -> None:
    source = Chunks(events("Hel"), then=Broke("reset"))
    runtime = runtime_of(tmp_path, *plugins, upstream=Upstream(lambda call: Reply(chunks=source)))
    assert (await in_flight_while(runtime, Client(STREAM)))[-1] == 0
    assert runtime.vitals.of("up").error_rate == 0.5


async def test_a_stream_that_a_plugin_does_not_want_is_over(tmp_path: Path) -> None:
    source = Chunks(events("Hel"))
    runtime = runtime_of(tmp_path, Other(), upstream=Upstream(lambda call: Reply(chunks=source)))
    assert (await in_flight_while(runtime, Client(STREAM)))[-1] == 0
    assert source.closed


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "stream"])
async def test_a_client_that_hangs_up_ends_the_flight_and_says_nothing_of_the_deployment(
    tmp_path: Path, body: Any
) -> None:
    begun = asyncio.Event()

    async def answer(call: Call) -> Reply:
        if call.stream:
            begun.set()
            return Reply(chunks=Chunks(events("Hel")[:2], then=asyncio.Event()))
        begun.set()
        await asyncio.sleep(60)
        return whole()

    runtime = runtime_of(tmp_path, upstream=Upstream(answer))
    runtime.linger = None
    client = Client(body)
    task = asyncio.create_task(client.ask(runtime))
    await begun.wait()
    vital = runtime.vitals.of("up")
    assert vital.in_flight == 1
    await asyncio.sleep(0.01)
    client.leave()
    await task
    await settled()
    assert (vital.in_flight, vital.error_rate) == (0, 0.0)


async def test_a_task_that_is_cancelled_ends_the_flight(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def answer(call: Call) -> Reply:
        begun.set()
        await asyncio.sleep(60)
        return whole()

    runtime = runtime_of(tmp_path, upstream=Upstream(answer))
    task = asyncio.create_task(Client(CHAT).ask(runtime))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settled()
    vital = runtime.vitals.of("up")
    assert (vital.in_flight, vital.error_rate) == (0, 0.0)


def test_what_a_call_cut_short_itself_says_nothing_of_the_deployment() -> None:
    vital = Vital()
    for seconds, failures in ((0.0, 0.0), (60.0, 1 / 3)):
        flight = Flight(vital)
        flight.answered()
        flight.cut_after(seconds)
        flight.broke()
        assert (vital.in_flight, vital.error_rate) == (0, failures)


def test_streams_that_break_off_open_the_breaker_however_many_heads_come_between() -> None:
    vital = Vital()
    flights = [Flight(vital) for _ in range(40)]
    for flight in flights[:30]:
        flight.answered(streamed=True)
    for broken, later in zip(flights[:5], flights[30:35], strict=True):
        assert vital.state == "closed"
        later.answered(streamed=True)
        broken.broke()
    assert vital.state == "open"


def test_a_stream_that_came_to_its_end_is_a_success() -> None:
    vital = Vital()
    for _ in range(3):
        for _ in range(4):
            Flight(vital).failed()
        flight = Flight(vital)
        flight.answered(streamed=True)
        flight.land()
    assert (vital.state, vital.in_flight) == ("closed", 0)
