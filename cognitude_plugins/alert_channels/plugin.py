"""The alert_channels plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import Gateway, Job, hookimpl
from hooks.job import Tick

from .budgets.desk import Desk as Budgets
from .settings import Config
from .summaries.desk import Desk as Summaries

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute

    from .channels.directory import Directory


class AlertChannels:
    """Sees no call: it reads the ledger."""

    def __init__(self, config: Config, *, name: str = "alert_channels") -> None:
        self._name = name
        self._config = config
        self._budgets = Budgets(config.budgets, name)
        self._summaries = Summaries(config.summaries)
        self._directory: Directory | None = None

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        from .channels.directory import Directory
        from .delivery.outbox import enqueue
        from .lifecycle.lifecycle import Lifecycle

        directory = Directory(self._config.channels, gateway.database, gateway.secrets, gateway.outbound)
        await directory.refresh()
        lifecycle = Lifecycle(database=gateway.database, targets=directory, enqueue=enqueue, zone=gateway.time_zone)
        self._directory = directory
        await self._budgets.open(gateway, lifecycle)
        self._summaries.open(gateway, directory, self._budgets.standings_of)
        try:
            yield
        finally:
            self._summaries.close()
            self._budgets.close()

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        second, minute = timedelta(seconds=1), timedelta(minutes=1)
        yield Job(name=f"{self._name}-settings", every=second, run=self._refresh)
        yield Job(name=f"{self._name}-budgets", every=minute, run=self._evaluate, scope="cluster")
        yield Job(name=f"{self._name}-summaries", every=minute, run=self._send_summaries, scope="cluster")

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        from .tables import TABLES

        return TABLES

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        from .budgets.api import routes as budgets
        from .summaries.api import routes as summaries

        return [*budgets(self._budgets), *summaries(self._summaries)]

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        from .budgets.commands import register

        register(cli)

    @hookimpl
    async def health(self) -> Mapping[str, object]:
        return self._budgets.status()

    async def _refresh(self) -> None:
        if self._directory is not None:
            await self._directory.refresh()
        await self._budgets.refresh()

    async def _evaluate(self, tick: Tick) -> None:
        await self._budgets.evaluate(tick.due)

    async def _send_summaries(self, tick: Tick) -> None:
        await self._summaries.send_due(tick.due)
