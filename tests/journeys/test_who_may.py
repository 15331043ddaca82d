"""Every route, for everyone who may knock: a table, and nothing that is not in it (S2, S11)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.accounts.test_directory import hostile
from tests.journeys.wire import CHAT, HELLO, ask, connected
from tests.processes import ADMIN_KEY, Running, gateway

CONFIG = """
models:
  - {name: sim, provider: simulated/echo}
  - {name: auto, candidates: [sim]}
pipeline:
  - use: analytics
  - use: limiter
  - use: complexity_router
  - use: balancer
  - use: alert_channels
"""

KNOCKING = (
    "nobody",
    "wrong",
    "revoked",
    "expired",
    "viewer",
    "member",
    "admin",
    "foreign",
    "gateway",
)
"""No key; keys that are not good; the roles of one organization; an admin of another one; a gateway admin."""

PUBLIC = dict.fromkeys(KNOCKING, "in")
ANY_KEY = {**dict.fromkeys(KNOCKING[:4], "401"), "viewer": "in", "member": "in", "admin": "in", "foreign": "in"}
ANY = {**ANY_KEY, "gateway": "in"}
MEMBERS = {**ANY_KEY, "viewer": "403", "gateway": "403"}
ADMINS = {**ANY_KEY, "viewer": "403", "member": "403", "gateway": "in"}
"""An organization's admins for what is their own, gateway admins for all."""
OWNER = {**ADMINS, "foreign": "404"}
"""Of one object of the organization ``acme``."""
OWN_READING = {**ANY, "foreign": "404"}
"""The same, of what every key of the organization may see."""
ACTING = {**ADMINS, "gateway": "400"}
"""A gateway admin has to say for whom."""
READING = {**ANY_KEY, "gateway": "400"}
ACTING_MEMBERS = {**MEMBERS, "gateway": "400"}
GATEWAY = {**dict.fromkeys(KNOCKING[:4], "401"), **dict.fromkeys(KNOCKING[4:8], "403"), "gateway": "in"}

