"""The limiter plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from hooks import Call, Gateway, Job, Plan, Reply, hookimpl

from .desk import Desk
from .gate import Gate
from .headers import rate_limit_headers
from .policies import LEASE_MS
from .reservation import Reservation
from .settings import Config
from .settlement import Settlement

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class Limiter:
    """Guards something, so what it cannot decide is refused unless the operator says otherwise."""

    on_error = "reject"
    replay = "anew"

    def __init__(self, config: Config, *, name: str = "limiter") -> None:
        self._name = name
        self._desk = Desk(config, name)
        self._gate: Gate | None = None
        self._settlement: Settlement | None = None

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway) as counters:
            desk = self._desk
            self._gate = Gate(desk.config, gateway, desk.policies, counters, desk.refused, desk.keeper)
            self._settlement = Settlement(counters, gateway, self._gate.surprises)
            gateway.ceilings.hold(self._name)
            try:
                yield
            finally:
                gateway.ceilings.let_go(self._name)

    @hookimpl
    async def pre_request(self, call: Call) -> Reply | None:
        if self._gate is None:
            return None
        decided = await self._gate.ask(call)
        if isinstance(decided, Reservation):
            call.state[self._name] = decided
            return None
        return decided

    @hookimpl
    def route(self, call: Call, plan: Plan) -> Plan | None:
        reservation = call.state.get(self._name)
        if reservation is None or not reservation.full:
            return None
        full: frozenset[str] = reservation.full
        names = ", ".join(sorted(full))
        return plan.keep(lambda one: one.provider not in full, why=f"{self._name}: the limit of {names} is used up")

    @hookimpl
    async def post_response(self, call: Call, reply: Reply) -> Reply | None:
        reservation: Reservation | None = call.state.get(self._name)
        if reservation is None or self._settlement is None:
            return None
        headers = rate_limit_headers(reservation.rules, reservation.verdict)
        if reservation.local:
            headers["x-ratelimit-mode"] = "degraded"
        reply = reply.with_headers(headers)
        if call.dry_run or not reservation.open:
            return reply
        return self._settlement.watched(call, reply, reservation)

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        yield Job(name=f"{self._name}-overrides", every=timedelta(seconds=1), run=self._desk.refresh)
        yield Job(name=f"{self._name}-budgets", every=timedelta(seconds=1), run=self._desk.read_budgets)
        yield Job(name=f"{self._name}-leases", every=timedelta(milliseconds=LEASE_MS / 3), run=self._renew)
        yield Job(name=f"{self._name}-sweep", every=timedelta(minutes=1), run=self._desk.sweep)

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

    async def _renew(self) -> None:
        if self._settlement is not None:
            self._settlement.renew()
