"""``/rate-limits``: behind the gateway's own gate, over a real database and the limiter's own desk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.limiter as plugin
from cognitude_plugins.limiter.api import routes
from cognitude_plugins.limiter.desk import Desk
from cognitude_plugins.limiter.settings import Config
from hooks import Caller, Ceiling, Ceilings, Deployment, Unavailable
from hooks.testing import FakeGateway
from tests.borrowed import Tables, documented, gated, sqlite_tables

MINUTE = {"scope": "organization", "unit": "requests", "per": "minute", "limit": 50}
CALLERS: Mapping[str, Caller] = {
    "root": Caller(organization="", key="admin", role="admin", admin=True),
    "admin": Caller(organization="acme", key="k-admin", role="admin", address="10.0.0.1"),
    "member": Caller(organization="acme", key="k-member", user="ada", address="10.0.0.2"),
    "viewer": Caller(organization="acme", key="k-viewer", role="viewer", address="10.0.0.3"),
    "foreign": Caller(organization="globex", key="k-foreign", role="admin", address="10.0.0.4"),
}
CONFIG = Config.model_validate(
    {
        "limits": [
            {"scope": "organization", "unit": "requests", "per": "minute", "limit": 100},
            {"scope": "organization", "unit": "requests", "per": "hour", "limit": 3000},
            {"scope": "key", "unit": "cost_usd", "per": "day", "limit": 25.5, "window": "calendar"},
            {"scope": "user", "unit": "tokens", "per": "minute", "limit": 5000},
            {"scope": "provider", "unit": "requests", "per": "minute", "limit": 70, "models": ["gpt-*"]},
            {"scope": "organization", "unit": "concurrency", "limit": 5},
        ]
    }
)
MODELS = {
    "gpt-4o": (Deployment(id="a", model="gpt-4o", provider="openai", upstream_model="gpt-4o", transport="direct"),)
}


class Api:
    """As whom something is asked is the first word."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk) -> None:
        self.desk = desk
        self._http = http

    async def __call__(self, who: str, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if who == "root" and "organization=" not in path:
            path += ("&" if "?" in path else "?") + "organization=acme"
        if body is not None:
            options["json"] = body
        return await self._http.request(method, f"/rate-limits/{path}", headers={"who": who}, **options)


@asynccontextmanager
async def opened(database: Any, ceilings: Ceilings | None = None) -> AsyncIterator[Api]:
    desk = Desk(CONFIG)
    zones = {"acme": "Europe/Berlin", "globex": "Europe/Berlin"}
    lent = FakeGateway(database=database, models=MODELS, time_zones=zones, ceilings=ceilings or Ceilings())
    transport = httpx.ASGITransport(app=gated(routes(desk), CALLERS))
    async with desk.opened(lent), httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Api(http, desk)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    found = sqlite_tables(tmp_path, plugin)
    yield found
    found.close()


@pytest.fixture
async def api(tables: Tables) -> AsyncIterator[Api]:
    async with opened(tables.lent()) as api:
        yield api


def limits(answer: httpx.Response) -> list[tuple[Any, ...]]:
    assert answer.status_code == 200, answer.text
    return [(one["scope"], one["unit"], one["per"], one["limit"], one["origin"]) for one in answer.json()["limits"]]


def refused(answer: httpx.Response, status: int = 400) -> tuple[str | None, str]:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error["param"], error["message"]


async def test_any_key_of_an_organization_sees_the_limits_in_force(api: Api) -> None:
    for who in ("viewer", "member", "admin", "root"):
        assert limits(await api(who, "GET", "config")) == [
            ("organization", "requests", "minute", 100, "configuration"),
            ("organization", "requests", "hour", 3000, "configuration"),
            ("key", "cost_usd", "day", 25.5, "configuration"),
            ("user", "tokens", "minute", 5000, "configuration"),
            ("provider", "requests", "minute", 70, "configuration"),
            ("organization", "concurrency", None, 5, "configuration"),
        ]
    found = (await api("viewer", "GET", "config?key=k1")).json()
    assert (found["organization"], found["key"], found["writes"]) == ("acme", "k1", None)
    assert found["layers"] == {"operator": None, "organization": None}
    assert found["limits"][4]["models"] == ["gpt-*"]


async def test_a_gateway_admin_sets_in_place_of_the_configuration_and_beside_it(api: Api) -> None:
    new = [{**MINUTE, "limit": 500}, {"scope": "model", "unit": "cost_usd", "per": "day", "limit": 0.25}]
    answer = await api("root", "PUT", "config", {"limits": new})
    found = limits(answer)
    assert found[0] == ("organization", "requests", "minute", 500, "operator")
    assert found[1] == ("organization", "requests", "hour", 3000, "configuration")
    assert found[-1] == ("model", "cost_usd", "day", 0.25, "operator")
    assert answer.json()["writes"] == "operator"
    assert answer.json()["layers"]["organization"] is None
    assert [one["limit"] for one in answer.json()["layers"]["operator"]["limits"]] == [500, 0.25]
    assert limits(await api("viewer", "GET", "config")) == found
    assert len(limits(await api("foreign", "GET", "config"))) == 6


async def test_an_organization_admin_adds_limits_and_widens_none(api: Api) -> None:
    before = limits(await api("admin", "GET", "config"))
    wide = {**MINUTE, "limit": 10**9}
    found = limits(await api("admin", "PUT", "config", {"limits": [wide, {**MINUTE, "per": "day", "limit": 10**10}]}))
    assert found[:6] == before
    assert [one[-1] for one in found[6:]] == ["organization", "organization"]
    standing = await api.desk.standing("acme", key="k")
    assert [one.rule.limit for one in standing if one.rule.field == "requests/minute/sliding"] == [100, 10**9]


async def test_an_organization_admin_neither_takes_out_nor_changes_what_a_gateway_admin_has_set(api: Api) -> None:
    await api("root", "PUT", "config", {"limits": [{**MINUTE, "limit": 5}]})
    await api("admin", "PUT", "config", {"limits": [{**MINUTE, "limit": 500}]})
    await api("admin", "PUT", "config", {"limits": []})
    refused(await api("admin", "DELETE", "config"), 404)
    found = limits(await api("admin", "GET", "config"))
    assert found[0] == ("organization", "requests", "minute", 5, "operator")
    assert len(found) == 6


async def test_what_is_set_for_one_key_is_for_that_key_alone(api: Api) -> None:
    key = {"scope": "key", "unit": "cost_usd", "per": "day", "window": "calendar", "limit": 100}
    assert limits(await api("root", "PUT", "config?key=k1", {"limits": [key]}))[2][3:] == (100, "operator")
    assert limits(await api("viewer", "GET", "config?key=k2"))[2][3:] == (25.5, "configuration")
    assert limits(await api("viewer", "GET", "config"))[2][3:] == (25.5, "configuration")
    own = {"scope": "key", "unit": "requests", "per": "minute"}
    await api("admin", "PUT", "config", {"limits": [{**own, "limit": 10}]})
    found = limits(await api("admin", "PUT", "config?key=k1", {"limits": [{**own, "limit": 20}]}))
    assert [one for one in found if one[-1] == "organization"] == [("key", "requests", "minute", 20, "organization")]
    assert (await api("admin", "GET", "config?key=k1")).json()["limits"][-1]["key"] == "k1"
    assert limits(await api("admin", "DELETE", "config?key=k1"))[-1][3] == 10
    assert limits(await api("root", "GET", "config?key=k1"))[2][3:] == (100, "operator")


async def test_what_is_deleted_leaves_the_configuration(api: Api) -> None:
    before = limits(await api("admin", "GET", "config"))
    for who in ("root", "admin"):
        await api(who, "PUT", "config", {"limits": [MINUTE]})
        assert limits(await api(who, "DELETE", "config")) == before
        assert refused(await api(who, "DELETE", "config"), 404) == (None, "No limits are set for the organization.")
        assert "the key 'k9'" in refused(await api(who, "DELETE", "config?key=k9"), 404)[1]


async def test_what_was_shown_can_be_sent_again(api: Api) -> None:
    given = [
        {"scope": "user", "unit": "requests", "per": "second", "limit": 7, "window": "bucket", "burst": 3},
        {"scope": "organization", "unit": "concurrency", "limit": 2, "models": ["gpt-*"]},
        {
            "scope": "organization",
            "unit": "cost_usd",
            "per": "month",
            "window": "calendar",
            "limit": "999999.123456789",
        },
    ]
    first = (await api("admin", "PUT", "config", {"limits": given})).json()["layers"]["organization"]["limits"]
    assert first[2]["limit"] == 999999.123456789
    again = (await api("admin", "PUT", "config", {"limits": first})).json()["layers"]["organization"]["limits"]
    assert again == first


LIMIT_RULES = [
    ({**MINUTE, "limit": -5}, "limits.0.limit", "limits.0.limit: Input should be greater than 0, not -5."),
    ({**MINUTE, "limit": 0}, "limits.0.limit", "limits.0.limit: Input should be greater than 0, not 0."),
    ({**MINUTE, "limit": 1.5}, "limits.0.limit", "limits.0.limit: limit 1.5 of requests is not a whole number."),
    (
        {**MINUTE, "limit": 10**13},
        "limits.0.limit",
        "limits.0.limit: limit 10000000000000 of requests is more than 1000000000000.",
    ),
    ({**MINUTE, "per": "week"}, "limits.0", "limits.0: per: week needs window: calendar."),
    ({**MINUTE, "burst": 5}, "limits.0", "limits.0: burst is for window: bucket."),
    (
        {**MINUTE, "scope": "global"},
        "limits.0.scope",
        "limits.0.scope: Input should be 'organization', 'key', 'user', 'address', 'model' or 'provider', "
        "not 'global'.",
    ),
    (
        {**MINUTE, "origin": "configuration"},
        "limits.0.origin",
        "limits.0.origin: there is no 'limits.0.origin' to be set here.",
    ),
    ({"unit": "requests", "per": "minute", "limit": 5}, "limits.0.scope", "limits.0.scope: Field required."),
]


@pytest.mark.parametrize("who", ["root", "admin"])
@pytest.mark.parametrize(("limit", "param", "message"), LIMIT_RULES)
async def test_a_limit_that_cannot_be_is_refused_with_its_rule_and_nothing_is_changed(
    api: Api, who: str, limit: Any, param: str, message: str
) -> None:
    await api(who, "PUT", "config", {"limits": [MINUTE]})
    before = (await api(who, "GET", "config")).json()
    for body in ([limit], [limit, {**MINUTE, "per": "day", "limit": 10**6}]):
        assert refused(await api(who, "PUT", "config", {"limits": body})) == (param, message)
    assert (await api(who, "GET", "config")).json() == before


@pytest.mark.parametrize("who", ["root", "admin"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            [{**MINUTE, "limit": 100}, {**MINUTE, "per": "hour", "limit": 50}],
            "limits: per_hour 50 is lower than per_minute 100 (requests of each organization): "
            "the shorter window could never be used up.",
        ),
        (
            [MINUTE, {**MINUTE, "limit": 60}],
            "limits: there are two limits of requests per_minute of each organization.",
        ),
        ([{**MINUTE, "models": [str(number)]} for number in range(65)], "limits: List should have at most 64 items"),
    ],
)
async def test_limits_that_do_not_go_together_are_refused_with_the_rule(
    api: Api, who: str, body: Any, message: str
) -> None:
    param, text = refused(await api(who, "PUT", "config", {"limits": body}))
    assert param == "limits"
    assert text.startswith(message)
    assert (await api(who, "GET", "config")).json()["layers"] == {"operator": None, "organization": None}


