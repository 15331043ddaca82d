"""`check_plugin` names what breaks the contract, and lets the rest pass."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from hooks import (
    Call,
    Gateway,
    Job,
    Metric,
    Misfit,
    Outcome,
    Plan,
    PluginError,
    Reply,
    Section,
    hookimpl,
    operation,
)
from hooks.testing import check_plugin


async def nothing() -> None: ...


@operation("Say hello", access="public")
async def hello(request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def unmarked(request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


class Good:
    """Takes part in everything, within the rules."""

    @hookimpl
    async def pre_request(self, call: Call) -> Call:
        call.state["good"] = 1
        return call.set(temperature=0)

    @hookimpl
    def route(self, plan: Plan) -> Plan:
        return plan.rank(lambda one: one.id, why="by name")

    @hookimpl
    async def post_response(self, call: Call, reply: Reply) -> Reply:
        def watch(outcome: Outcome) -> None:
            assert outcome.usage is None or outcome.usage.reported

        return reply.map(lambda body: None).on_complete(watch)

    @hookimpl
    def schedule(self) -> Iterator[Job]:
        yield Job(name="sweep", every=timedelta(seconds=1), run=nothing)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        yield

    @hookimpl
    def routes(self) -> list[Any]:
        return [Route("/hello", hello), Mount("/under", app=operation("Files", access="admin")(PlainTextResponse("x")))]

    @hookimpl
    def tables(self) -> list[type]:
        return [dict]

    @hookimpl
    def metrics(self) -> Iterator[Metric]:
        yield Metric(name="calls_seen", description="Calls.", unit="count", of=lambda sums: sums.calls)

    @hookimpl
    def sections(self) -> Iterator[Section]:
        yield from ()

    @hookimpl
    def misfits(self) -> Iterator[Misfit]:
        yield Misfit(at=("metric",), rule="must be one")

    @hookimpl
    async def health(self) -> Mapping[str, object]:
        return {"status": "ok"}


def test_a_plugin_within_the_rules_passes() -> None:
    check_plugin(Good())


async def test_it_can_be_called_where_an_event_loop_is_running() -> None:
    check_plugin(Good())


class NoMark:
    def pre_request(self, call: Call) -> None: ...

    @hookimpl
    def health(self) -> dict[str, object]:
        return {}


class Empty:
    def helper(self) -> None: ...


class Misspelt:
    @hookimpl
    def pre_requst(self, call: Call) -> None: ...


class Waits:
    @hookimpl
    async def schedule(self) -> list[Job]:
        return []


class Generates:
    @hookimpl
    async def pre_request(self, call: Call) -> AsyncIterator[Call]:
        yield call


class GeneratesPlainly:
    @hookimpl
    def pre_request(self, call: Call) -> Iterator[Call]:
        yield call


class HasDefault:
    @hookimpl
    def pre_request(self, call: Call | None = None) -> None: ...


class WrongJob:
    @hookimpl
    def schedule(self) -> list[Any]:
        return [nothing]


class NoJobs:
    @hookimpl
    def schedule(self) -> None: ...


class SameJobs:
    @hookimpl
    def schedule(self) -> list[Job]:
        return [Job(name="a", every=timedelta(seconds=1), run=nothing)] * 2


class Unmarked:
    @hookimpl
    def routes(self) -> list[Any]:
        return [Route("/marked", hello), Route("/open", unmarked)]


class UnmarkedMount:
    @hookimpl
    def routes(self) -> list[Any]:
        return [Mount("/under", routes=[Route("/hello", hello)])]


class WrongTable:
    @hookimpl
    def tables(self) -> list[Any]:
        return ["spend"]


class WrongMetric:
    @hookimpl
    def metrics(self) -> list[Any]:
        return ["cost"]


class WrongSection:
    @hookimpl
    def sections(self) -> list[Any]:
        return ["Weather"]


class WrongMisfit:
    @hookimpl
    def misfits(self, metrics: Mapping[str, Metric]) -> list[Any]:
        return [f"{len(metrics)} metrics"]


class WrongHealth:
    @hookimpl
    async def health(self) -> Any:
        return "ok"


class WrongStatus:
    @hookimpl
    def health(self) -> dict[str, object]:
        return {"status": "fine"}


class WrongReturn:
    @hookimpl
    async def post_response(self, reply: Reply) -> Any:
        return reply.body


class Meddles:
    @hookimpl
    def pre_request(self, call: Call) -> None:
        for part in call.state.values():
            part["seen"] = 2


class Sprawls:
    @hookimpl
    def pre_request(self, call: Call) -> None:
        call.state.update(one=1, two=2)


class Counts:
    def __init__(self) -> None:
        self.calls = itertools.count()

    @hookimpl
    def pre_request(self, call: Call) -> Call:
        return call.set(seed=next(self.calls))


BROKEN: list[tuple[object, str]] = [
    (NoMark(), "NoMark: pre_request has the name of a hook and no @hookimpl"),
    (Empty(), "Empty: not one @hookimpl"),
    (Misspelt(), "unknown hook 'pre_requst'"),
    (Waits(), "waits: schedule is called once at start-up and must be a plain def"),
    (Generates(), "generates: pre_request is an asynchronous generator"),
    (GeneratesPlainly(), "generates_plainly: pre_request is a generator"),
    (HasDefault(), "has_default: pre_request would never be given 'call'"),
    (WrongJob(), "wrong_job: schedule returned function, the contract says Job"),
    (NoJobs(), "no_jobs: schedule returned NoneType, the contract says an iterable"),
    (SameJobs(), "same_jobs: schedule names two jobs alike: a, a"),
    (Unmarked(), "unmarked: the endpoint of /open does not say who may call it"),
    (UnmarkedMount(), "unmarked_mount: the endpoint of /under does not say who may call it"),
    (WrongTable(), "wrong_table: tables returned str, not a class"),
    (WrongMetric(), "wrong_metric: metrics returned str, the contract says Metric"),
    (WrongSection(), "wrong_section: sections returned str, the contract says Section"),
    (WrongMisfit(), "wrong_misfit: misfits returned str, the contract says Misfit"),
    (WrongHealth(), "wrong_health: health returned str"),
    (WrongStatus(), "wrong_status: health has the status 'fine', not ok, degraded, down"),
    (WrongReturn(), "wrong_return: post_response returned FrozenDict, the contract says Reply or None"),
    (Meddles(), "Meddles: it changed another plugin's part"),
    (Sprawls(), "Sprawls: call.state holds one, two; a plugin has one key there"),
    (Counts(), "Counts: two dry runs of one call differ in the call"),
]


@pytest.mark.parametrize(("plugin", "message"), BROKEN, ids=lambda one: type(one).__name__)
def test_what_breaks_the_contract_is_named(plugin: object, message: str) -> None:
    with pytest.raises((PluginError, AssertionError)) as caught:
        check_plugin(plugin)
    assert message in str(caught.value)


def test_a_watcher_that_needs_usage_is_caught() -> None:
    class NeedsUsage:
        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return reply.on_complete(lambda outcome: print(outcome.usage.prompt_tokens))  # type: ignore[union-attr]

    with pytest.raises(AttributeError, match="prompt_tokens"):
        check_plugin(NeedsUsage())


def test_a_change_that_expects_an_object_is_caught() -> None:
    class Expects:
        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return reply.map(lambda body: {**body, "seen": True})

    with pytest.raises(TypeError):
        check_plugin(Expects())