TABLE: dict[tuple[str, str], dict[str, str]] = {
    ("POST", "/v1/chat/completions"): MEMBERS,
    ("POST", "/v1/completions"): MEMBERS,
    ("POST", "/v1/embeddings"): MEMBERS,
    ("GET", "/v1/models"): ANY,
    ("GET", "/v1/models/{id}"): ANY,
    ("GET", "/health"): PUBLIC,
    ("GET", "/livez"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("POST", "/admin/reload"): GATEWAY,
    ("GET", "/admin/jobs"): GATEWAY,
    ("POST", "/admin/jobs/{name}/run"): GATEWAY,
    ("POST", "/admin/organizations"): GATEWAY,
    ("GET", "/admin/organizations"): GATEWAY,
    ("GET", "/admin/organizations/{id}"): OWNER,
    ("PATCH", "/admin/organizations/{id}"): GATEWAY,
    ("DELETE", "/admin/organizations/{id}"): GATEWAY,
    ("POST", "/admin/users"): ADMINS,
    ("GET", "/admin/users"): ADMINS,
    ("GET", "/admin/users/{id}"): OWNER,
    ("PATCH", "/admin/users/{id}"): OWNER,
    ("DELETE", "/admin/users/{id}"): OWNER,
    ("POST", "/admin/keys"): ADMINS,
    ("GET", "/admin/keys"): ADMINS,
    ("GET", "/admin/keys/{id}"): OWNER,
    ("PATCH", "/admin/keys/{id}"): OWNER,
    ("DELETE", "/admin/keys/{id}"): OWNER,
    ("POST", "/admin/keys/{id}/rotate"): OWNER,
    ("POST", "/providers/config"): ACTING,
    ("GET", "/providers/config"): ACTING,
    ("DELETE", "/providers/config"): ACTING,
    ("GET", "/analytics/usage"): ANY,
    ("GET", "/analytics/breakdown"): READING,
    ("GET", "/analytics/summary"): READING,
    ("GET", "/analytics/series"): READING,
    ("GET", "/analytics/recommendations"): READING,
    ("GET", "/analytics/savings"): READING,
    ("GET", "/rate-limits/config"): READING,
    ("PUT", "/rate-limits/config"): ACTING,
    ("DELETE", "/rate-limits/config"): ACTING,
    ("GET", "/rate-limits/usage"): READING,
    ("POST", "/rate-limits/reset"): ACTING,
    ("POST", "/v1/smart/completions"): MEMBERS,
    ("POST", "/v1/smart/analyze"): ACTING_MEMBERS,
    ("GET", "/v1/smart/info"): READING,
    ("POST", "/v1/feedback"): ACTING_MEMBERS,
    ("GET", "/analytics/forecast"): READING,
    ("GET", "/analytics/anomalies"): READING,
    ("GET", "/routing/experiments"): READING,
    ("POST", "/routing/scores"): ACTING_MEMBERS,
    ("POST", "/alerts/channels"): ADMINS,
    ("GET", "/alerts/channels"): ANY,
    ("GET", "/alerts/channels/{id}"): OWN_READING,
    ("PATCH", "/alerts/channels/{id}"): OWNER,
    ("DELETE", "/alerts/channels/{id}"): OWNER,
    ("POST", "/alerts/channels/{id}/rotate"): OWNER,
    ("GET", "/alerts/channels/{id}/deliveries"): OWN_READING,
    ("POST", "/alerts/deliveries/{id}/redeliver"): OWNER,
    ("POST", "/alerts/test/{id}"): OWNER,
    ("POST", "/alerts/configs"): ADMINS,
    ("GET", "/alerts/configs"): ANY,
    ("GET", "/alerts/configs/{id}"): OWN_READING,
    ("PATCH", "/alerts/configs/{id}"): OWNER,
    ("DELETE", "/alerts/configs/{id}"): OWNER,
    ("POST", "/alerts/check"): ADMINS,
    ("GET", "/alerts"): ANY,
    ("GET", "/alerts/{id}"): OWN_READING,
    ("POST", "/alerts/{id}/ack"): OWNER,
    ("POST", "/alerts/{id}/resolve"): OWNER,
    ("POST", "/alerts/{id}/silence"): OWNER,
    ("POST", "/alerts/silences"): ADMINS,
    ("GET", "/alerts/silences"): ANY,
    ("DELETE", "/alerts/silences/{id}"): OWNER,
    ("POST", "/alerts/budgets"): ADMINS,
    ("GET", "/alerts/budgets"): ANY,
    ("GET", "/alerts/budgets/{id}"): OWN_READING,
    ("PATCH", "/alerts/budgets/{id}"): OWNER,
    ("DELETE", "/alerts/budgets/{id}"): OWNER,
    ("POST", "/alerts/summaries"): ADMINS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    one: Running
    keys: dict[str, str | None]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with gateway(CONFIG, tmp_path_factory.mktemp("table")) as one, one.client(key=ADMIN_KEY) as root:
        for name in ("acme", "globex"):
            made(root, "/admin/organizations", id=name, name=name.title())
        keys: dict[str, str | None] = {"nobody": None, "wrong": "wrong-key-0123456789abcdef", "gateway": ADMIN_KEY}
        for role in ("viewer", "member", "admin"):
            keys[role] = made(root, "/admin/keys", organization="acme", role=role)["secret"]
        keys["foreign"] = made(root, "/admin/keys", organization="globex", role="admin")["secret"]
        revoked = made(root, "/admin/keys", organization="acme", role="admin")
        assert root.delete(f"/admin/keys/{revoked['id']}").status_code in (200, 204)
        keys["revoked"] = revoked["secret"]
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        keys["expired"] = made(root, "/admin/keys", organization="acme", role="admin", expires_at=soon)["secret"]
        user = made(root, "/admin/users", organization="acme", name="ada", role="member")["id"]
        key = made(root, "/admin/keys", organization="acme", role="member")["id"]
        time.sleep(2.5)
        settings = {"routing_key": "r" * 32}
        channel = made(
            root, "/alerts/channels?organization=acme", name="pager", type="pagerduty", settings=settings, enabled=False
        )["id"]
        ids = {"/admin/organizations": "acme", "/admin/users": user, "/admin/keys": key, "/v1/models": "sim"}
        ids |= {"/alerts/channels": channel, "/alerts/test": channel, "/alerts/deliveries": "msg_0"}
        rule = {"name": "errors", "metric": "error_rate", "threshold": 0.5}
        ids["/alerts/configs"] = made(root, "/alerts/configs?organization=acme", **rule)["id"]
        budget = made(root, "/alerts/budgets?organization=acme", name="all", amount_usd=9, per="day")["id"]
        ids |= {"/alerts/budgets": budget, "/alerts/silences": "silence_0", "/alerts/": "alert_0"}
        yield Place(one=one, keys=keys, ids=ids)


def made(root: httpx.Client, path: str, **body: Any) -> Any:
    answer = root.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def routes(one: Running) -> set[tuple[str, str]]:
    document = httpx.get(f"{one.url}/openapi.json", trust_env=False).json()
    return {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}


def test_every_route_is_in_the_table_and_nothing_else(place: Place) -> None:
    assert routes(place.one) == set(TABLE)
    assert all(set(row) == set(KNOCKING) for row in TABLE.values())


@pytest.mark.parametrize(("method", "path", "who"), [(*route, who) for route in sorted(TABLE) for who in KNOCKING])
def test_only_those_of_the_table_come_in(place: Place, method: str, path: str, who: str) -> None:
    """What is asked is refused behind the door (an empty body, an unknown id), so that nothing is changed."""
    status = knock(place, method, path, who)
    expected = TABLE[method, path][who]
    if expected == "in":
        assert status not in (401, 403), status
        assert status < 500
    else:
        assert status == int(expected)


def knock(place: Place, method: str, path: str, who: str) -> int:
    secret = place.keys[who]
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    id = next((id for prefix, id in place.ids.items() if path.startswith(prefix)), "")
    if method in ("DELETE", "PATCH") and TABLE[method, path][who] == "in":
        id = "nobody"
    url = place.one.url + path.replace("{id}", id)
    refused = TABLE[method, path][who] != "in"
    content = {"content": b"{}" if refused else b"[]", "headers": {**headers, "content-type": "application/json"}}
    options: Any = content if method in ("POST", "PATCH", "PUT") else {"headers": headers}
    return httpx.request(method, url, trust_env=False, timeout=10, **options).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            (method, path)
            for path in ("/admin/users", "/admin/keys", "/alerts/configs", "/alerts/budgets")
            for method in ("GET", "PATCH", "DELETE")
        ),
        ("GET", "/admin/organizations"),
    ],
)
def test_what_belongs_to_another_organization_does_not_exist(place: Place, method: str, path: str) -> None:
    with place.one.client(key=place.keys["foreign"] or "") as http, place.one.client(key=ADMIN_KEY) as root:
        changed = _CHANGES.get(path, {"status": "disabled"})
        acting: Any = {"params": {"organization": "acme"}} if path.startswith("/alerts/") else {}
        body: Any = {"json": changed} if method == "PATCH" else {}
        before = root.get(f"{path}/{place.ids[path]}", **acting).json()
        foreign = http.request(method, f"{path}/{place.ids[path]}", **body)
        unknown = http.request(method, f"{path}/{'x' * len(place.ids[path])}", **body)
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert without_id(foreign, place.ids[path]) == without_id(unknown, "x" * len(place.ids[path]))
        assert root.get(f"{path}/{place.ids[path]}", **acting).json() == before