async def test_what_contradicts_the_configuration_is_refused_to_a_gateway_admin(api: Api) -> None:
    answer = await api("root", "PUT", "config", {"limits": [{**MINUTE, "per": "hour", "limit": 50}]})
    assert refused(answer)[1].startswith("limits: per_hour 50 is lower than per_minute 100 (requests of each")
    assert (
        limits(await api("admin", "PUT", "config", {"limits": [{**MINUTE, "per": "hour", "limit": 50}]}))[-1][3] == 50
    )


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (b"", "limits", "limits: Field required."),
        (b"{}", "limits", "limits: Field required."),
        (b"[]", None, "Input should be an object."),
        (b"{", None, "The body cannot be read"),
        (b"\xff", None, "The body cannot be read"),
        (b'{"limits": null}', "limits", "limits: Input should be a valid array."),
        (b'{"limits": [], "organization": "globex"}', "organization", "organization: there is no 'organization' to be"),
        (b'{"limits": [], "layer": "operator"}', "layer", "layer: there is no 'layer' to be set here."),
        (b'{"limits": [1]}', "limits.0", "limits.0: Input should be an object, not 1."),
        (b"[" * 5000, None, ""),
    ],
)
async def test_a_body_of_another_shape_is_refused(api: Api, body: bytes, param: str | None, message: str) -> None:
    found = refused(await api("admin", "PUT", "config", content=body))
    assert found[0] == param
    assert found[1].startswith(message)
    assert (await api("admin", "GET", "config")).json()["layers"]["organization"] is None


