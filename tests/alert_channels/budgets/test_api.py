"""``/alerts/budgets`` behind the gateway's own gate, over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.budgets.api import routes
from cognitude_plugins.alert_channels.budgets.desk import SERIES, Desk
from cognitude_plugins.alert_channels.budgets.settings import DeclaredBudget
from hooks import Caller, Database, Unavailable
from hooks.testing import FakeGateway, FakeLedger
from tests.alert_channels.budgets.made import NOW, USD, call
from tests.alert_channels.lifecycle.watched import lifecycle, target
from tests.borrowed import Tables, documented, gated, sqlite_tables

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin"),
    "member": Caller(organization="acme", key="k-member"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}
DECLARED = [
    DeclaredBudget(name="everybody", amount_usd=Decimal(50), per="day", organization="*"),
    DeclaredBudget(name="theirs", amount_usd=Decimal(7), per="week", organization="globex"),
]
NEW = {"name": "mine", "amount_usd": 100, "per": "month"}


class Api:
    """As whom something is asked is the first word; ``root@acme`` is a gateway admin acting for acme."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk, gateway: FakeGateway, life: Any) -> None:
        self.desk = desk
        self.gateway = gateway
        self.life = life
        self._http = http

    async def __call__(self, who: str, method: str, path: str = "", body: Any = None) -> httpx.Response:
        who, _, organization = who.partition("@")
        query = {"organization": organization} if organization else {}
        options: Any = {} if body is None else {"json": body}
        return await self._http.request(method, f"/alerts/budgets{path}", headers={"who": who}, params=query, **options)

    async def made(self, who: str = "admin", **changed: Any) -> Any:
        answer = await self(who, "POST", body={**NEW, **changed})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


@pytest.fixture
def database(tables: Tables) -> Database:
    return tables.lent()


@pytest.fixture
async def api(database: Database) -> AsyncIterator[Api]:
    numbers = count(1)
    desk = Desk(DECLARED, "alerts", now=lambda: NOW, new_id=lambda: f"budget_{next(numbers)}")
    spent = FakeLedger(call(NOW, 60, key="k1"), call(NOW, 3, "globex"))
    gateway = FakeGateway(database=database, ledger=spent, time_zones={"acme": "Europe/Berlin", "globex": "UTC"})
    life = lifecycle(database, [target(organization="*")])
    transport = httpx.ASGITransport(app=gated(routes(desk), CALLERS))
    async with (
        desk.opened(gateway, life),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
    ):
        yield Api(http, desk, gateway, life)
    assert gateway.ceilings.all() == ()


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    code: str = answer.json()["error"]["code"]
    return code


async def test_any_key_sees_the_budgets_of_its_organization_and_how_they_stand(api: Api) -> None:
    await api.made(scope="key", value="k1")
    for who in ("viewer", "member", "admin", "root@acme"):
        found = (await api(who, "GET")).json()
        assert [(one["id"], one["of"], one["standing"]["spent_usd"]) for one in found["data"]] == [
            ("yaml:everybody", "acme", "60"),
            ("budget_1", "acme", "60"),
        ]
    first, second = found["data"]
    assert (first["by"], first["organization"], first["standing"]["state"]) == ("configuration", "*", "exceeded")
    standing = second["standing"]
    assert standing["period_start"].startswith("2026-10-31T23:00:00")
    assert standing["period_end"].startswith("2026-11-30T23:00:00")
    assert (standing["period"], standing["percent"], standing["left_usd"]) == ("2026-11", 60.0, "40")
    assert (standing["state"], standing["unanswerable"], standing["time_zone"]) == ("warned", None, "Europe/Berlin")


async def test_a_gateway_admin_sees_all_of_them(api: Api) -> None:
    await api.made()
    found = (await api("root", "GET")).json()
    assert found["organization"] is None
    assert [(one["name"], one["of"], one["standing"] is None) for one in found["data"]] == [
        ("everybody", None, True),
        ("theirs", "globex", False),
        ("mine", "acme", False),
    ]


