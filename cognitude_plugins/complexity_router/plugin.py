"""The router plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from hooks import Call, Gateway, Job, Outcome, Plan, Reply, hookimpl

from .desk import Desk
from .model import Weights
from .report import report
from .routed import Asked, Routed
from .settings import Config
from .wishes import wished

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute


class ComplexityRouter:
    """A router that fails costs money: calls then go to the alias's first candidate."""

    on_error = "skip"

    def __init__(self, config: Config, *, name: str = "complexity_router") -> None:
        self._name = name
        self._config = config
        self._desk = Desk(config, name)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway):
            yield

    @hookimpl
    def pre_request(self, call: Call) -> Call | Reply | None:
        alias = self._config.aliases.get(call.model)
        if alias is None:
            return None
        wishes = wished(alias.wishes(), call.payload.peek().get("routing"))
        if isinstance(wishes, Reply):
            return wishes
        asked = call.without("routing") if "routing" in call.payload.peek() else call
        call.state[self._name] = Asked(wishes=wishes, call=asked)
        return None if asked is call else asked

    @hookimpl
    async def route(self, call: Call, plan: Plan) -> Plan | Reply | None:
        asked, router = call.state.get(self._name), self._desk.router
        if not isinstance(asked, Asked) or router is None or call.model not in self._config.aliases:
            return None
        if not plan.deployments:
            return None
        found = await router.route(call, plan, asked.wishes)
        if isinstance(found, Reply):
            return found
        ordered, routed = found
        call.state[self._name] = replace(asked, routed=routed)
        call.record(complexity=routed.complexity.level, baseline=router.baseline(plan, routed))
        return ordered

    @hookimpl
    def post_response(self, call: Call, reply: Reply) -> Reply | None:
        asked, shadow = call.state.get(self._name), self._desk.shadow
        if not isinstance(asked, Asked) or asked.routed is None:
            return None
        routed = asked.routed
        changed = None
        if routed.wishes.report and reply.status == 200:
            changed = reply = reply.map(_Reporting(routed, self._desk.generic))
        if shadow is not None and shadow.drawn(call, reply, routed):
            changed = reply.on_complete(partial(self._done, replace(asked.call, id=call.id), routed))
        return changed

    def _done(self, call: Call, routed: Routed, outcome: Outcome) -> None:
        if self._desk.shadow is not None:
            self._desk.shadow.begin(call, routed, outcome)

    @hookimpl
    def schedule(self) -> Iterable[Job]:
        yield Job(name=f"{self._name}-learn", every=timedelta(seconds=1), run=self._desk.refresh)
        if self._config.learn_from_prompts:
            yield Job(name=f"{self._name}-study", every=timedelta(minutes=10), run=self._desk.study, scope="cluster")
        yield Job(name=f"{self._name}-forget", every=timedelta(hours=6), run=self._desk.forget, scope="cluster")

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
        return self._desk.health()


class _Reporting:
    """Puts the decision into a whole answer, and into the first event of a stream."""

    def __init__(self, routed: Routed, generic: Weights | None) -> None:
        self._routed = routed
        self._generic = generic
        self._done = False

    def __call__(self, body: Any) -> Any:
        if self._done or not isinstance(body, Mapping):
            return None
        self._done = True
        return {**body, "routing": report(self._routed, self._generic).model_dump()}