async def test_a_body_that_is_too_large_or_of_another_kind_is_refused(api: Api) -> None:
    large = json.dumps({"limits": [], "x": "y" * 65_536}).encode()
    assert refused(await api("admin", "PUT", "config", content=large), 413) == (
        None,
        "The request body is larger than 65536 bytes.",
    )
    answer = await api("admin", "PUT", "config", data={"limits": "[]"})
    assert "application/x-www-form-urlencoded" in refused(answer, 415)[1]


@pytest.mark.parametrize("key", ["", "a b", "/a", "x" * 129, "k%00", "k%0a", "%C3%A9", "'"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_cannot_be_a_key_is_refused(api: Api, method: str, key: str) -> None:
    body: Any = {"limits": []} if method == "PUT" else None
    assert refused(await api("admin", method, f"config?key={key}", body))[0] == "key"


@pytest.mark.parametrize(
    "path", ["config?layer=operator", "config?key=a&key=b", "usage?verbose=1", "config?admin=true"]
)
async def test_a_parameter_that_does_not_exist_or_is_there_twice_is_refused(api: Api, path: str) -> None:
    refused(await api("admin", "GET", path))


async def test_of_one_key_only_limits_of_keys_are_set(api: Api) -> None:
    good = {**MINUTE, "scope": "key"}
    param, message = refused(await api("admin", "PUT", "config?key=k1", {"limits": [good, {**MINUTE, "per": "day"}]}))
    assert param == "limits.1.scope"
    assert message == "limits.1.scope: of one key the scope must be 'key', not 'organization'."


async def test_another_organization_is_neither_seen_nor_changed(api: Api) -> None:
    await api("admin", "PUT", "config", {"limits": [MINUTE]})
    await api("admin", "PUT", "config?key=k1", {"limits": [{**MINUTE, "scope": "key"}]})
    before = (await api("admin", "GET", "config?key=k1")).json()
    for method, path in (
        ("GET", "config?"),
        ("PUT", "config?"),
        ("DELETE", "config?"),
        ("GET", "usage?"),
        ("POST", "reset?"),
    ):
        body: Any = {"limits": []} if method == "PUT" else None
        refused(await api("foreign", method, f"{path}organization=acme", body), 404)
    assert len(limits(await api("foreign", "GET", "config?key=k1"))) == 6
    refused(await api("foreign", "DELETE", "config?key=k1"), 404)
    await api("foreign", "PUT", "config?key=k1", {"limits": [{**MINUTE, "scope": "key", "limit": 1}]})
    await api("foreign", "POST", "reset")
    assert (await api("admin", "GET", "config?key=k1")).json() == before


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "config", {"viewer", "member", "admin", "foreign", "root"}),
        ("GET", "usage", {"viewer", "member", "admin", "foreign", "root"}),
        ("PUT", "config", {"admin", "foreign", "root"}),
        ("DELETE", "config", {"admin", "foreign", "root"}),
        ("POST", "reset", {"admin", "foreign", "root"}),
    ],
)
async def test_each_role_does_what_it_may(api: Api, method: str, path: str, allowed: set[str]) -> None:
    for who in (*CALLERS, "nobody"):
        target = f"{path}?organization=globex" if who == "foreign" else path
        status = (await api(who, method, target, {"limits": []} if method == "PUT" else None)).status_code
        assert (status not in (401, 403)) is (who in allowed)
    answer = await api("root", method, f"{path}?organization=", {"limits": []} if method == "PUT" else None)
    assert answer.status_code == 400, "a gateway admin says for whom"


