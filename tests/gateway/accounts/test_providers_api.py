"""``/providers/config``: who may set, see and delete whose keys for providers, and that no answer ever has one."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from cognitude_plugins.gateway.accounts.credentials import Credentials
from cognitude_plugins.gateway.accounts.providers_api import ProvidersApi
from cognitude_plugins.gateway.ids import new_id
from cognitude_plugins.gateway.openapi import document
from cognitude_plugins.gateway.outbound.addresses import networks
from cognitude_plugins.gateway.outbound.guard import Guard
from cognitude_plugins.gateway.routes import guarded, operations
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from tests.databases import Postgres
from tests.gateway.accounts.office import Office

PATH = "/providers/config"
CANARY = "sk-canary-5b0c7f31aa"
BODY = {"provider": "openai", "api_key": CANARY, "enabled": True}


def client(office: Office, token: str, **fields: Any) -> tuple[httpx.AsyncClient, Credentials]:
    credentials = Credentials(office.storage, office.secrets)
    routes = ProvidersApi(credentials=credentials, transactions=office.transactions(), **fields).routes()
    app = Starlette(routes=guarded(routes, office._admit, new_id))
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers
    ), credentials


async def send(
    office: Office, token: str, method: str, body: Any = None, status: int = 200, query: str = "", **fields: Any
) -> Any:
    """The answer's JSON, which must have this status and nothing of the key."""
    await office.directory.refresh()
    made, _ = client(office, token, **fields)
    async with made:
        answer = await made.request(method, PATH + query, json=body)
    assert answer.status_code == status, answer.text
    assert "sk-" not in answer.text + str(answer.headers)
    return answer.json()


def boss(office: Office, organization: str = "acme") -> str:
    office.organization(organization)
    return office.key(organization, role="admin")


