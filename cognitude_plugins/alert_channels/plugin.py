"""The alert_channels plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import Gateway, Job, Metric, Misfit, hookimpl

from .budgets.desk import Desk as Budgets
from .desk import Desk
from .rules.watch import Watch, misfits
from .settings import Config
from .summaries.desk import Desk as Summaries

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class AlertChannels:
    """Sees no call: it reads the ledger. Two would end each other's alerts, whose rules they do not know."""

    once = True

    def __init__(self, config: Config, *, name: str = "alert_channels") -> None:
        self._config = config
        self._desk = Desk(config)
        self._watch = Watch(config.rules)
        self._budgets = Budgets(config.budgets, name, every=config.budgets_every)
        self._summaries = Summaries(config.summaries)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with (
            self._desk.opened(gateway),
            self._watch.opened(gateway, self._desk.directory),
            self._budgets.opened(gateway, self._watch.lifecycle),
            self._summaries.opened(gateway, self._desk.directory, self._budgets.standings_of),
        ):
            yield

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        yield Job(name="channels", every=timedelta(seconds=1), run=self._desk.refresh)
        yield Job(name="deliveries", every=timedelta(seconds=1), run=self._desk.deliver)
        yield Job(name="rules", every=timedelta(minutes=1), run=self._watch.evaluate, scope="cluster")
        yield Job(name="hard-budgets", every=timedelta(seconds=1), run=self._budgets.refresh)
        yield Job(name="budgets", every=timedelta(minutes=1), run=self._budgets.run, scope="cluster")
        yield Job(name="summaries", every=timedelta(minutes=1), run=self._summaries.run, scope="cluster")
        yield Job(name="alerts", every=timedelta(days=1), run=self._watch.sweep, scope="cluster")
        yield Job(name="history", every=timedelta(days=1), run=self._desk.sweep, scope="cluster")

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        from .tables import TABLES

        return TABLES

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        from .budgets.api import routes as budgets
        from .channels.api import routes as channels
        from .delivery.api import routes as deliveries
        from .lifecycle.api import routes as alerts
        from .rules.api import routes as rules
        from .summaries.api import routes as summaries

        # Of two that fit a path the first answers: ``/alerts/{id}`` comes last.
        return [
            *channels(self._desk),
            *deliveries(self._desk),
            *rules(self._watch),
            *budgets(self._budgets),
            *summaries(self._summaries),
            *alerts(self._watch),
        ]

    @hookimpl
    def misfits(self, metrics: Mapping[str, Metric]) -> Iterable[Misfit]:
        return misfits(self._config.rules, metrics)

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        from .budgets.commands import register as register_budgets
        from .commands import register

        register(cli)
        register_budgets(cli)

    @hookimpl
    async def health(self) -> Mapping[str, object]:
        return {**self._desk.status(), **self._watch.status(), **self._budgets.status()}