async def take(api: Api, who: str, count: int) -> None:
    """Count calls as the gate would."""
    caller, counters = CALLERS[who], api.desk._counters
    assert counters is not None
    prepared = api.desk.policies.of(caller)
    placed = list(api.desk.policies.placed(prepared, caller, "gpt-4o", "openai"))
    for charge in api.desk.policies.looks(placed, caller.organization, counters.now()):
        amount = {"cost_usd": 250_000_001, "tokens": 10}.get(charge.field.partition("/")[0], 1)
        for number in range(count):
            await counters.add(prepared.tag, f"{charge.field}{number}", [replace(charge, amount=amount)])


async def test_usage_says_how_much_of_each_limit_is_used(api: Api) -> None:
    await take(api, "member", 3)
    answer = await api("member", "GET", "usage?")
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["object"], found["organization"]) == ("rate_limit_usage", "acme")
    shown = {(one["scope"], one["unit"], one["per"]): one for one in found["limits"]}
    minute = shown["organization", "requests", "minute"]
    assert (minute["subject"], minute["limit"], minute["used"], minute["remaining"]) == ("acme", 100, 3, 97)
    assert (minute["window"], minute["origin"], minute["models"]) == ("sliding", "configuration", None)
    assert minute["reset"] % 60 == 0
    assert datetime.fromisoformat(minute["reset_at"]) == datetime.fromtimestamp(minute["reset"], UTC)
    dollars = shown["key", "cost_usd", "day"]
    assert (dollars["subject"], dollars["used"]) == ("k-member", 0.750000003)
    assert (dollars["limit"], dollars["remaining"]) == (25.5, 24.749999997)
    tokens = shown["user", "tokens", "minute"]
    assert (tokens["subject"], tokens["used"]) == ("ada", 30)
    under_way = shown["organization", "concurrency", None]
    assert (under_way["used"], under_way["window"], under_way["reset"], under_way["reset_at"]) == (3, None, None, None)
    assert ("provider", "requests", "minute") not in shown


