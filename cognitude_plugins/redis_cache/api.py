"""``/cache``: what is kept for an organization, and how to be rid of it."""

from __future__ import annotations

from dataclasses import dataclass
from re import fullmatch
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import answer, answering, query_as, refused

from .bodies import KEY, CacheCleared, CacheEntry, CacheStats, ClearQuery, Nothing, StatsQuery
from .cache import SHARED
from .desk import Desk, now_ms
from .stored import Wanted

_TAG: Final = "Cache"


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
        @answering
        async def show_stats(request: Request) -> Response:
            query, organization = query_as(request, StatsQuery), request.state.caller.organization
            found = await self.desk.stats(organization, query.days)
            return answer(CacheStats(organization=organization, days=query.days, **found))

        return show_stats

    def clear(self) -> Any:
        @operation(
            "Delete kept answers of an organization: all, or those of a model, of a key, of an age",
            access="organization_admin",
            tag=_TAG,
            request=ClearQuery,
            responses={200: CacheCleared, 503: None},
        )
        @answering
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
        @answering
        async def clear_shared_cache(request: Request) -> Response:
            return await self._cleared(request, SHARED)

        return clear_shared_cache

    async def _cleared(self, request: Request, organization: str) -> Response:
        query = query_as(request, ClearQuery, acting=organization != SHARED)
        before = None if query.older_than is None else now_ms() - query.older_than * 1000
        wanted = Wanted(organization=organization, model=query.model, key=query.key, before_ms=before)
        found = await (self.desk.find(wanted) if query.dry_run else self.desk.remove(wanted))
        return answer(
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
        @answering
        async def show_entry(request: Request) -> Response:
            query_as(request, Nothing)
            key: str = request.path_params["key"]
            entry = await self.desk.show(request.state.caller.organization, key) if fullmatch(KEY, key) else None
            if entry is None:
                raise refused(f"No answer is kept under the key {key[:64]!r}.", status=404, code="not_found")
            return answer(
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
