"""The gateway's own endpoints: models, health, administration, documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import ConfigError, Operation, PluginError, Reply, Unavailable, operation
from hooks.endpoint import unavailable

from . import schemas
from .docs_page import page
from .health import ready, report
from .openapi import document
from .permitted_models import allows
from .routes import operations
from .runtime import Runtime
from .version import VERSION

_PAGE_HEADERS: Final = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What the endpoints need of the app: its runtime of the moment, its state and age, and how to reload it."""

    runtime: Callable[[], Runtime]
    draining: Callable[[], bool]
    uptime: Callable[[], float]
    """Seconds."""
    reload: Callable[[], Awaitable[None]]

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/v1/models", self.list_models(), methods=["GET"]),
            Route("/v1/models/{id:path}", self.show_model(), methods=["GET"]),
            Route("/health", self.health(), methods=["GET"]),
            Route("/livez", livez, methods=["GET"]),
            Route("/readyz", self.readyz(), methods=["GET"]),
            Route("/admin/reload", self.admin_reload(), methods=["POST"]),
        ]

    def list_models(self) -> Any:
        @operation(
            "List the models this key can use",
            access="organization",
            across=True,
            tag="Models",
            responses={200: schemas.ModelList},
        )
        async def list_models(request: Request) -> Response:
            models = self.runtime().catalog.models
            patterns = request.state.caller.models
            data = [_model(name, models[name]) for name in models if patterns is None or allows(patterns, name)]
            return JSONResponse({"object": "list", "data": data})

        return list_models

    def show_model(self) -> Any:
        @operation(
            "Show one model",
            access="organization",
            across=True,
            tag="Models",
            responses={200: schemas.Model, 404: schemas.Error},
        )
        async def show_model(request: Request) -> Response:
            name = request.path_params["id"]
            found = self.runtime().catalog.models.get(name)
            patterns = request.state.caller.models
            if found is None or (patterns is not None and not allows(patterns, name)):
                message = f"The model {name[:200]!r} does not exist or you do not have access to it."
                return as_response(Reply.error(404, message, code="model_not_found", param="model"))
            return JSONResponse(_model(name, found))

        return show_model

    def health(self) -> Any:
        @operation(
            "The state of the gateway and of each plugin",
            access="public",
            tag="Health",
            responses={200: schemas.Health},
        )
        async def health(request: Request) -> Response:
            made = await report(self.runtime(), draining=self.draining(), uptime=self.uptime())
            return JSONResponse(made)

        return health

    def readyz(self) -> Any:
        @operation(
            "Whether new calls should come here",
            access="public",
            tag="Health",
            responses={200: schemas.Status, 503: schemas.Status},
        )
        async def readyz(request: Request) -> Response:
            fit, status = await ready(self.runtime(), draining=self.draining())
            return JSONResponse({"status": status}, status_code=200 if fit else 503)

        return readyz

    def admin_reload(self) -> Any:
        @operation(
            "Read plugins.yaml again; calls in flight finish on the old configuration",
            access="admin",
            tag="Administration",
            responses={200: schemas.Reloaded, 422: schemas.ReloadRefused},
        )
        async def admin_reload(request: Request) -> Response:
            try:
                await self.reload()
            except (ConfigError, PluginError) as error:
                return as_response(refused(error))
            except Unavailable as error:
                return as_response(unavailable(error))
            runtime = self.runtime()
            body = {"status": "reloaded", "models": len(runtime.catalog.models), "plugins": len(runtime.loaded)}
            return JSONResponse(body)

        return admin_reload


@operation("Whether the process is alive", access="public", tag="Health", responses={200: schemas.Status})
async def livez(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def documentation(described: list[tuple[str, str, Operation]], routes: list[BaseRoute]) -> list[BaseRoute]:
    """``/openapi.json`` and ``/docs``, which describe everything that is routed, themselves too.

    The document is made when it is first asked for, in a thread: it takes some tenths of a second, which neither a
    start nor the calls beside a reload are to wait for.
    """
    turn = asyncio.Lock()
    made: dict[str, Any] = {}

    async def whole() -> dict[str, Any]:
        async with turn:
            if not made:
                every = [*described, *operations([*routes, *own])]
                made.update(await asyncio.to_thread(document, every, version=VERSION))
        return made

    @operation("This document", access="public", tag="Documentation", responses={200: {"type": "object"}})
    async def openapi(request: Request) -> Response:
        return JSONResponse(await whole())

    @operation(
        "This document as a page",
        access="public",
        tag="Documentation",
        responses={200: {"text/html": {"type": "string"}}},
    )
    async def docs(request: Request) -> Response:
        return HTMLResponse(page(await whole()), headers=_PAGE_HEADERS)

    own: list[BaseRoute] = [
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
    ]
    return own


def refused(error: ConfigError | PluginError) -> Reply:
    """422 with every problem; the configuration that was in force stays in force."""
    problems = [problem.as_dict() for problem in error.problems] if isinstance(error, ConfigError) else []
    what = {"message": f"The configuration was refused: {error}", "type": "invalid_request_error", "param": None}
    return Reply.json({"error": {**what, "code": "invalid_configuration"}, "problems": problems}, status=422)


def as_response(reply: Reply) -> Response:
    raw = b"" if reply.payload is None else reply.payload.raw
    return Response(raw, status_code=reply.status, headers=dict(reply.headers), media_type="application/json")


def _model(name: str, found: Any) -> dict[str, Any]:
    owner = found[0].deployment.provider if found else "cognitude"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
