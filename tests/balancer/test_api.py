"""``/routing``: behind the gateway's own gate, over a real database and the balancer's own desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.balancer as plugin
from cognitude_plugins.balancer.api import routes
from cognitude_plugins.balancer.desk import Desk, Trip
from cognitude_plugins.balancer.settings import Config
from hooks import Caller, Outcome, Plan
from hooks.testing import FakeGateway, make_call
from tests.borrowed import Tables, documented, gated, sqlite_tables

from .fleets import NOON, deployment, models, seeded

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "member": Caller(organization="acme", key="k-member", user="ada"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}
TWO = (deployment("m"), deployment("n"))
CONFIG = Config.model_validate(
    {
        "rules": [
            {
                "strategy": "experiment",
                "experiment": {
                    "name": "x",
                    "control": "b",
                    "arms": [{"name": "a", "model": "m", "weight": 3}, {"name": "b", "model": "n"}],
                },
            }
        ]
    }
)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


@pytest.fixture
async def desk(tables: Tables) -> AsyncIterator[Desk]:
    found = Desk(CONFIG, "balancer", random=seeded(), now=lambda: NOON, clock=lambda: 0.0)
    async with found.opened(FakeGateway(models=models(*TWO), database=tables.lent())):
        yield found


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[Any]:
    transport = httpx.ASGITransport(app=gated(routes(desk), CALLERS))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:

        async def ask(who: str, method: str, path: str, **options: Any) -> httpx.Response:
            return await http.request(method, f"/routing/{path}", headers={"who": who}, **options)

        yield ask


def call(desk: Desk, user: str, **ended: Any) -> str:
    """One call of this user to its end; the arm it was in."""
    asked = make_call({"model": "m", "messages": []}, user=user)
    plan = desk.route(asked, Plan(deployments=TWO))
    assert plan is not None
    trip = asked.state["balancer"]
    assert isinstance(trip, Trip)
    values: dict[str, Any] = {
        "status": 200,
        "source": "provider",
        "complete": True,
        "cost_nano_usd": 5_000_000,
        **ended,
    }
    desk.answered(trip, Outcome(reasons=plan.reasons, **values))
    assert trip.exposed is not None
    return trip.exposed.arm


async def test_the_arms_are_shown_in_their_order_with_what_was_counted(api: Any, desk: Desk) -> None:
    arms = [call(desk, f"user-{number}", status=500 if number % 5 == 0 else 200) for number in range(60)]
    found = (await api("viewer", "GET", "experiments")).json()
    assert (found["object"], found["organization"]) == ("routing_experiments", "acme")
    [experiment] = found["experiments"]
    assert (experiment["name"], experiment["by"], experiment["control"]) == ("x", "user", "b")
    a, b = experiment["arms"]
    assert (a["arm"], a["weight"], a["users"], a["calls"]) == ("a", 3, arms.count("a"), arms.count("a"))
    assert (b["arm"], b["users"], a["errors"] + b["errors"]) == ("b", arms.count("b"), 12)
    assert a["cost_usd"]["mean"] == pytest.approx(0.005)
    assert [a["cost_usd"][name] for name in ("difference", "low", "high")] == pytest.approx([0, 0, 0], abs=1e-12)
    assert b["error_rate"]["difference"] is b["error_rate"]["low"] is None
    assert a["error_rate"]["low"] < a["error_rate"]["difference"] < a["error_rate"]["high"]
    assert a["score"] == {"mean": None, "difference": None, "low": None, "high": None}


async def test_an_organization_sees_its_own_and_an_admin_whose_it_names(api: Any, desk: Desk) -> None:
    call(desk, "ada")
    for who, path, users in (
        ("foreign", "experiments", 0),
        ("root", "experiments?organization=acme", 1),
        ("root", "experiments?organization=globex", 0),
    ):
        found = (await api(who, "GET", path)).json()["experiments"][0]["arms"]
        assert sum(arm["users"] for arm in found) == users
    assert (await api("root", "GET", "experiments")).status_code == 400


async def test_a_score_counts_for_the_arm_of_the_user(api: Any, desk: Desk) -> None:
    arm = call(desk, "bob")
    said = await api("member", "POST", "scores", json={"experiment": "x", "user": "bob", "score": 0.25})
    assert said.json() == {"object": "routing_score", "experiment": "x", "arm": arm}
    arms = (await api("member", "GET", "experiments")).json()["experiments"][0]["arms"]
    assert {one["arm"]: one["score"]["mean"] for one in arms}[arm] == 0.25
    assert sum(one["users"] for one in arms) == 1


@pytest.mark.parametrize(
    ("who", "body", "status", "param"),
    [
        ("member", {"experiment": "y", "score": 1}, 404, "experiment"),
        ("member", {"experiment": "x"}, 400, "score"),
        ("member", {"experiment": "x", "score": "good"}, 400, "score"),
        ("member", {"experiment": "x", "score": 1, "user": ""}, 400, "user"),
        ("member", {"experiment": "x", "score": 1, "arm": "a"}, 400, "arm"),
        ("viewer", {"experiment": "x", "score": 1}, 403, None),
    ],
)
async def test_a_score_that_cannot_be_is_refused(api: Any, who: str, body: Any, status: int, param: str | None) -> None:
    said = await api(who, "POST", "scores", json=body)
    assert (said.status_code, said.json()["error"]["param"]) == (status, param)


async def test_a_parameter_that_is_not_known_is_refused(api: Any) -> None:
    assert (await api("viewer", "GET", "experiments?arm=a")).status_code == 400


async def test_nobody_can_ask_without_a_key(api: Any) -> None:
    for method, path in (("GET", "experiments"), ("POST", "scores")):
        assert (await api("nobody", method, path)).status_code == 401


def test_it_is_documented() -> None:
    desk: Any = partial(Desk, CONFIG, "balancer")
    paths = documented(routes(desk))["paths"]
    assert set(paths) == {"/routing/experiments", "/routing/scores"}
