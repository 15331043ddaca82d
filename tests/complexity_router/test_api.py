"""``/v1/smart`` and ``/v1/feedback``: behind the gateway's own gate, over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.complexity_router as package
from cognitude_plugins.complexity_router.api import asked, routes
from cognitude_plugins.complexity_router.desk import Desk
from cognitude_plugins.complexity_router.plugin import ComplexityRouter
from cognitude_plugins.complexity_router.settings import Config
from hooks import Call, Caller, Reply
from hooks.operation import operation_of
from hooks.testing import FakeCall, FakeLedger, exercise
from tests.borrowed import Tables, documented, gated, sqlite_tables

from .places import PLAN, gateway

CALLERS: Mapping[str, Caller] = {
    "member": Caller(organization="acme", key="k-member"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign"),
}
HELLO = [{"role": "user", "content": "Hello"}]
ROUTE = "complexity_router: math/simple to small (cost, loses 0.000 at 50 labels); balancer: least_busy"


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    yield found
    found.close()


class Place:
    def __init__(self, http: httpx.AsyncClient, plugin: ComplexityRouter) -> None:
        self.http = http
        self.desk: Desk = plugin._desk

    async def post(self, path: str, body: Any, who: str = "member") -> httpx.Response:
        return await self.http.post(path, json=body, headers={"who": who})


@pytest.fixture
async def place(tables: Tables) -> AsyncIterator[Place]:
    plugin = ComplexityRouter(Config())

    async def answer(call: Call, tags: Mapping[str, str]) -> Reply:
        """The pipeline: this plugin, and a dry run's answer."""
        done = await exercise(plugin, call=call, plan=PLAN)
        ids = [one.id for one in done.plan.deployments]
        body = {**done.body, "deployments": ids, "reasons": list(done.plan.reasons)}
        return Reply.json(body, status=done.reply.status)

    now = datetime.now(UTC)
    ledger = FakeLedger(
        FakeCall(at=now, id="req_1", model="small", route=ROUTE),
        FakeCall(at=now, id="req_2", model="large", route="balancer: least_busy"),
        FakeCall(at=now, id="req_3", model="large"),
    )
    async with plugin.lifespan(gateway(database=tables.lent(), answer=answer, ledger=ledger)):
        app = gated(plugin.routes(), CALLERS)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
            yield Place(http, plugin)


