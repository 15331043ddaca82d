"""The balancer plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from time import monotonic, time
from typing import TYPE_CHECKING

from hooks import Call, Gateway, Job, Plan, Reply, hookimpl

from .desk import Desk, Trip
from .settings import Config

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class Balancer:
    """One that fails leaves the order as it was. ``random``, ``now`` and ``clock`` are for tests."""

    on_error = "skip"
    replay = "drawn"

    def __init__(
        self,
        config: Config,
        *,
        name: str = "balancer",
        random: Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time(), UTC),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name = name
        self._desk = Desk(config, name, random=random or Random(), now=now, clock=clock)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway):
            yield

    @hookimpl
    async def route(self, call: Call, plan: Plan) -> Plan | None:
        return self._desk.route(call, plan)

    @hookimpl
    async def post_response(self, call: Call, reply: Reply) -> Reply | None:
        trip = call.state.get(self._name)
        return reply.on_complete(partial(self._desk.answered, trip)) if isinstance(trip, Trip) else None

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        every = timedelta(seconds=self._desk.config.flush_seconds)
        yield Job(name=f"{self._name}-exposures", every=every, run=self._desk.flush)
        yield Job(name=f"{self._name}-sweep", every=timedelta(hours=6), run=self._desk.sweep, scope="cluster")

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
        return self._desk.status()
