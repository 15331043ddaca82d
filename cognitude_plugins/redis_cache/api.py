"""``/cache``: what is kept for an organization, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from re import fullmatch
from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hooks import Reply, Unavailable, operation

from .bodies import KEY, CacheCleared, CacheEntry, CacheStats, ClearQuery, Nothing, StatsQuery
from .cache import SHARED
from .desk import Desk, now_ms
from .hot import Away
from .stored import Wanted

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]

_TAG: Final = "Cache"
_PRIVATE: Final = {"cache-control": "no-store"}


class _Wrong(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply: Final = reply


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route("/cache/stats", api.stats(), methods=["GET"]),
        Route("/cache", api.clear(), methods=["DELETE"]),
        Route("/cache/shared", api.clear_shared(), methods=["DELETE"]),
        Route("/cache/entries/{key}", api.entry(), methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def stats(self) -> Any:
        @operation(
            "Show how often answers were given again, and from where",
            access="organization",
            tag=_TAG,
            request=StatsQuery,
            responses={200: CacheStats},
        )
        @_answering
        async def show_stats(request: Request) -> Response:
            query, organization = _query(request, StatsQuery), request.state.caller.organization
            found = await self.desk.stats(organization, query.days)
            return _answer(CacheStats(organization=organization, days=query.days, **found))

        return show_stats

    def clear(self) -> Any:
        @operation(
            "Delete kept answers of an organization: all, or those of a model, of a key, of an age",
            access="organization_admin",
            tag=_TAG,
            request=ClearQuery,
            responses={200: CacheCleared, 503: None},
        )
        @_answering
        async def clear_cache(request: Request) -> Response:
            return await self._cleared(request, request.state.caller.organization)

        return clear_cache

    def clear_shared(self) -> Any:
        @operation(
            "Delete kept answers that all organizations have in common",
            access="admin",
            tag=_TAG,
            request=ClearQuery,
            responses={200: CacheCleared, 503: None},
        )
        @_answering
        async def clear_shared_cache(request: Request) -> Response:
            return await self._cleared(request, SHARED)

        return clear_shared_cache

    async def _cleared(self, request: Request, organization: str) -> Response:
        query = _query(request, ClearQuery, acting=organization != SHARED)
        before = None if query.older_than is None else now_ms() - query.older_than * 1000
        wanted = Wanted(organization=organization, model=query.model, key=query.key, before_ms=before)
        found = await (self.desk.find(wanted) if query.dry_run else self.desk.remove(wanted))
        return _answer(
            CacheCleared(organization=organization, answers=len(found.keys), bytes=found.bytes, dry_run=query.dry_run)
        )

    def entry(self) -> Any:
        @operation(
            "Show one kept answer of the own organization",
            access="organization",
            tag=_TAG,
            request=Nothing,
            responses={200: CacheEntry, 404: None},
        )
        @_answering
        async def show_entry(request: Request) -> Response:
            _query(request, Nothing)
            key: str = request.path_params["key"]
            entry = await self.desk.show(request.state.caller.organization, key) if fullmatch(KEY, key) else None
            if entry is None:
                raise _Wrong(Reply.error(404, f"No answer is kept under the key {key[:64]!r}.", code="not_found"))
            return _answer(
                CacheEntry(
                    key=key,
                    model=entry.model,
                    created_ms=entry.created_ms,
                    age=entry.age(now_ms()),
                    cost_nano_usd=entry.cost_nano_usd,
                    answer=orjson.loads(entry.body),
                )
            )

        return show_entry


def _answering(handler: Handler) -> Handler:
    """The endpoint with its refusals made into answers, and what it needs and cannot reach into 503."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except _Wrong as wrong:
            return _response(wrong.reply)
        except Unavailable:
            return _response(_away("database_unavailable", "The database"))
        except Away:
            return _response(_away("redis_unavailable", "Redis"))

    return answered


def _answer(body: BaseModel) -> Response:
    return JSONResponse(body.model_dump(mode="json"), headers=_PRIVATE)


def _query(request: Request, model: type[Model], *, acting: bool = True) -> Model:
    """Without ``organization``, which the gateway has dealt with where one is ``acting`` for it."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            text = f"The parameter {name[:80]!r} is given more than once."
            raise _Wrong(Reply.error(400, text, code="invalid_value", param=name[:80]))
        if name != "organization" or not acting:
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"])[:200]
        if first["type"] == "extra_forbidden":
            text, code = f"There is no {param!r} to be set here.", "unknown_field"
        else:
            text, code = f"{param}: {first['msg']}.", "invalid_value"
        raise _Wrong(Reply.error(400, text, code=code, param=param)) from None


def _away(code: str, what: str) -> Reply:
    message = f"{what} does not answer; what was asked for may have been done in part."
    return Reply.error(503, message, type="server_error", code=code, headers={"retry-after": "1"})


def _response(reply: Reply) -> Response:
    return JSONResponse(reply.body, status_code=reply.status, headers={**reply.headers, **_PRIVATE})