async def test_usage_of_others_in_the_organization_is_asked_for_by_name(api: Api) -> None:
    await take(api, "member", 2)
    found = (await api("viewer", "GET", "usage?key=k-member&user=ada&model=gpt-4o")).json()["limits"]
    assert {one["scope"]: (one["subject"], one["used"]) for one in found if one["unit"] != "requests"} == {
        "key": ("k-member", 0.500000002),
        "user": ("ada", 20),
        "organization": ("acme", 2),
    }
    assert ("openai", 2) in [(one["subject"], one["used"]) for one in found]
    own = (await api("viewer", "GET", "usage")).json()["limits"]
    assert [one["used"] for one in own if one["scope"] == "key"] == [0]
    assert not [one for one in own if one["scope"] == "user"]
    of_root = (await api("root", "GET", "usage")).json()["limits"]
    assert {one["scope"] for one in of_root} == {"organization"}
    assert {one["used"] for one in (await api("foreign", "GET", "usage")).json()["limits"]} == {0}


def used(answer: httpx.Response) -> dict[str, int]:
    return {one["origin"]: one["used"] for one in answer.json()["limits"] if one["per"] == "minute"}


async def test_an_organization_admin_resets_only_what_the_organization_limits_itself(api: Api) -> None:
    await api("admin", "PUT", "config", {"limits": [MINUTE]})
    await take(api, "admin", 4)
    assert used(await api("admin", "GET", "usage")) == {"configuration": 4, "organization": 4}
    answer = await api("admin", "POST", "reset")
    assert answer.json() == {"object": "rate_limit_reset", "organization": "acme", "counters": "own"}
    assert used(await api("admin", "GET", "usage")) == {"configuration": 4, "organization": 0}


async def test_a_gateway_admin_resets_all_counters_of_the_organization_and_of_no_other(api: Api) -> None:
    await api("admin", "PUT", "config", {"limits": [MINUTE]})
    await take(api, "admin", 4)
    await take(api, "foreign", 4)
    answer = await api("root", "POST", "reset", {})
    assert answer.json() == {"object": "rate_limit_reset", "organization": "acme", "counters": "all"}
    assert used(await api("admin", "GET", "usage")) == {"configuration": 0, "organization": 0}
    assert used(await api("foreign", "GET", "usage")) == {"configuration": 4}


