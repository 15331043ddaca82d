"""The alert_channels plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import Gateway, Job, hookimpl

from .desk import Desk
from .rules.watch import Watch
from .settings import Config

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class AlertChannels:
    """Sees no call: it reads the ledger."""

    def __init__(self, config: Config, *, name: str = "alert_channels") -> None:
        self._name = name
        self._config = config
        self._desk = Desk(config)
        self._watch = Watch(config.rules, name=name)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway), self._watch.opened(gateway, self._desk.directory):
            yield

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        yield Job(name="channels", every=timedelta(seconds=1), run=self._desk.refresh)
        yield Job(name="deliveries", every=timedelta(seconds=1), run=self._desk.deliver)
        yield Job(name="rules", every=timedelta(minutes=1), run=self._watch.evaluate, scope="cluster")
        yield Job(name="alerts", every=timedelta(days=1), run=self._watch.sweep, scope="cluster")
        yield Job(name="history", every=timedelta(days=1), run=self._desk.sweep, scope="cluster")

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        from .tables import TABLES

        return TABLES

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        from .channels.api import routes as channels
        from .delivery.api import routes as deliveries
        from .lifecycle.api import routes as alerts
        from .rules.api import routes as rules

        # Of two that fit a path the first answers: ``/alerts/{id}`` comes last.
        return [*channels(self._desk), *deliveries(self._desk), *rules(self._watch), *alerts(self._watch)]

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        from .commands import register

        register(cli)

    @hookimpl
    async def health(self) -> Mapping[str, object]:
        return {**self._desk.status(), **self._watch.status()}
