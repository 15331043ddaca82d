"""Each part of a call happens exactly once, whoever ends it and whenever: hang-up, shutdown, somebody else's cancel."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from cognitude_plugins.gateway.prices import Price, PriceBook
from cognitude_plugins.gateway.runtime import Runtime
from hooks import Call, Outcome, Reply, hookimpl
from tests.gateway.calls import (
    CHAT,
    STREAM,
    Chunks,
    Client,
    Message,
    Upstream,
    Watcher,
    events,
    runtime_of,
    settled,
    whole,
)


class Stages:
    """Stops at one place of a call until it is let go, and says when it has come there."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.here = asyncio.Event()
        self.outcomes: list[Outcome] = []
        self.steps: list[str] = []
        self.source = Chunks(events("Hel", "lo"))

    async def at(self, where: str) -> None:
        self.steps.append(where)
        if where == self.where:
            self.here.set()
            await asyncio.sleep(0.1)

    @hookimpl
    async def pre_request(self) -> None:
        await self.at("pre_request")

    @hookimpl
    async def post_response(self, reply: Reply) -> Reply:
        return reply.on_complete(self.told)

    async def told(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        await self.at("watcher")
        self.steps.append("told")

    async def send(self, client: Client, message: Message) -> None:
        kind = message["type"].rpartition(".")[2]
        last = kind == "body" and not message.get("more_body")
        await self.at("last" if last else kind)

    async def answer(self, call: Call) -> Reply:
        await self.at("provider")
        return Reply(chunks=self.source) if call.stream else whole()


class Later:
    """Behind `Stages` in the list, so before it on the way up: its watcher must not get lost either."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages
        self.outcomes: list[Outcome] = []

    @hookimpl
    async def post_response(self, reply: Reply) -> Reply:
        return reply.on_complete(self.outcomes.append)


class Up:
    def __init__(self, stages: Stages) -> None:
        self.stages = stages

    @hookimpl
    async def post_response(self) -> None:
        await self.stages.at("post_response")


PLACES = ["pre_request", "provider", "post_response", "start", "body", "last", "watcher"]


def prepared(folder: Path, where: str) -> tuple[Stages, Later, Client, Runtime]:
    stages = Stages(where)
    later = Later(stages)
    runtime = runtime_of(folder, stages, Up(stages), later, upstream=Upstream(stages.answer))
    runtime.timeouts = runtime.timeouts.model_copy(update={"client_write": 5.0})
    return stages, later, Client(STREAM, on_send=stages.send), runtime


async def once(stages: Stages, later: Later, runtime: Runtime) -> Outcome:
    async with asyncio.timeout(2):
        await runtime.idle()
    assert len(stages.outcomes) == 1, stages.steps
    assert len(later.outcomes) == 1
    assert stages.steps.count("told") == 1, "an asynchronous watcher is not cut short"
    assert stages.steps.count("post_response") <= 1
    if stages.where not in ("pre_request", "provider"):
        assert stages.source.closed, "the upstream is closed"
    return stages.outcomes[0]


@pytest.mark.parametrize("where", PLACES)
async def test_a_cancellation_from_outside_is_raised_and_every_watcher_told_once(tmp_path: Path, where: str) -> None:
    stages, later, client, runtime = prepared(tmp_path, where)
    task = asyncio.create_task(client.ask(runtime))
    await stages.here.wait()
    sent = len(client.messages)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    outcome = await once(stages, later, runtime)
    assert outcome.complete is (where == "watcher")
    assert len(client.messages) == sent, "the server has answered by itself: nothing may be sent after it"
    await settled()


@pytest.mark.parametrize("where", PLACES)
async def test_cancellations_that_repeat_as_anyio_has_it_lose_nothing(tmp_path: Path, where: str) -> None:
    stages, later, client, runtime = prepared(tmp_path, where)
    async with anyio.create_task_group() as group:
        group.start_soon(client.ask, runtime)
        await stages.here.wait()
        group.cancel_scope.cancel()
    await once(stages, later, runtime)
    await settled()


@pytest.mark.parametrize("where", PLACES)
async def test_a_shutdown_ends_the_call_and_every_watcher_is_told_once(tmp_path: Path, where: str) -> None:
    stages, later, client, runtime = prepared(tmp_path, where)
    task = asyncio.create_task(client.ask(runtime))
    await stages.here.wait()
    runtime.abort("shutdown")
    async with asyncio.timeout(1):
        await task
    outcome = await once(stages, later, runtime)
    if where != "watcher":
        assert (outcome.complete, outcome.error) == (False, "shutdown")
    if where in ("pre_request", "provider"):
        assert (client.status, client.headers["retry-after"]) == (503, "1")
        assert client.json["error"]["code"] == "shutting_down"
    if where in ("post_response", "start", "body"):
        assert client.ended
        assert client.events[-1]["error"]["code"] == "shutting_down"
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
    await settled()


@pytest.mark.parametrize("where", PLACES)
async def test_a_hang_up_ends_the_call_and_every_watcher_is_told_once(tmp_path: Path, where: str) -> None:
    stages, later, client, runtime = prepared(tmp_path, where)
    task = asyncio.create_task(client.ask(runtime))
    await stages.here.wait()
    sent = len(client.messages)
    client.leave()
    async with asyncio.timeout(1):
        await task
    outcome = await once(stages, later, runtime)
    over = where in ("last", "watcher")
    assert (outcome.complete, outcome.error) == ((True, None) if over else (False, "client_disconnect"))
    assert len(client.messages) == sent
    await settled()


async def test_a_cancellation_during_the_way_up_keeps_what_the_steps_before_it_made(tmp_path: Path) -> None:
    stages, later, client, runtime = prepared(tmp_path, "post_response")
    task = asyncio.create_task(client.ask(runtime))
    await stages.here.wait()
    task.cancel()
    await asyncio.wait([task])
    await once(stages, later, runtime)
    assert task.cancelled()


@pytest.mark.parametrize("method", ["pre_request", "post_response"])
async def test_a_cancelled_error_that_strays_out_of_a_plugin_is_the_plugins_failure(
    tmp_path: Path, method: str
) -> None:
    watcher = Watcher()

    async def cancelled() -> None:
        waiting = asyncio.get_running_loop().create_future()
        waiting.cancel()
        await waiting

    class Stray:
        @hookimpl
        async def pre_request(self) -> None:
            if method == "pre_request":
                await cancelled()

        @hookimpl
        async def post_response(self) -> None:
            if method == "post_response":
                await cancelled()

    runtime = runtime_of(tmp_path, watcher, Stray(), upstream=Upstream())
    client = await Client().ask(runtime)
    assert client.status == 200
    assert watcher.only.complete
    assert runtime.pipeline.faults["stray"].errors == 1


async def test_a_watcher_that_raises_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    told: list[str] = []

    class Many:
        @hookimpl
        async def post_response(self, reply: Reply) -> Reply:
            return (
                reply.on_complete(lambda outcome: {}["x"])
                .on_complete(lambda outcome: told.append("plain"))
                .on_complete(self.fails)
                .on_complete(self.strays)
                .on_complete(self.works)
            )

        async def fails(self, outcome: Outcome) -> None:
            raise RuntimeError("no")

        async def strays(self, outcome: Outcome) -> None:
            raise asyncio.CancelledError

        async def works(self, outcome: Outcome) -> None:
            told.append("async")

    client = await Client().ask(runtime_of(tmp_path, Many(), upstream=Upstream()))
    assert client.status == 200
    assert told == ["plain", "async"]


@pytest.mark.parametrize(("reason", "cost"), [("connect", 0), ("status_503", 0), ("timeout", None), ("reset", None)])
async def test_the_outcome_of_a_failed_provider_call_names_deployment_attempts_and_reasons(
    tmp_path: Path, reason: str, cost: int | None
) -> None:
    """What was never sent or answered with an error costs nothing; what broke off may have cost something."""
    from cognitude_plugins.gateway.providers.verdict import failure

    watcher = Watcher()

    async def fails(call: Call) -> Reply:
        raise failure(reason, "no")

    class Router:
        @hookimpl
        async def route(self, plan: Any) -> Any:
            return plan.rank(lambda one: one.id, why="by name")

    client = await Client().ask(runtime_of(tmp_path, watcher, Router(), upstream=Upstream(fails)))
    assert (client.status, client.headers["x-cognitude-attempts"]) == (502, "2")
    assert client.headers["x-cognitude-route"] == "by name"
    outcome = watcher.only
    assert (outcome.attempts, outcome.source, outcome.reasons, outcome.cost_nano_usd) == (
        2,
        "error",
        ("by name",),
        cost,
    )
    assert outcome.deployment is not None
    assert outcome.deployment.id == "up#2"


@pytest.mark.parametrize("end", ["hang-up", "shutdown"])
@pytest.mark.parametrize("where", ["pre_request", "provider"])
async def test_an_end_before_the_answer_names_the_deployment_that_was_asked(
    tmp_path: Path, where: str, end: str
) -> None:
    stages, later, client, runtime = prepared(tmp_path, where)
    task = asyncio.create_task(client.ask(runtime))
    await stages.here.wait()
    if end == "hang-up":
        client.leave()
    else:
        runtime.abort("shutdown")
    async with asyncio.timeout(1):
        await task
    outcome = await once(stages, later, runtime)
    asked = None if outcome.deployment is None else outcome.deployment.id
    assert (asked, outcome.attempts, outcome.cost_nano_usd) == (
        ("up", 1, None) if where == "provider" else (None, 0, 0)
    )


class Notes:
    """Writes down what no row can have, in the way of `Call.record` or past it."""

    def __init__(self, note: Any) -> None:
        self.note = note

    @hookimpl
    async def pre_request(self, call: Call) -> None:
        call.state["ledger"] = self.note

    @hookimpl
    async def route(self, call: Call) -> None:
        call.record(saved_nano_usd=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("note", ["x", [1], {"saved_nano_usd": 2**70}, {"complexity": "\ud800"}, {"cache_key": set()}])
@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_plugins_note_that_no_row_can_have_keeps_the_row_from_nobody(
    tmp_path: Path, body: Any, note: Any
) -> None:
    runtime = runtime_of(tmp_path, Notes(note), upstream=Upstream())
    await runtime.start()
    runtime.prices = PriceBook(own={"up": Price.per_million(input=1, output=2)})
    try:
        client = await Client(body).ask(runtime)
        assert client.status == 200
        moment = datetime.now(UTC)
        assert await runtime.opened.writer.drain(5)
        (sums,) = await runtime.opened.reader.usage("acme", since=moment - timedelta(hours=1))
        assert (sums.calls, sums.unpriced, sums.saved_nano_usd) == (1, 0, 0)
        assert sums.cost_nano_usd > 0
        assert runtime.pipeline.faults["notes"].last_kind == "route: TypeError"
    finally:
        await runtime.stop()


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_mistake_of_ours_in_the_account_leaves_a_row_all_the_same(tmp_path: Path, body: Any) -> None:
    watcher = Watcher()
    runtime = runtime_of(tmp_path, watcher, upstream=Upstream())
    await runtime.start()
    runtime.prices = PriceBook(own={"up": "not a price"})  # type: ignore[dict-item]
    try:
        with pytest.raises(AttributeError):
            await Client(body).ask(runtime)
        assert watcher.only.cost_nano_usd is None
        moment = datetime.now(UTC)
        assert await runtime.opened.writer.drain(5)
        (sums,) = await runtime.opened.reader.usage("acme", since=moment - timedelta(hours=1))
        assert (sums.calls, sums.unpriced, sums.incomplete) == (1, 1, 1)
    finally:
        await runtime.stop()
    await settled()


async def test_no_call_is_left_among_those_under_way(tmp_path: Path) -> None:
    runtime = runtime_of(tmp_path, upstream=Upstream())
    for body in (CHAT, STREAM, b"not json"):
        await Client(body).ask(runtime)
    assert not runtime.under_way
    await settled()