async def test_what_is_set_is_shown_in_full(api: Api) -> None:
    found = await api.made(
        amount_usd="12.000000001",
        per="total",
        scope="tag",
        value="team=a",
        thresholds=[10, {"percent": 20, "severity": "critical"}],
        channels=["ops"],
        status=429,
    )
    assert found["since"] == "2026-11-29"
    assert (found["amount_usd"], found["scope"], found["value"]) == ("12.000000001", "tag", "team=a")
    assert found["thresholds"] == [{"percent": 10, "severity": "info"}, {"percent": 20, "severity": "critical"}]
    assert (found["by"], found["writable"], found["warning"]) == ("organization", True, None)
    again = (await api("admin", "GET", f"/{found['id']}")).json()
    assert again == {**found, "alerts": []}


async def test_a_change_changes_what_it_names(api: Api) -> None:
    made = await api.made()
    changed = await api("admin", "PATCH", "/budget_1", {"amount_usd": 20, "thresholds": [], "name": "other"})
    found = changed.json()
    assert (found["name"], found["amount_usd"], found["thresholds"]) == ("other", "20", [])
    assert {name for name in made if made[name] != found[name]} == {"name", "amount_usd", "thresholds", "standing"}
    assert refused(await api("admin", "PATCH", "/budget_1", {"scope": "key"}), 400) == "unknown_field"
    assert refused(await api("admin", "PATCH", "/budget_1", {"amount_usd": "1e-12"}), 400) == "invalid_value"


async def test_readers_change_nothing(api: Api) -> None:
    await api.made()
    for who in ("viewer", "member"):
        for method, path, body in (("POST", "", NEW), ("PATCH", "/budget_1", {}), ("DELETE", "/budget_1", None)):
            assert refused(await api(who, method, path, body), 403) == "role_required"


async def test_what_is_declared_is_changed_in_its_file(api: Api) -> None:
    for who in ("admin", "root", "root@acme"):
        assert refused(await api(who, "PATCH", "/yaml:everybody", {"amount_usd": 1}), 409) == "declared"
        assert refused(await api(who, "DELETE", "/yaml:everybody"), 409) == "declared"
    assert refused(await api("admin", "POST", body={**NEW, "name": "everybody"}), 409) == "name_taken"


@pytest.mark.parametrize("hard", [True, False])
async def test_what_a_gateway_admin_set_an_organization_cannot_loosen(api: Api, hard: bool) -> None:
    made = await api.made("root@acme", hard=hard)
    assert (made["by"], made["organization"], made["writable"]) == ("operator", "acme", True)
    seen = (await api("admin", "GET", "/budget_1")).json()
    assert seen["writable"] is False
    for body in ({"amount_usd": 10**6}, {"hard": False}, {"enabled": False}, {}):
        assert refused(await api("admin", "PATCH", "/budget_1", body), 403) == "set_by_operator"
    assert refused(await api("admin", "DELETE", "/budget_1"), 403) == "set_by_operator"
    assert (await api("root@acme", "PATCH", "/budget_1", {"amount_usd": 5})).json()["amount_usd"] == "5"
    assert (await api("root@acme", "DELETE", "/budget_1")).json() == {
        "object": "budget",
        "id": "budget_1",
        "deleted": True,
    }


async def test_an_organization_changes_what_it_has_set_and_so_may_a_gateway_admin(api: Api) -> None:
    await api.made()
    found = (await api("root@acme", "PATCH", "/budget_1", {"amount_usd": 5})).json()
    assert (found["by"], found["amount_usd"]) == ("organization", "5")
    assert (await api("admin", "PATCH", "/budget_1", {"amount_usd": 6})).json()["amount_usd"] == "6"
    assert (await api("admin", "DELETE", "/budget_1")).status_code == 200


async def test_a_budget_of_every_organization_is_the_gateway_admins(api: Api) -> None:
    made = await api.made("root", amount_usd=10)
    assert (made["organization"], made["of"], made["standing"]) == ("*", None, None)
    mine = (await api("admin", "GET", "/budget_1")).json()
    theirs = (await api("foreign", "GET", "/budget_1")).json()
    assert (mine["standing"]["spent_usd"], theirs["standing"]["spent_usd"]) == ("60", "3")
    assert refused(await api("admin", "PATCH", "/budget_1", {}), 403) == "set_by_operator"
    assert refused(await api("root@acme", "PATCH", "/budget_1", {}), 409) == "of_every_organization"
    assert (await api("root", "DELETE", "/budget_1")).status_code == 200


