"""``/cache``: behind the gateway's own gate, over a real database, Redis and the cache's own desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import cognitude_plugins.redis_cache as package
from cognitude_plugins.redis_cache.api import routes
from cognitude_plugins.redis_cache.desk import Desk, now_ms
from cognitude_plugins.redis_cache.settings import Config
from hooks import Caller, Unavailable
from hooks.testing import FakeCall, FakeLedger
from tests.borrowed import Tables, documented, gated, sqlite_tables
from tests.redis_servers import RedisServer

from .servers import KEYS, At, entry

CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin"),
    "member": Caller(organization="acme", key="k-member"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin"),
}
CALLS = (("provider", 0), ("redis_cache", 10), ("redis_cache", 20))
DAY = 86_400


class Api:
    """As whom something is asked is the first word."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk) -> None:
        self.desk = desk
        self._http = http

    async def __call__(self, who: str, method: str, path: str) -> httpx.Response:
        if who == "root" and "organization=" not in path and not path.startswith("/shared"):
            path += ("&" if "?" in path else "?") + "organization=acme"
        return await self._http.request(method, f"/cache{path}", headers={"who": who})

    async def keep(self, organization: str, key: str, model: str = "m", age: int = 0) -> None:
        assert self.desk.cache is not None
        kept = entry(b'{"id": "1"}', model, now_ms() - age * 1000)
        self.desk.cache.layers.keep_near(organization, key, kept)
        await self.desk.cache.layers.keep_far(organization, key, kept)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, package)
    yield found
    found.close()


@pytest.fixture(params=[True, False], ids=["with Redis", "without Redis"])
async def api(request: pytest.FixtureRequest, tables: Tables, redis_server: RedisServer) -> AsyncIterator[Api]:
    desk = Desk(Config())
    redis = At(redis_server.url) if request.param else None
    now = datetime.now(UTC)
    ledger = FakeLedger(
        *(FakeCall(at=now, source=source, saved_nano_usd=saved) for source, saved in CALLS),
        FakeCall(at=now - timedelta(days=3), source="redis_cache", saved_nano_usd=1000),
        FakeCall(at=now, organization="globex"),
    )
    lent: Any = SimpleNamespace(cache=redis, database=tables.lent(), ledger=ledger)
    transport = httpx.ASGITransport(app=gated(routes(desk), CALLERS))
    async with desk.opened(lent), httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        one = Api(http, desk)
        for number, (organization, model, age) in enumerate(
            [("acme", "a", 0), ("acme", "a", 3 * DAY), ("acme", "b", 5 * DAY), ("globex", "a", 0)]
        ):
            await one.keep(organization, KEYS[number], model, age)
        yield one


@pytest.mark.parametrize(
    ("query", "answers"),
    [
        ("", [0, 1, 2]),
        ("?model=a", [0, 1]),
        (f"?older_than={4 * DAY}", [2]),
        (f"?older_than={DAY}&model=a", [1]),
        (f"?key={KEYS[1]}", [1]),
        (f"?key={KEYS[3]}", []),
    ],
)
@pytest.mark.parametrize("who", ["admin", "root"])
async def test_what_fits_is_deleted_and_nothing_of_others(api: Api, who: str, query: str, answers: list[int]) -> None:
    tried = await api(who, "DELETE", query + ("&" if query else "?") + "dry_run=true")
    assert (tried.json()["answers"], tried.json()["dry_run"]) == (len(answers), True)
    assert tried.json()["bytes"] > 0 or not answers
    done = await api(who, "DELETE", query)
    assert done.json() == {**tried.json(), "dry_run": False, "organization": "acme"}
    for number in range(3):
        there = (await api("member", "GET", f"/entries/{KEYS[number]}")).status_code == 200
        assert there is (number not in answers)
    assert (await api("foreign", "GET", f"/entries/{KEYS[3]}")).status_code == 200