def test_a_call_without_a_model_gets_the_alias_and_its_wishes() -> None:
    made = asked({"messages": HELLO, "optimize_for": "latency", "max_latency_ms": 50, "temperature": 0}, "auto")
    assert made == {
        "messages": HELLO,
        "temperature": 0,
        "model": "auto",
        "routing": {"optimize_for": "latency", "max_latency_ms": 50, "report": True},
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "large"}, "model"),
        ({"routing": {}}, "routing"),
        ({"optimize_for": "speed"}, "optimize_for"),
        ({"max_latency_ms": 0}, "max_latency_ms"),
        ({"messages": None}, "messages"),
        ({"max_cost": 1e300}, "max_cost"),
        ({"max_latency_ms": "100"}, "max_latency_ms"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    refused = asked({"messages": HELLO, **fields}, "auto")
    assert isinstance(refused, Reply)
    assert (refused.status, refused.body["error"]["param"]) == (400, param)


def test_completions_are_a_model_call() -> None:
    [found] = [route for route in routes(Desk(Config(), "r")) if getattr(route, "path", "") == "/v1/smart/completions"]
    described = operation_of(found.endpoint)  # type: ignore[attr-defined]
    assert described is not None
    assert (described.serves, described.access) == ("chat", "member")


async def test_an_analysis_is_the_decision_of_the_pipeline(place: Place) -> None:
    found = await place.post("/v1/smart/analyze", {"messages": HELLO, "optimize_for": "cost"})
    assert found.status_code == 200, found.text
    body = found.json()
    assert body["deployments"] == ["large", "small"]
    assert body["routing"]["selected_model"] == "large"
    assert body["routing"]["alternatives"][1]["flip"] == "6 more comparisons that it does not lose"
    assert body["routing"]["reason"] in body["reasons"][0]


async def test_an_analysis_refuses_what_the_call_would_be_refused_for(place: Place) -> None:
    dear = await place.post("/v1/smart/analyze", {"messages": HELLO, "max_cost": 1e-9})
    assert (dear.status_code, dear.json()["error"]["code"]) == (400, "no_capable_model")
    named = await place.post("/v1/smart/analyze", {"messages": HELLO, "model": "large"})
    assert (named.status_code, named.json()["error"]["param"]) == (400, "model")
    assert (await place.post("/v1/smart/analyze", {})).status_code == 400
    assert (await place.post("/v1/smart/analyze", {"messages": HELLO}, who="viewer")).status_code == 403


async def test_info_tells_an_organization_what_is_chosen_among_and_what_it_has_shown(place: Place) -> None:
    await place.post("/v1/feedback", {"request_id": "req_1", "score": 1})
    body = (await place.http.get("/v1/smart/info", headers={"who": "viewer"})).json()
    [alias] = body["aliases"]
    assert (alias["alias"], alias["default"], alias["optimize_for"]) == ("auto", "large", "cost")
    small = alias["models"][1]
    assert (small["usd_per_million_input"], small["capabilities"], small["context_tokens"]) == (0.15, ["tools"], 100)
    assert set(small["quality"]) == set(body["tasks"])
    assert (await place.http.get("/v1/smart/info?x=1", headers={"who": "viewer"})).status_code == 400


@pytest.mark.parametrize(
    ("given", "score"), [({"score": 0.25}, 0.25), ({"thumbs": "up"}, 1.0), ({"thumbs": "down"}, 0.0)]
)
async def test_an_answer_is_rated_for_the_model_and_the_task_it_was(
    place: Place, given: dict[str, Any], score: float
) -> None:
    found = await place.post("/v1/feedback", {"request_id": "req_1", **given})
    assert found.json() == {"request_id": "req_1", "model": "small", "task": "math", "score": score}
    [(where, rating)] = place.desk.learned.ratings.items()
    assert (where.organization, where.model, where.task) == ("acme", "small", "math")
    assert (rating.labels, rating.total) == (1, score)


async def test_an_answer_is_rated_once(place: Place) -> None:
    await place.post("/v1/feedback", {"request_id": "req_1", "thumbs": "up"})
    again = await place.post("/v1/feedback", {"request_id": "req_1", "thumbs": "down"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_rated")


@pytest.mark.parametrize("id", ["req_2", "req_3"])
async def test_an_answer_that_was_not_routed_here_is_not_rated(place: Place, id: str) -> None:
    found = await place.post("/v1/feedback", {"request_id": id, "score": 1})
    assert (found.status_code, found.json()["error"]["code"]) == (409, "not_routed")


async def test_another_organizations_answer_does_not_exist(place: Place) -> None:
    found = await place.post("/v1/feedback", {"request_id": "req_1", "score": 1}, who="foreign")
    assert (found.status_code, found.json()["error"]["code"]) == (404, "not_found")
    assert place.desk.learned.ratings == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give either score or thumbs"),
        ({"score": 1, "thumbs": "up"}, "give either score or thumbs"),
        ({"score": 2}, "less than or equal to 1"),
        ({"score": 1, "request_id": "\x00"}, "pattern"),
        ({"thumbs": "sideways"}, "'up' or 'down', not 'sideways'"),
        ({"score": "good"}, "number"),
        ({"score": 1, "why": "x"}, "there is no 'why' to be set here"),
    ],
)
async def test_feedback_that_says_nothing_is_refused(place: Place, given: dict[str, Any], said: str) -> None:
    found = await place.post("/v1/feedback", {"request_id": "req_1", **given})
    assert found.status_code == 400, found.text
    assert said in found.json()["error"]["message"]


def test_all_of_it_is_documented() -> None:
    paths = documented(routes(Desk(Config(), "r")))["paths"]
    assert set(paths) == {"/v1/smart/completions", "/v1/smart/analyze", "/v1/smart/info", "/v1/feedback"}