_CHANGES: dict[str, dict[str, Any]] = {
    "/admin/keys": {"label": "theirs"},
    "/alerts/configs": {"severity": "info"},
    "/alerts/budgets": {"amount_usd": 1},
}


def without_id(answer: httpx.Response, id: str) -> Any:
    return answer.text.replace(id, "ID")


@pytest.mark.parametrize(
    "path",
    [
        "/admin%2fkeys",
        "//admin/keys",
        "/admin/./keys",
        "/v1/../admin/keys",
        "/ADMIN/keys",
        "/admin/keys/",
        "/admin/keys;x",
        "/admin/keys%0a",
        "/health%0a",
    ],
)
def test_no_spelling_of_a_path_opens_a_door(place: Place, path: str) -> None:
    for who in ("nobody", "member"):
        assert raw_status(place, f"GET {path} HTTP/1.1", place.keys[who]) in (401, 403, 404)
        assert raw_status(place, f"GET http://evil{path} HTTP/1.1", place.keys[who]) in (400, 401, 403, 404)


def test_a_line_end_behind_a_path_makes_it_another_one(place: Place) -> None:
    """Also of a model call's, which is not routed like the others, and of an id."""
    assert raw_status(place, f"POST {CHAT}%0a HTTP/1.1", place.keys["member"]) == 404
    with place.one.client(key=ADMIN_KEY) as root:
        assert root.delete("/admin/organizations/acme%0a").status_code == 404
        assert root.get("/admin/organizations/acme").json()["status"] == "active"


