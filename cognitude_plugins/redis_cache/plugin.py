"""The cache plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import Call, Gateway, Job, Reply, hookimpl

from .answers import BYPASSED
from .cache import Cache
from .desk import Desk
from .hot import CLAIM_SECONDS
from .settings import Config
from .trip import Trip

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class RedisCache:
    """A cache that fails costs money, not answers: it is then done without."""

    on_error = "skip"
    replay = "anew"

    def __init__(self, config: Config, *, name: str = "redis_cache") -> None:
        self._name = name
        self._desk = Desk(config)
        self._cache: Cache | None = None

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway) as cache:
            self._cache = cache
            yield

    @hookimpl
    async def pre_request(self, call: Call) -> Call | Reply | None:
        if self._cache is None or call.dry_run:
            return None
        found = await self._cache.ask(call)
        if isinstance(found, Reply):
            return found
        if found is not None:
            call.state[self._name] = found
        return call.without("cache") if "cache" in call.payload.peek() else None

    @hookimpl
    async def post_response(self, call: Call, reply: Reply) -> Reply | None:
        trip = call.state.get(self._name)
        if isinstance(trip, Trip) and self._cache is not None:
            return self._cache.answered(call, reply, trip)
        return reply.with_headers(BYPASSED) if reply.source == "provider" else None

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        yield Job(name=f"{self._name}-claims", every=timedelta(seconds=CLAIM_SECONDS / 3), run=self._desk.renew)
        yield Job(name=f"{self._name}-sweep", every=timedelta(minutes=10), run=self._desk.sweep, scope="cluster")

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        from .tables import TABLES

        return TABLES

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        from .api import routes

        return routes(self._desk)

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        from .commands import register

        register(cli)

    @hookimpl
    async def health(self) -> Mapping[str, object]:
        return await self._desk.health()