async def test_who_may_do_what(api: Api) -> None:
    assert (await api("member", "DELETE", "")).status_code == 403
    assert (await api("nobody", "GET", "/stats")).status_code == 401
    assert (await api("member", "GET", "/stats")).status_code == 200
    assert (await api("foreign", "GET", f"/entries/{KEYS[0]}")).status_code == 404
    for key in ("x", "%00", f"{KEYS[0]}%0A", KEYS[0].upper().replace("0", "A", 1)):
        assert (await api("member", "GET", f"/entries/{key}")).status_code == 404


async def test_an_answer_is_shown_as_it_is_kept(api: Api) -> None:
    shown = (await api("member", "GET", f"/entries/{KEYS[1]}")).json()
    assert shown.pop("created_ms") > 0
    assert shown == {"key": KEYS[1], "model": "a", "age": 3 * DAY, "cost_nano_usd": 28, "answer": {"id": "1"}}


async def test_the_figures_are_of_the_organization(api: Api) -> None:
    found = (await api("member", "GET", "/stats")).json()
    assert (found["organization"], found["days"], found["total_entries"]) == ("acme", 30, 3)
    assert (found["total_calls"], found["total_hits"], found["hit_rate"]) == (4, 3, 0.75)
    assert found["saved_nano_usd"] == 1030
    recent = (await api("member", "GET", "/stats?days=1")).json()
    assert (recent["total_calls"], recent["total_hits"], recent["saved_nano_usd"]) == (3, 2, 30)
    assert (await api("foreign", "GET", "/stats")).json()["total_entries"] == 1
    assert found["redis_available"] is (api.desk.hot is not None)
    assert found["redis_entries"] == (None if api.desk.hot is None else 3)
    assert found["worker"]["hit_rate"] is None
    assert set(found["worker"]["layers"]) == {"memory", "redis", "sql"}
    await api("member", "GET", f"/entries/{KEYS[0]}")
    memory = (await api("member", "GET", "/stats")).json()["worker"]["layers"]["memory"]
    assert memory["hits"] == 1
    assert memory["p50_us"] >= 0


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("?key=short", "key"),
        ("?older_than=-1", "older_than"),
        ("?model=", "model"),
        ("?model=a%00", "model"),
        ("?older=5", "older"),
        ("?model=a&model=b", "model"),
        ("?dry_run=perhaps", "dry_run"),
    ],
)
async def test_what_makes_no_sense_deletes_nothing(api: Api, path: str, param: str) -> None:
    wrong = await api("admin", "DELETE", path)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, param)
    assert (await api("member", "GET", "/stats")).json()["total_entries"] == 3


async def test_a_database_that_is_away_is_said_to_be_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("gone")

    assert api.desk.cold is not None
    monkeypatch.setattr(api.desk.cold, "_database", SimpleNamespace(read=away, write=away))
    monkeypatch.setattr(api.desk, "_ledger", SimpleNamespace(usage=away))
    answer = await api("admin", "DELETE", "")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    found = (await api("member", "GET", "/stats")).json()
    assert (found["total_entries"], found["total_calls"], found["hit_rate"]) == (None, None, None)


async def test_what_all_have_in_common_is_deleted_by_gateway_admins_alone(api: Api) -> None:
    await api.keep("*", KEYS[5], "a", 0)
    for who in ("admin", "foreign"):
        assert (await api(who, "DELETE", "/shared")).status_code == 403
    tried = (await api("root", "DELETE", "/shared?model=a&dry_run=true")).json()
    assert (tried["organization"], tried["answers"]) == ("*", 1)
    assert (await api("root", "DELETE", "/shared?model=b")).json()["answers"] == 0
    wrong = await api("root", "DELETE", "/shared?organization=acme")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "organization")
    assert (await api("root", "DELETE", "/shared")).json()["answers"] == 1
    assert (await api("root", "DELETE", "/shared")).json()["answers"] == 0
    assert (await api("member", "GET", "/stats")).json()["total_entries"] == 3


def test_every_endpoint_is_described() -> None:
    described = documented(routes(Desk(Config())))
    assert set(described["paths"]) == {"/cache", "/cache/stats", "/cache/shared", "/cache/entries/{key}"}
