"""Everything that is not a model call: one Starlette app for a runtime's routes, its errors in the OpenAI envelope."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hooks import Operation, Reply

from .endpoints import APIS, Prepare, known, serve_api
from .ids import REQUEST_ID, new_id
from .openapi import API_OPERATIONS
from .outbound.guard import guard_of
from .routes import guarded
from .runtime import Runtime
from .system import System, as_response, documentation

log: Final = logging.getLogger("cognitude")


def surface(runtime: Runtime, system: System) -> ASGIApp:
    """Core routes first, so that a plugin cannot take one over; then the plugins', in their order."""
    own = [*system.routes(), *_of_books(runtime)]
    documented = [(path, *API_OPERATIONS[path]) for path in APIS]
    pages = documentation(
        [(path, method, described) for path, method, described in documented], [*own, *runtime.routes]
    )
    model_calls = [Route(path, _only_post, methods=["POST"]) for path in APIS]
    routes: Sequence[BaseRoute] = [
        *model_calls,
        *guarded(
            [*own, *pages, *runtime.routes],
            partial(known, runtime),
            runtime.new_id,
            runtime.keyring.exists,
            partial(_serve, runtime),
        ),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: http_error, Exception: server_error})
    app.router.redirect_slashes = False
    return _exact(app)


async def _serve(
    runtime: Runtime, operation: Operation, prepare: Prepare, scope: Scope, receive: Receive, send: Send
) -> None:
    """A plugin's model call."""
    assert operation.serves is not None
    await serve_api(runtime, operation.serves, scope, receive, send, prepare)


def _of_books(runtime: Runtime) -> list[BaseRoute]:
    """Endpoints of accounts, ledger and jobs: there as soon as the books are open."""
    books = runtime.books
    if books is None:
        return []
    from .accounts.api import AccountsApi
    from .accounts.providers_api import ProvidersApi
    from .jobs.api import JobsApi
    from .ledger.usage_api import UsageApi

    accounts = AccountsApi(
        storage=books.storage,
        directory=books.directory,
        secrets=books.secrets,
        declared=runtime.keyring.declared,
    )
    return [
        *accounts.routes(),
        *ProvidersApi(
            credentials=books.credentials,
            transactions=accounts.transactions,
            guard=guard_of(runtime.config),
            proxied=runtime.config.gateway.proxy is not None,
            providers=runtime.catalog.providers,
        ).routes(),
        *UsageApi(reader=books.reader).routes(),
        *JobsApi(scheduler=runtime.scheduler, storage=books.storage).routes(),
    ]


def _exact(app: ASGIApp) -> ASGIApp:
    """Starlette's patterns end in ``$``, which also matches before a line end: no path that has one there."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            unknown = await http_error(Request(scope), HTTPException(404))
            await unknown(scope, receive, send)
        else:
            await app(scope, receive, send)

    return routed


async def _only_post(request: Request) -> Response:
    """Never reached: the app takes these paths before its surface. Listed so that another method is a 405."""
    raise HTTPException(500)


async def http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, 404 and 405 among them."""
    assert isinstance(error, HTTPException)
    reply = Reply.error(
        error.status_code,
        _sentence(request, error),
        type="server_error" if error.status_code >= 500 else "invalid_request_error",
        code=_CODES.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")),
        headers={**(error.headers or {}), **_allow(request, error)},
    )
    return as_response(reply)


def _allow(request: Request, error: HTTPException) -> Mapping[str, str]:
    """All methods of the path: Starlette names those of its first route only."""
    if error.status_code != 405 or "app" not in request.scope:
        return {}
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return {"Allow": ", ".join(sorted(found))} if found else {}


_CODES = {404: "unknown_url", 405: "method_not_allowed"}


def _sentence(request: Request, error: HTTPException) -> str:
    path = request.scope["path"][:200]
    if error.status_code == 404 and error.detail == "Not Found":
        return f"Unknown request URL: {request.method} {path}. Please check the URL for typos."
    if error.status_code == 405:
        return f"Not allowed to {request.method} on {path}."
    return str(error.detail)


async def server_error(request: Request, error: Exception) -> Response:
    """A bug of ours: the server logs its traceback, the client is told the id under which it is there."""
    request_id = request.scope.get(REQUEST_ID) or new_id()
    log.error("request %s failed: %s", request_id, type(error).__name__)
    text = "The gateway failed on this request; the failure is in its log."
    headers = {"x-request-id": request_id}
    return as_response(Reply.error(500, text, type="server_error", code="internal_error", headers=headers))