@pytest.mark.parametrize("name", ["%00", "%ff", "acme%0a", "acme%20", "%F0%9F%98%80", "x" * 200])
@pytest.mark.parametrize(
    "path", ["/analytics/usage", "/admin/keys", "/providers/config", "/rate-limits/config", "/v1/models"]
)
def test_what_cannot_be_an_organization_does_not_exist(place: Place, path: str, name: str) -> None:
    for who in ("gateway", "admin"):
        assert raw_status(place, f"GET {path}?organization={name} HTTP/1.1", place.keys[who]) == 404


@pytest.mark.parametrize("path", ["/analytics/usage", "/admin/keys", "/admin/users", "/providers/config", "/v1/models"])
def test_an_organization_that_does_not_exist_is_a_404(place: Place, path: str) -> None:
    """``default`` is declared by the first key, ``acme`` is in the database."""
    with place.one.client(key=ADMIN_KEY) as root:
        missing = root.get(path, params={"organization": "ghost"})
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
        for name in ("acme", "default"):
            assert root.get(path, params={"organization": name}).status_code == 200
        ghost = root.post("/providers/config?organization=ghost", json={"provider": "openai", "api_key": "sk-x"})
        assert ghost.status_code == 404


def test_the_host_header_decides_nothing(place: Place) -> None:
    assert raw_status(place, "GET /admin/keys HTTP/1.1", None, "Host: localhost") == 401
    assert raw_status(place, "GET /admin/keys HTTP/1.1", place.keys["member"], "Host: admin.internal") == 403


def test_two_different_credentials_are_refused(place: Place) -> None:
    status = raw_status(place, "GET /admin/keys HTTP/1.1", place.keys["admin"], f"X-API-Key: {place.keys['member']}")
    assert status == 400


def raw_status(place: Place, line: str, key: str | None, *headers: str) -> int:
    lines = [line, *headers, "Connection: close"]
    if not any(header.lower().startswith("host:") for header in headers):
        lines.append("Host: gateway")
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    with connected(place.one.url) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(wire.recv(65536).split(b" ", 2)[1])


@pytest.mark.parametrize("header", ["Authorization: Bearer", "X-API-Key:", "api-key:"])
def test_hostile_credentials_all_get_the_same_401(place: Place, header: str) -> None:
    """S1. What HTTP itself forbids in a header is a 400, told by no look at the key."""
    answers = set()
    for one in hostile(500):
        text = one.strip()
        request = f"GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{header} {text}\r\n\r\n"
        said = ask(place.one.url, request.encode())
        if "\x00" in text:
            assert said.status == 400
        else:
            answers.add((said.status, said.body))
    [(status, body)] = answers
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")


def test_each_of_the_three_headers_is_as_good(place: Place) -> None:
    key = place.keys["member"] or ""
    for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}, {"api-key": key}):
        assert httpx.post(place.one.url + CHAT, json=HELLO, headers=headers, trust_env=False).status_code == 200


def test_a_key_made_in_one_worker_is_good_in_every_other_and_a_revoked_one_soon_in_none(tmp_path: Path) -> None:
    with gateway(CONFIG, tmp_path, "--workers", "2") as one, one.client(key=ADMIN_KEY) as root:
        made(root, "/admin/organizations", id="acme", name="Acme")
        key = made(root, "/admin/keys", organization="acme", role="member")
        assert statuses(one, key["secret"], 20) == {200}
        assert root.delete(f"/admin/keys/{key['id']}").status_code in (200, 204)
        time.sleep(5)
        assert statuses(one, key["secret"], 20) == {401}


def statuses(one: Running, key: str, count: int) -> set[int]:
    """On connections of their own, so that every worker is asked."""
    return {
        httpx.get(f"{one.url}/v1/models", headers={"api-key": key}, trust_env=False, timeout=10).status_code
        for _ in range(count)
    }