async def test_a_reset_takes_nothing(api: Api) -> None:
    assert refused(await api("admin", "POST", "reset", {"counters": "all"}))[0] == "counters"
    assert refused(await api("admin", "POST", "reset?counters=all"))[0] == "counters"
    refused(await api("admin", "POST", "reset", content=b"[]"))


class Away:
    """A database that does not answer."""

    async def read(self, organization: str, work: Any) -> Any:
        raise Unavailable("the database did not answer within 2 s")

    write = read


async def test_without_the_database_the_limits_are_shown_and_not_changed() -> None:
    async with opened(Away()) as api:
        assert len(limits(await api("viewer", "GET", "config"))) == 6
        assert (await api("viewer", "GET", "usage")).status_code == 200
        for method, path in (("PUT", "config"), ("DELETE", "config"), ("POST", "reset")):
            answer = await api("admin", method, path, {"limits": []} if method == "PUT" else None)
            assert "database does not answer" in refused(answer, 503)[1]
            assert answer.json()["error"]["code"] == "database_unavailable"
            assert answer.headers["retry-after"] == "1"


async def test_limits_that_contradict_each_other_since_the_configuration_was_changed_are_all_in_force(
    api: Api, tables: Tables
) -> None:
    text = json.dumps([{**MINUTE, "limit": "9999"}])
    insert = "INSERT INTO limiter_override VALUES ('acme', '', 'operator', :text, 0)"
    tables.execute(insert, text=text)
    tables.execute("UPDATE limiter_change SET number = number + 1")
    assert limits(await api("viewer", "GET", "config"))[:2] == [
        ("organization", "requests", "minute", 9999, "operator"),
        ("organization", "requests", "hour", 3000, "configuration"),
    ]
    assert len(await api.desk.standing("acme")) == 3


async def test_the_endpoints_are_documented(api: Api) -> None:
    found = documented(routes(api.desk))["paths"]
    parameters = {one["name"] for one in found["/rate-limits/usage"]["get"]["parameters"]}
    assert parameters == {"organization", "key", "user", "address", "model"}
    put = found["/rate-limits/config"]["put"]
    assert put["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewLimits"}
    assert put["x-cognitude-access"] == "organization_admin"
    assert {"200", "400", "401", "403", "404", "408", "409", "413", "415", "503"} <= set(put["responses"])
    assert found["/rate-limits/reset"]["post"]["requestBody"]["required"] is False


async def test_usage_shows_budgets_too_but_not_those_of_others(tmp_path: Path) -> None:
    ceilings = Ceilings()
    values: Any = {"organization": "acme", "nano_usd": 2_000_000_000, "per": "month"}
    ceilings.publish(
        "test",
        [
            Ceiling(id="b1", name="all", **values),
            Ceiling(id="b2", scope="key", value="k-member", **values),
            Ceiling(id="b3", scope="user", value="ada", **values),
            Ceiling(id="b4", scope="tag", value="team=a", **values),
        ],
    )
    tables = sqlite_tables(tmp_path, plugin)
    async with opened(tables.lent(), ceilings) as api:

        async def shown(who: str, path: str = "usage") -> list[tuple[str, str, str]]:
            found = (await api(who, "GET", path)).json()["limits"]
            return [(one["budget"], one["scope"], one["subject"]) for one in found if one["origin"] == "budget"]

        whole, mine, ada, team = [
            ("all", "organization", "acme"),
            ("b2", "key", "k-member"),
            ("b3", "user", "ada"),
            ("b4", "tag", "team=a"),
        ]
        assert await shown("member") == [whole, mine, ada, team]
        assert await shown("viewer") == [whole, team]
        assert await shown("root", "usage?key=k-member") == [whole, mine, team]
        assert await shown("foreign") == []
        before = (await api("member", "GET", "usage")).json()["limits"]
        [one] = [one for one in before if one["budget"] == "all"]
        assert (one["limit"], one["used"], one["reserved"], one["remaining"]) == (2, 0, 0, 2)
        assert all(one["budget"] is one["reserved"] is None for one in before if one["origin"] != "budget")
    tables.close()