async def test_what_is_another_organizations_is_not_there(api: Api) -> None:
    before = await api.made()
    for method, body in (("GET", None), ("PATCH", {"amount_usd": 1}), ("DELETE", None)):
        for who in ("foreign", "root@globex"):
            foreign = await api(who, method, "/budget_1", body)
            unknown = await api(who, method, "/budget_9", body)
            assert (foreign.status_code, foreign.text) == (404, unknown.text)
    assert refused(await api("admin", "GET", "/yaml:theirs"), 404) == "not_found"
    after = (await api("admin", "GET", "/budget_1")).json()
    assert after == {**before, "alerts": []}


async def test_a_hard_budget_is_in_force_at_once_and_says_what_is_missing(api: Api) -> None:
    found = await api.made(hard=True)
    assert "'limiter'" in found["warning"]
    [ceiling] = api.gateway.ceilings.all()
    assert (ceiling.id, ceiling.nano_usd, ceiling.organization) == ("budget_1", 100 * USD, "acme")
    assert api.desk.status()["status"] == "degraded"
    api.gateway.ceilings.hold("limiter")
    assert api.desk.status() == {"budgets": 3, "hard_budgets": 1}
    found = (await api("admin", "PATCH", "/budget_1", {"amount_usd": 1})).json()
    assert found["warning"] is None
    assert api.gateway.ceilings.all()[0].nano_usd == USD
    await api("admin", "DELETE", "/budget_1")
    assert api.gateway.ceilings.all() == ()


async def test_a_channel_that_there_is_not_is_warned_of(api: Api) -> None:
    assert (await api.made(channels=["ops"]))["warning"] is None
    found = (await api("admin", "PATCH", "/budget_1", {"channels": ["ops", "oops"]})).json()
    assert found["warning"] == "there is no channel 'oops' that its alerts could go to; did you mean 'ops'?"


async def test_a_budget_shows_its_alerts(api: Api) -> None:
    await api.made(amount_usd=50)
    await api.desk.evaluate(NOW)
    assert (await api("admin", "DELETE", "/budget_1")).status_code == 200
    await api.made(name="second", amount_usd=60, thresholds=[100])
    await api.desk.evaluate(NOW + timedelta(minutes=1))
    await api.desk.evaluate(NOW + timedelta(minutes=2))
    found = (await api("viewer", "GET", "/budget_2")).json()
    [alert] = found["alerts"]
    assert (alert["threshold"], alert["state"], alert["severity"]) == ("100", "firing", "critical")
    assert (alert["fired_at"], alert["resolved_at"]) == ("2026-11-29T12:01:00.000Z", None)
    assert all("budget_1" not in alert.rule for alert in (await api.life.look(SERIES, NOW)).standing.values())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({**NEW, "amount_usd": -1}, "amount_usd"),
        ({**NEW, "scope": "key"}, None),
        ({**NEW, "thresholds": [0]}, "thresholds.0.percent"),
        ({"name": "mine", "per": "month"}, "amount_usd"),
        ({**NEW, "by": "operator"}, "by"),
        ({**NEW, "organization": "globex"}, "organization"),
    ],
)
async def test_what_is_no_budget_is_refused(api: Api, body: Any, param: str | None) -> None:
    answer = await api("admin", "POST", body=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert len((await api("admin", "GET")).json()["data"]) == 1


async def test_a_database_that_is_away_is_a_503(api: Api) -> None:
    class Away:
        async def read(self, *args: Any, **options: Any) -> Any:
            raise Unavailable("database", "it is away")

        write = read

    api.desk.register._database = Away()
    assert refused(await api("admin", "POST", body=NEW), 503) == "database_unavailable"
    assert (await api("admin", "GET")).status_code == 200


def test_the_document_has_every_budget_route() -> None:
    found = documented(routes(Desk((), "alerts")))
    assert {path: sorted(methods) for path, methods in found["paths"].items()} == {
        "/alerts/budgets": ["get", "post"],
        "/alerts/budgets/{id}": ["delete", "get", "patch"],
    }
