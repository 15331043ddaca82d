"""Endpoints of plugins: none without an access class, and each lets in only whom its class names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.types import Scope

from cognitude_plugins.gateway.endpoints import known
from cognitude_plugins.gateway.ids import new_id
from cognitude_plugins.gateway.routes import collect_routes, guarded, operations
from hooks import Caller, ConfigError, hookimpl, operation
from tests.gateway.calls import KEY, YAML, runtime_of

ADMIN = "secret-of-the-admin-key"


def _chat(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body


as_chat = operation("Chat", access="member", serves="chat")(lambda body: _chat(body))
open_chat = operation("Chat", access="public", serves="chat")(lambda body: _chat(body))


@operation("Open", access="public")
async def opened(request: Request) -> Response:
    return PlainTextResponse("open")


@operation("Mine", access="organization")
async def mine(request: Request) -> Response:
    return JSONResponse({"organization": request.state.caller.organization, "key": request.state.caller.key})


@operation("Admin", access="admin")
async def admin(request: Request) -> Response:
    return PlainTextResponse(request.state.caller.key)


@operation("A class", access="admin")
class Classy(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("classy")


async def unmarked(request: Request) -> Response:
    return PlainTextResponse("never")


def plugin(*routes: Any) -> Any:
    @hookimpl
    def of_it(self: Any) -> Any:
        return routes

    return type("Mine", (), {"routes": of_it})()


def mounted() -> Mount:
    app = Router([Route("/inner", unmarked)])
    return Mount("/mount", app=operation("Mounted", access="admin")(app))


ROUTES: list[BaseRoute] = [
    Route("/open", opened),
    Route("/mine/{id}", mine, methods=["GET", "POST"]),
    Route("/admin", admin),
    Route("/classy", Classy),
    mounted(),
]


def client(folder: Path) -> httpx.AsyncClient:
    key = f"{{id: root, secret: {ADMIN}, admin: true}}"
    yaml = YAML.replace("keys: [", f"keys: [{key}, ")
    runtime = runtime_of(folder, plugin(*ROUTES), yaml=yaml)
    routes = guarded(collect_routes(runtime.manager), partial(known, runtime), new_id)
    app = Starlette(routes=routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("path", "nobody", "key", "root"),
    [
        ("/open", 200, 200, 200),
        ("/mine/7", 401, 200, 400),
        ("/mine/7?organization=acme", 401, 200, 200),
        ("/mine/7?organization=globex", 401, 404, 200),
        ("/admin", 401, 403, 200),
        ("/classy", 401, 403, 200),
        ("/mount/inner", 401, 403, 200),
        ("/mount/nothing", 401, 403, 404),
    ],
)
async def test_an_endpoint_lets_in_whom_it_names(tmp_path: Path, path: str, nobody: int, key: int, root: int) -> None:
    async with client(tmp_path) as http:
        assert (await http.get(path)).status_code == nobody
        assert (await http.get(path, headers=bearer("wrong"))).status_code == (200 if nobody == 200 else 401)
        assert (await http.get(path, headers=bearer(KEY))).status_code == key
        assert (await http.get(path, headers=bearer(ADMIN))).status_code == root


async def test_a_refusal_is_in_the_envelope_and_has_an_id(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        refused = await http.get("/admin", headers=bearer(KEY))
    assert refused.json()["error"]["code"] == "admin_required"
    assert refused.headers["x-request-id"].startswith("req_")


async def test_an_endpoint_knows_its_caller_and_keeps_its_methods(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        assert (await http.post("/mine/7", headers=bearer(KEY))).json() == {"organization": "acme", "key": "test"}
        assert (await http.put("/mine/7", headers=bearer(KEY))).status_code == 405


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route("/x", unmarked), "the endpoint of '/x' has no access class"),
        (Mount("/x", app=Router([])), "the endpoint of '/x' has no access class"),
        (Host("a.example", app=Router([])), "routes gave Host"),
        ("/x", "routes gave str"),
        (Route("/x", as_chat, methods=["GET"]), "'/x' serves model calls: those are POST alone"),
        (
            Route("/x", open_chat, methods=["POST"]),
            "'/x' serves model calls: those are POST alone, with access 'member'",
        ),
    ],
)
def test_a_route_without_an_access_class_is_refused_by_its_plugin(tmp_path: Path, route: Any, said: str) -> None:
    runtime = runtime_of(tmp_path, plugin(Route("/open", opened), route))
    with pytest.raises(ConfigError) as caught:
        collect_routes(runtime.manager)
    assert [problem.path for problem in caught.value.problems] == ["plugin mine"]
    assert said in str(caught.value)


def test_operations_are_listed_by_method_without_head() -> None:
    rows = [(path, method, found.access) for path, method, found in operations(ROUTES)]
    assert rows[:4] == [
        ("/open", "GET", "public"),
        ("/mine/{id}", "GET", "organization"),
        ("/mine/{id}", "POST", "organization"),
        ("/admin", "GET", "admin"),
    ]


class Picky(Route):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return (Match.NONE, {}) if scope["path"].endswith("/not") else (match, found)


async def test_a_route_of_a_plugins_own_kind_stays_one() -> None:
    async def admit(scope: Scope) -> Caller:
        return Caller(organization="acme", key="k")

    [route] = guarded([Picky("/things/{id}", mine)], admit, new_id)
    scope: Scope = {"type": "http", "method": "GET", "root_path": ""}
    assert route.matches({**scope, "path": "/things/one"})[0] is Match.FULL
    assert route.matches({**scope, "path": "/things/not"})[0] is Match.NONE