async def test_an_organizations_key_is_set_replaced_listed_and_deleted(office: Office) -> None:
    admin = boss(office)
    made = await send(office, admin, "POST", BODY, 201)
    assert made == {
        "object": "provider_config",
        "provider": "openai",
        "enabled": True,
        "base_url": None,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert made["created_at"].endswith("Z")
    changed = await send(
        office, admin, "POST", {**BODY, "enabled": False, "base_url": "https://LLM.example.com:443/v1/"}
    )
    assert changed == {
        **made,
        "enabled": False,
        "base_url": "https://llm.example.com/v1",
        "updated_at": changed["updated_at"],
    }
    listed = await send(office, admin, "GET")
    assert listed == {"object": "list", "data": [changed], "has_more": False, "next": None}
    deleted = await send(office, admin, "DELETE", query="?provider=openai")
    assert deleted == {"object": "provider_config.deleted", "provider": "openai", "deleted": True}
    assert (await send(office, admin, "GET"))["data"] == []
    gone = await send(office, admin, "DELETE", query="?provider=openai", status=404)
    assert gone["error"]["code"] == "not_found"


async def test_it_is_in_force_in_this_process_when_the_answer_comes_and_in_others_soon(office: Office) -> None:
    made, here = client(office, boss(office))
    elsewhere = Credentials(office.storage, office.secrets)
    for each in (here, elsewhere):
        await each.load()
    await office.directory.refresh()
    async with made:
        await made.post(PATH, json=BODY)
        for place in (here, elsewhere):
            await elsewhere.refresh()
            found = place.find("acme", "openai")
            assert found is not None
            assert found.api_key == CANARY
        await made.delete(PATH, params={"provider": "openai"})
        assert here.find("acme", "openai") is None


ROLES = {"admin": True, "member": False, "viewer": False}


@pytest.mark.parametrize("role", ROLES)
async def test_only_an_admin_of_the_organization_may(office: Office, role: Any) -> None:
    boss(office)
    token = office.key("acme", role=role)
    for method, body, query in (("POST", BODY, ""), ("GET", None, ""), ("DELETE", None, "?provider=openai")):
        if ROLES[role]:
            await send(office, token, method, body, 201 if method == "POST" else 200, query)
        else:
            refused = await send(office, token, method, body, 403, query)
            assert refused["error"]["code"] == "role_required"


async def test_nobody_is_nobody(office: Office) -> None:
    for token in ("", "cog_wrong"):
        for method in ("POST", "GET", "DELETE"):
            await send(office, token, method, BODY if method == "POST" else None, 401)


async def test_a_gateway_admin_says_for_whom(office: Office) -> None:
    boss(office)
    root = office.key(None)
    refused = await send(office, root, "POST", BODY, 400)
    assert refused["error"]["code"] == "organization_required"
    await send(office, root, "POST", BODY, 201, "?organization=acme")
    office.organization("other")
    assert (await send(office, root, "GET", query="?organization=other"))["data"] == []
    assert len((await send(office, root, "GET", query="?organization=acme"))["data"]) == 1
    await send(office, root, "DELETE", query="?organization=acme&provider=openai")
    missing = await send(office, root, "GET", query="?organization=%2e%2e%00", status=404)
    assert missing["error"]["code"] == "not_found"


async def test_another_organizations_key_does_not_exist(office: Office) -> None:
    ours, theirs = boss(office), boss(office, "other")
    await send(office, theirs, "POST", BODY, 201)
    assert (await send(office, ours, "GET"))["data"] == []
    foreign = await send(office, ours, "DELETE", query="?provider=openai", status=404)
    absent = await send(office, ours, "DELETE", query="?provider=groq", status=404)
    assert json.dumps(foreign).replace("openai", "groq") == json.dumps(absent)
    assert len((await send(office, theirs, "GET"))["data"]) == 1
    for query in ("?organization=other", "?organization=other&provider=openai"):
        for method in ("POST", "GET", "DELETE"):
            await send(office, ours, method, BODY if method == "POST" else None, 404, query)
    assert len((await send(office, theirs, "GET"))["data"]) == 1


WRONG: list[tuple[dict[str, Any], int, str, str]] = [
    ({"provider": "opanai"}, 422, "provider", "Did you mean 'openai'?"),
    ({"provider": "nobodys"}, 422, "provider", "There is no provider 'nobodys'"),
    ({"provider": "simulated"}, 422, "provider", "not called with an API key"),
    ({"provider": "vertex_ai"}, 422, "provider", "not called with an API key"),
    ({"provider": "a b"}, 400, "provider", "match"),
    ({"provider": 1}, 400, "provider", "string"),
    ({"api_key": ""}, 400, "api_key", "printable ASCII"),
    ({"api_key": f"{CANARY}\n"}, 400, "api_key", "printable ASCII"),
    ({"api_key": f"{CANARY} ☃"}, 400, "api_key", "printable ASCII"),
    ({"api_key": CANARY * 500}, 400, "api_key", "4096"),
    ({"api_key": [CANARY]}, 400, "api_key", "string"),
    ({"api_key": {"key": CANARY}}, 400, "api_key", "string"),
    ({"enabled": CANARY}, 400, "enabled", "boolean"),
    ({"enabled": "no"}, 400, "enabled", "boolean"),
    ({"enabled": 0}, 400, "enabled", "boolean"),
    ({"base_url": 5}, 400, "base_url", "string"),
    ({"base_url": "http://llm.example.com"}, 422, "base_url", "must begin with https://"),
    ({"base_url": f"https://user:{CANARY}@llm.example.com"}, 422, "base_url", "user name or password"),
    ({"base_url": f"https://llm.example.com/?key={CANARY}"}, 422, "base_url", "query"),
    ({"base_url": "https://169.254.169.254/latest"}, 422, "base_url", "public internet"),
    ({"base_url": "https://localhost:8000"}, 422, "base_url", "public internet"),
    ({"provider": "anthropic", "base_url": "https://llm.example.com"}, 422, "base_url", "OpenAI-compatible"),
    ({"organization": "other"}, 400, "organization", "no 'organization'"),
    ({"headers": {"x": CANARY}}, 400, "headers", "no 'headers'"),
]


@pytest.mark.parametrize(("change", "status", "param", "said"), WRONG)
async def test_what_is_wrong_is_named_and_not_repeated(
    office: Office, change: dict[str, Any], status: int, param: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    admin = boss(office)
    with caplog.at_level(logging.DEBUG):
        error = (await send(office, admin, "POST", {**BODY, **change}, status))["error"]
    assert error["param"] == param
    assert said in error["message"]
    assert CANARY not in caplog.text
    assert (await send(office, admin, "GET"))["data"] == []


async def test_what_is_not_json_or_incomplete_is_refused_without_being_repeated(office: Office) -> None:
    made, _ = client(office, boss(office))
    await office.directory.refresh()
    async with made:
        for raw in (b"", b"{}", b"[]", f'{{"api_key": "{CANARY}"'.encode(), f'"{CANARY}"'.encode(), b"\xff\x00"):
            answer = await made.post(PATH, content=raw, headers={"content-type": "application/json"})
            assert answer.status_code == 400
            assert CANARY not in answer.text
        for query in ("", "?provider=", "?provider=a%20b", "?provider=openai&x=1", "?provider=openai&provider=groq"):
            assert (await made.delete(PATH + query)).status_code == 400


async def test_a_provider_of_the_configurations_own_and_an_allowed_network_can_be_used(office: Office) -> None:
    admin = boss(office)
    guard = Guard(allow=networks(["10.0.0.0/8"]), allow_http=True)
    body = {**BODY, "provider": "ourllm", "base_url": "http://10.0.0.5:8000/v1"}
    made = await send(office, admin, "POST", body, 201, guard=guard, providers=lambda: ["ourllm"])
    assert (made["provider"], made["base_url"]) == ("ourllm", "http://10.0.0.5:8000/v1")


async def test_behind_a_proxy_there_is_no_address_of_ones_own(office: Office) -> None:
    admin = boss(office)
    body = {**BODY, "base_url": "https://llm.example.com"}
    error = (await send(office, admin, "POST", body, 422, proxied=True))["error"]
    assert "proxy" in error["message"]
    await send(office, admin, "POST", BODY, 201, proxied=True)


async def test_the_database_and_the_log_have_nothing_of_the_key(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    admin = boss(office)
    with caplog.at_level(logging.DEBUG):
        for body in (BODY, {**BODY, "base_url": "https://llm.example.com"}):
            await send(office, admin, "POST", body, 201 if body is BODY else 200)
    assert CANARY.encode() not in office.dump()
    assert CANARY not in caplog.text


async def test_many_at_once_leave_one(office: Office) -> None:
    made, credentials = client(office, boss(office))
    await office.directory.refresh()
    async with made:
        bodies = [{**BODY, "api_key": f"sk-{number}"} for number in range(12)]
        answers = await asyncio.gather(*(made.post(PATH, json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len((await made.get(PATH)).json()["data"]) == 1
    there = Credentials(office.storage, office.secrets)
    await there.load()
    assert there.find("acme", "openai") == credentials.find("acme", "openai")


async def test_without_a_database_it_says_so(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    storage = Storage(postgres_url, timeout=0.3)
    upgrade(storage, tmp_path / "lock")
    office = Office(storage)
    made, _ = client(office, boss(office))
    await office.directory.refresh()
    async with made:
        with postgres.frozen():
            for answer in (await made.post(PATH, json=BODY), await made.get(PATH)):
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
                assert CANARY not in answer.text
    storage.close()


def test_the_document_describes_it_and_has_no_key_in_it(office: Office) -> None:
    routes = ProvidersApi(
        credentials=Credentials(office.storage, office.secrets), transactions=office.transactions()
    ).routes()
    made = document(operations(routes), version="1")
    described = made["paths"][PATH]
    assert set(described) == {"get", "post", "delete"}
    assert "sk-" not in json.dumps(described)
    body = json.dumps(made)
    assert '"format": "password"' in body
    assert '"writeOnly": true' in body
    [query] = [one for one in described["delete"]["parameters"] if one["name"] == "provider"]
    assert (query["in"], query["required"]) == ("query", True)
